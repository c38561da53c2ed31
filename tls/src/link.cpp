// SPDX-License-Identifier: MIT OR Apache-2.0
#include "link.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/close.hpp>
#include <copoll/detail/under_way.hpp>
#include <copoll/time.hpp>

namespace copoll::tls::detail {

namespace {

/// Whether a failed write keeps from reading. Others do not: a peer that refuses something says why
/// before it resets the connection.
bool gives_up(std::error_code ec) noexcept {
    return ec == copoll::errc::canceled || ec == copoll::errc::timed_out;
}

}  // namespace

task<result<void>> link::flush() {
    while (flushing_) {
        flushed_.reset();
        co_await check(flushed_.wait());
    }
    if (!has_output()) co_return {};
    const copoll::detail::under_way under_way{flushing_, flushed_};
    while (has_output()) {
        // taken away, as the engine may add to its own while this waits
        if (leaving_.empty()) leaving_.swap(engine.output());
        const io_result r = co_await transport.write_some(std::as_const(leaving_).data());
        leaving_.consume(r.n);
        if (r.ec) co_return fail(r.ec);
    }
    leaving_ = buffer{};
    co_return {};
}

/// Waits for bytes from the transport, while the connection holds no memory that it can do without.
task<result<void>> link::receive() {
    unread_ = {};
    engine.release_buffers();
    auto got = co_await transport.read_chunk();
    if (got) {
        unread_ = *std::move(got);
        engine.input(std::span<const std::byte>(unread_));
    } else if (got.error() == copoll::errc::eof) {
        engine.input_ended();
    } else {
        co_return fail(got.error());
    }
    co_return {};
}

/// An alert is of use only if it arrives: bytes of the peer that were not read would make closing a
/// reset, which destroys it.
task<void> link::take_leave() {
    using namespace std::chrono_literals;
    const auto flushed = co_await with_timeout(flush(), 1s);
    if (!flushed) co_return;
    constexpr std::uint64_t most = 64 * 1024;
    const auto closed =
        co_await close_gracefully(transport, {.patience = 250ms, .most = most});
    static_cast<void>(closed);  // whatever came of it, there is nothing more to be done
}

task<result<void>> link::advance(milestone until) {
    for (;;) {
        const progress p = engine.advance(until);
        if (p == progress::failed) {
            co_await take_leave();
            co_return fail(engine.error());
        }
        const auto sent = co_await flush();
        if (!sent && gives_up(sent.error())) co_return sent;
        if (p == progress::reached) co_return sent;
        const auto received = co_await receive();
        if (!received) co_return sent ? received : sent;
    }
}

task<result<void>> link::abort(alert reason) {
    engine.abort(reason);
    co_await take_leave();
    co_return {};
}

task<io_result> link::write_early_data(std::span<const std::byte> bytes) {
    const io_result r = engine.write_early_data(bytes);
    const auto sent = co_await flush();
    if (r.ec || sent || r.n > 0) co_return r;
    co_return io_result{sent.error(), 0};
}

task<io_result> link::read_early_data(std::span<std::byte> into) {
    const auto reached = co_await advance(milestone::early_data);
    if (!reached) co_return io_result{reached.error(), 0};
    const read_result r = engine.read_early_data(into);
    co_return io_result{r.ec, r.n};
}

task<io_result> link::read_some(std::span<std::byte> into) { return read(into, nullptr); }

task<result<chunk>> link::read_chunk() {
    chunk fresh;
    const io_result r = co_await read({}, &fresh);
    if (r.ec) co_return fail(r.ec);
    fresh.truncate(r.n);
    co_return std::move(fresh);
}

/// Into `fresh`, if there is one: it gets memory of the pool while there may be something to read.
task<io_result> link::read(std::span<std::byte> into, chunk* fresh) {
    while (reading_) {
        have_read_.reset();
        const auto waited = co_await have_read_.wait();
        if (!waited) co_return io_result{waited.error(), 0};
    }
    if (ahead_.empty()) co_return co_await read_from_engine(into, fresh);
    if (fresh) into = std::span(*fresh = (co_await this_env{}).owner->chunks().take());
    const auto data = std::as_const(ahead_).data();
    const std::size_t n = std::min(data.size(), into.size());
    std::ranges::copy(data.first(n), into.begin());
    ahead_.consume(n);
    if (ahead_.empty()) ahead_ = buffer{most_ahead};
    co_return io_result{{}, n};
}

task<io_result> link::read_from_engine(std::span<std::byte> into, chunk* fresh) {
    const copoll::detail::under_way under_way{reading_, have_read_};
    copoll::detail::chunk_pool& pool = (co_await this_env{}).owner->chunks();
    for (;;) {
        if (fresh) into = std::span(*fresh = pool.take());
        const read_result r = engine.read(into);
        if (engine.unread() == 0) unread_ = {};
        if (r.n > 0 || into.empty()) co_return io_result{{}, r.n};
        if (fresh) *fresh = {};
        // A reader must not wait for a writer: the peer may be one that reads when it is read from.
        if (has_output() && !flushing_) {
            const auto flushed = co_await flush();
            if (!flushed && gives_up(flushed.error()) && !r.ec)
                co_return io_result{flushed.error(), 0};
        }
        if (r.ec) co_return io_result{r.ec, 0};
        have_read_.set();
        const auto received = co_await receive();
        if (!received) co_return io_result{received.error(), 0};
    }
}

/// Ends with each step forward: what is waited for need not be data.
task<result<void>> link::read_ahead() {
    if (reading_) {
        have_read_.reset();
        co_return co_await have_read_.wait();
    }
    constexpr std::size_t at_once = 16 * 1024;
    const auto room = ahead_.prepare(at_once);
    if (room.empty()) co_return fail(copoll::errc::message_too_large);
    const copoll::detail::under_way under_way{reading_, have_read_};
    const bool waited_for = engine.is_client_identity_pending();
    const read_result r = engine.read(room);
    if (engine.unread() == 0) unread_ = {};
    ahead_.commit(r.n);
    if (r.ec) {
        const auto told = co_await flush();
        static_cast<void>(told);
        co_return fail(r.ec);
    }
    co_await check(flush());
    if (r.n > 0 || engine.is_client_identity_pending() != waited_for) co_return {};
    co_return co_await receive();
}

task<io_result> link::write_some(std::span<const std::byte> bytes) {
    for (;;) {
        if (const auto before = co_await flush(); !before)
            co_return io_result{before.error(), 0};
        const io_result r = engine.write(bytes);
        const auto sent = co_await flush();
        if (r.ec) co_return r;
        if (!sent && sent.error() != copoll::errc::canceled) co_return io_result{sent.error(), 0};
        if (r.n > 0 || bytes.empty()) co_return r;
        // a renegotiation is under way
        const auto read = sent ? co_await read_ahead() : sent;
        if (!read) co_return io_result{read.error(), 0};
    }
}

task<result<void>> link::request_client_identity() {
    co_await check(engine.request_client_identity());
    while (engine.is_client_identity_pending()) {
        co_await check(flush());
        co_await check(read_ahead());
    }
    if (const auto ec = engine.client_identity_error()) co_return fail(ec);
    co_return {};
}

task<result<void>> link::shutdown_write() {
    engine.close();
    co_await check(flush());
    co_return co_await transport.shutdown_write();
}

}  // namespace copoll::tls::detail
