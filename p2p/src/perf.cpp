// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/perf.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <copoll/check.hpp>

namespace copoll::p2p {
namespace {

constexpr std::size_t piece_size = 64 * 1024;
constexpr std::size_t head_size = 8;  // the bytes that are wanted back, the highest byte first

/// The next bytes to be sent when `left` are.
std::span<const std::byte> next_piece(std::uint64_t left) noexcept {
    static std::array<std::byte, piece_size> zeros;  // never written; a constant would be stored
    return std::span(zeros).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(left, piece_size)));
}

/// To the end, while memory is held for what is there alone.
task<result<void>> read_all(stream& s) {
    for (;;) {
        const auto piece = co_await s.read_chunk();
        if (!piece && piece.error() == copoll::errc::eof) co_return {};
        if (!piece) co_return fail(piece.error());
    }
}

class measurement {
public:
    measurement(stream s, std::function<void(const perf_result&)> progress) noexcept
        : stream_(std::move(s)), progress_(std::move(progress)) {}

    task<result<perf_result>> run(std::uint64_t upload, std::uint64_t download) {
        started_ = clock::now();
        co_await check(send(upload, download));
        co_await check(receive(download));
        co_return so_far_;
    }

private:
    task<result<void>> send(std::uint64_t upload, std::uint64_t download) {
        std::array<std::byte, head_size> head;
        for (std::size_t i = 0; i < head_size; ++i)
            head[i] = static_cast<std::byte>(download >> (8 * (head_size - 1 - i)));
        co_await check(write_all(stream_, head));
        while (so_far_.sent < upload) {
            const io_result r = co_await stream_.write_some(next_piece(upload - so_far_.sent));
            if (r.ec) co_return fail(r.ec);
            so_far_.sent += r.n;
            so_far_.upload = clock::now() - started_;
            tell();
        }
        co_return co_await stream_.shutdown_write();
    }

    task<result<void>> receive(std::uint64_t download) {
        for (bool first = true;; first = false) {
            const auto piece = co_await stream_.read_chunk();
            if (!piece && piece.error() != copoll::errc::eof) co_return fail(piece.error());
            const clock::duration passed = clock::now() - started_;
            if (first) so_far_.upload = passed;
            so_far_.download = passed - so_far_.upload;
            if (!piece) break;
            so_far_.received += piece->size();
            if (so_far_.received > download) co_return fail(errc::wrong_answer);
            tell();
        }
        if (so_far_.received < download) co_return fail(errc::truncated);
        co_return {};
    }

    void tell() const {
        if (progress_) progress_(so_far_);
    }

    stream stream_;
    std::function<void(const perf_result&)> progress_;
    clock::time_point started_{};
    perf_result so_far_{};
};

}  // namespace

task<result<perf_result>> measure(stream s, std::uint64_t upload, std::uint64_t download,
                                  std::function<void(const perf_result&)> progress) {
    measurement m{std::move(s), std::move(progress)};
    co_return co_await m.run(upload, download);
}

task<result<void>> answer_perf(stream s) {
    std::array<std::byte, head_size> head;
    const io_result got = co_await read_exactly(s, head);
    if (got.ec == copoll::errc::eof) co_return fail(errc::truncated);
    if (got.ec) co_return fail(got.ec);
    std::uint64_t left = 0;
    for (const std::byte b : head) left = left << 8 | std::to_integer<std::uint64_t>(b);
    co_await check(read_all(s));
    while (left > 0) left -= co_await check(s.write_some(next_piece(left)));
    co_return co_await s.shutdown_write();
}

}  // namespace copoll::p2p
