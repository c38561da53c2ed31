// SPDX-License-Identifier: MIT OR Apache-2.0
#include "secure_link.hpp"

#include <algorithm>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/detail/under_way.hpp>
#include <copoll/loop.hpp>

#include "spare_buffers.hpp"

namespace copoll::p2p::detail {

namespace {

/// Whether a failed write keeps from reading. Others do not: what a peer said before it reset the
/// connection can still be read.
bool gives_up(std::error_code ec) noexcept {
    return ec == copoll::errc::canceled || ec == copoll::errc::timed_out;
}

}  // namespace

// ---- Reading

/// The whole record that is next, in one piece; empty if it is not there yet.
result<std::span<const std::byte>> secure_link::front_record() {
    if (!partial_.empty()) {
        gather(noise::session::header_size);
        const auto size = noise::session::record_size(std::as_const(partial_).data());
        if (!size) return fail(size.error());
        if (!*size) return std::span<const std::byte>{};
        gather(**size);
        if (partial_.size() < **size) return std::span<const std::byte>{};
        return std::as_const(partial_).data().first(**size);
    }
    const auto rest = std::span<const std::byte>(received_).subspan(at_);
    const auto size = noise::session::record_size(rest);
    if (!size) return fail(size.error());
    if (*size && rest.size() >= **size) return rest.first(**size);
    gather(rest.size());
    return std::span<const std::byte>{};
}

/// Moves what was received to the beginning of its record, until that has `size` bytes.
void secure_link::gather(std::size_t size) {
    const auto rest = std::span<const std::byte>(received_).subspan(at_);
    const std::size_t missing = size - std::min(size, partial_.size());
    const auto part = rest.first(std::min(rest.size(), missing));
    spare_buffers::make_room(partial_, part.size(), buffer::unlimited);
    at_ += partial_.append(part);
}

void secure_link::drop_front(std::size_t size) noexcept {
    if (partial_.empty())
        at_ += size;
    else
        partial_.consume(size);
}

/// Decrypts the records that are there, as far as they fit.
result<std::size_t> secure_link::open_into(std::span<std::byte> room) {
    std::size_t n = 0;
    for (;;) {
        const auto record = front_record();
        if (!record && n > 0) return n;  // it comes again
        if (!record) return fail(record.error());
        if (record->empty()) return n;
        const std::size_t size = record->size() - noise::session::overhead;
        if (size > room.size() - n) return n;
        if (const auto opened = session_.open(*record, room.subspan(n, size)); !opened)
            return n > 0 ? result<std::size_t>{n} : fail(opened.error());
        drop_front(record->size());
        n += size;
        empty_ = size > 0 ? 0 : empty_ + 1;
        if (empty_ > most_empty) return fail(errc::too_much_work);
    }
}

task<result<void>> secure_link::receive() {
    received_ = {};
    at_ = 0;
    if (partial_.empty()) spare_buffers::give_back(partial_);
    auto got = co_await transport_.read_chunk();
    if (got) {
        received_ = *std::move(got);
        co_return {};
    }
    if (got.error() == copoll::errc::eof && !partial_.empty()) co_return fail(errc::truncated);
    co_return fail(got.error());
}

task<result<chunk>> secure_link::read_chunk() {
    const env& here = co_await this_env{};
    for (;;) {
        if (!ahead_.empty()) {  // what an earlier `read_some` left
            chunk rest = here.owner->chunks().take();
            const auto left = std::span<const std::byte>(ahead_).subspan(ahead_at_);
            std::ranges::copy(left, rest.begin());
            rest.truncate(left.size());
            ahead_ = {};
            co_return std::move(rest);
        }
        if (at_ < received_.size() || !partial_.empty()) {
            chunk into = here.owner->chunks().take();
            const std::size_t n = co_await check(open_into(std::span<std::byte>(into)));
            into.truncate(n);
            if (n > 0) co_return std::move(into);
        }
        // A reader must not wait for a writer: the peer may be one that reads when it is read from.
        if (has_output() && !flushing_) {
            const auto flushed = co_await flush();
            if (!flushed && gives_up(flushed.error())) co_return fail(flushed.error());
        }
        co_await check(receive());
    }
}

task<io_result> secure_link::read_some(std::span<std::byte> into) {
    if (into.empty()) co_return io_result{};
    if (ahead_.empty()) {
        auto got = co_await read_chunk();
        if (!got) co_return io_result{got.error(), 0};
        ahead_ = *std::move(got);
        ahead_at_ = 0;
    }
    const auto left = std::span<const std::byte>(ahead_).subspan(ahead_at_);
    const std::size_t n = std::min(left.size(), into.size());
    std::ranges::copy(left.first(n), into.begin());
    ahead_at_ += n;
    if (ahead_at_ == ahead_.size()) ahead_ = {};
    co_return io_result{{}, n};
}

// ---- Writing

task<result<void>> secure_link::flush() {
    while (flushing_) {
        flushed_.reset();
        co_await check(flushed_.wait());
    }
    const copoll::detail::under_way under_way{flushing_, flushed_};
    while (has_output()) {
        // taken away, as more may be sealed while this waits
        if (leaving_.empty()) leaving_.swap(sealed_);
        const io_result r = co_await transport_.write_some(std::as_const(leaving_).data());
        leaving_.consume(r.n);
        if (r.ec) co_return fail(r.ec);
    }
    spare_buffers::give_back(leaving_);
    spare_buffers::give_back(sealed_);
    co_return {};
}

task<io_result> secure_link::write_some(std::span<const std::byte> bytes) {
    if (shut_down_) co_return io_result{copoll::errc::closed, 0};
    if (bytes.empty()) co_return io_result{};
    // what a write that was cancelled left behind; what the handshake left goes with these bytes
    if (!leaving_.empty() || sealed_.size() > noise::session::most_sealed) {
        const auto before = co_await flush();
        if (!before) co_return io_result{before.error(), 0};
    }
    const std::size_t n = std::min(bytes.size(), noise::session::most_sealed);
    spare_buffers::provide(sealed_);
    session_.seal(bytes.first(n), sealed_);
    const auto sent = co_await flush();
    if (!sent && sent.error() != copoll::errc::canceled) co_return io_result{sent.error(), 0};
    co_return io_result{{}, n};
}

task<result<void>> secure_link::shutdown_write() {
    shut_down_ = true;
    co_await check(flush());
    co_return co_await transport_.shutdown_write();
}

}  // namespace copoll::p2p::detail
