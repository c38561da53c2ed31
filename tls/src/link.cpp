// SPDX-License-Identifier: MIT OR Apache-2.0
#include "link.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/close.hpp>
#include <copoll/time.hpp>

namespace copoll::tls::detail {

task<result<void>> link::flush() {
    while (flushing_) {
        flushed_.reset();
        co_await check(flushed_.wait());
    }
    struct mark {
        link& self;
        explicit mark(link& l) noexcept : self(l) { self.flushing_ = true; }
        ~mark() {
            self.flushing_ = false;
            self.flushed_.set();
        }
    };
    if (!has_output()) co_return {};
    const mark under_way{*this};
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
        co_await check(flush());
        if (p == progress::reached) co_return {};
        co_await check(receive());
    }
}

task<result<void>> link::abort(alert reason) {
    engine.abort(reason);
    co_await take_leave();
    co_return {};
}

task<io_result> link::read_some(std::span<std::byte> into) {
    for (;;) {
        const read_result r = engine.read(into);
        if (engine.unread() == 0) unread_ = {};
        if (r.n > 0 || into.empty()) co_return io_result{{}, r.n};
        // A reader must not wait for a writer: the peer may be one that reads when it is read from.
        if (has_output() && !flushing_) {
            const auto flushed = co_await flush();
            if (!flushed && !r.ec) co_return io_result{flushed.error(), 0};
        }
        if (r.ec) co_return io_result{r.ec, 0};
        const auto received = co_await receive();
        if (!received) co_return io_result{received.error(), 0};
    }
}

task<io_result> link::write_some(std::span<const std::byte> bytes) {
    if (const auto before = co_await flush(); !before) co_return io_result{before.error(), 0};
    const io_result r = engine.write(bytes);
    const auto sent = co_await flush();
    if (r.ec) co_return r;
    if (!sent && sent.error() != copoll::errc::canceled) co_return io_result{sent.error(), 0};
    co_return r;
}

task<result<void>> link::shutdown_write() {
    engine.close();
    co_await check(flush());
    co_return co_await transport.shutdown_write();
}

}  // namespace copoll::tls::detail
