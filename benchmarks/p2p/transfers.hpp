// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/check.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

/// Bulk there, back, and both ways, on any stream. Every byte that comes is compared.
namespace bench {

/// Counts bytes while it runs.
struct meter {
    bool runs = true;
    std::uint64_t bytes = 0;

    void add(std::size_t n) { bytes += runs ? n : 0; }
};

struct transfer {
    std::uint64_t size = 0;   ///< bytes to move
    meter moved{};            ///< in the direction that counts
    bool ends_early = false;  ///< before all is sent
};

/// The bytes that are to come from an offset on.
using expected_bytes = std::span<const std::byte> (*)(std::uint64_t at, std::size_t n);

inline constexpr std::size_t piece = 64 * 1024;

inline std::error_code wrong_bytes() {
    return std::make_error_code(std::errc::illegal_byte_sequence);
}

inline std::array<std::byte, 8> big_endian(std::uint64_t n) {
    std::array<std::byte, 8> made;
    for (unsigned i = 0; i < 8; ++i) made[i] = static_cast<std::byte>(n >> (56 - 8 * i));
    return made;
}

/// Bytes that are the same nowhere near: of a length that no frame has.
class pattern {
public:
    static constexpr std::size_t length = 65521;

    pattern() : bytes_(length + piece) {
        std::uint32_t state = 1;
        for (std::size_t i = 0; i < length; ++i) {
            state = state * 1664525 + 1013904223;
            bytes_[i] = static_cast<std::byte>(state >> 24);
        }
        for (std::size_t i = length; i < bytes_.size(); ++i) bytes_[i] = bytes_[i - length];
    }

    /// `n` bytes from offset `at`. Precondition: n <= piece.
    std::span<const std::byte> part(std::uint64_t at, std::size_t n) const {
        return std::span(bytes_).subspan(static_cast<std::size_t>(at % length), n);
    }

private:
    std::vector<std::byte> bytes_;
};

inline bool are_equal(std::span<const std::byte> a, std::span<const std::byte> b) {
    return std::memcmp(a.data(), b.data(), b.size()) == 0;
}

inline std::span<const std::byte> patterned(std::uint64_t at, std::size_t n) {
    static const pattern all;
    return all.part(at, n);
}

/// Reads to the end. *Errors:* `wrong_bytes`; those of the stream.
template <copoll::stream S>
copoll::task<copoll::result<std::uint64_t>> receive_all(S& from, expected_bytes expected,
                                                        meter& moved) {
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(piece);
    const std::span into{memory.get(), piece};
    std::uint64_t total = 0;
    for (;;) {
        const copoll::io_result r = co_await from.read_some(into);
        if (!are_equal(into, expected(total, r.n))) co_return copoll::fail(wrong_bytes());
        total += r.n;
        moved.add(r.n);
        if (r.ec == copoll::errc::eof) co_return total;
        if (r.ec) co_return copoll::fail(r.ec);
    }
}

/// Writes until all has been sent, or it is to end early, and finishes.
template <copoll::stream S>
copoll::task<copoll::result<std::uint64_t>> send_all(S& to, expected_bytes what, const transfer& t,
                                                     meter& moved) {
    std::uint64_t total = 0;
    while (total < t.size && !t.ends_early) {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece, t.size - total));
        co_await copoll::check(copoll::write_all(to, what(total, n)));
        total += n;
        moved.add(n);
    }
    co_await copoll::check(to.shutdown_write());
    co_return total;
}

inline std::span<const std::byte> zeros(std::uint64_t, std::size_t n) {
    static const std::vector<std::byte> all(piece);
    return std::span(all).first(n);
}

/// By `/perf/1.0.0`: asks for t.size bytes.
template <copoll::stream S>
copoll::task<copoll::result<void>> download(S& from, transfer& t) {
    const auto wanted = big_endian(t.size);
    co_await copoll::check(copoll::write_all(from, wanted));
    co_await copoll::check(from.shutdown_write());
    const auto got = co_await copoll::check(receive_all(from, zeros, t.moved));
    if (got != t.size) co_return copoll::fail(wrong_bytes());
    co_return {};
}

/// By `/perf/1.0.0`: asks for nothing, and waits until all has been taken. Counts what was written:
/// what is under way at the end was at the beginning as well.
template <copoll::stream S>
copoll::task<copoll::result<void>> upload(S& to, transfer& t) {
    const auto wanted = big_endian(0);
    co_await copoll::check(copoll::write_all(to, wanted));
    co_await copoll::check(send_all(to, zeros, t, t.moved));
    meter none;
    const auto got = co_await copoll::check(receive_all(to, zeros, none));
    if (got != 0) co_return copoll::fail(wrong_bytes());
    co_return {};
}

/// By `/echo/1.0.0`. Counts what has come back.
template <copoll::stream S>
copoll::task<copoll::result<void>> echo(S& with, transfer& t) {
    const auto both = [](copoll::scope& s, S& on, transfer& of,
                         meter& sent) -> copoll::task<copoll::result<void>> {
        s.spawn(send_all<S>, std::ref(on), patterned, std::cref(of), std::ref(sent));
        const auto came = co_await copoll::check(receive_all(on, patterned, of.moved));
        co_await s.join();
        if (came != sent.bytes) co_return copoll::fail(wrong_bytes());
        co_return {};
    };
    meter sent;  // out here, as the one who sends may end after the one who reads
    co_return co_await copoll::with_scope(copoll::child_failure::stop_all, both, with, t, sent);
}

}  // namespace bench
