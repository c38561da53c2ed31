// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <copoll/event.hpp>
#include <copoll/p2p/stream.hpp>

#include "p2p/peers.hpp"
#include "support/allocations.hpp"

/// Both ends of one stream between peers.

namespace copoll_tests {

template <class F>
task<result<void>> talk_as_dialer(p2p::connection& c, const std::string& protocol, F& f,
                                  result<void>& ended, event& listener_done) {
    auto s = co_await check(c.open(protocol));
    ended = co_await f(std::move(s));
    co_return co_await listener_done.wait();
}

template <class F>
task<result<void>> talk_as_listener(p2p::connection& c, const std::vector<std::string>& protocols,
                                    F& f, result<void>& ended, event& done) {
    auto s = co_await check(c.accept());
    co_await check(s.negotiate(protocols));
    ended = co_await f(std::move(s));
    done.set();
    const auto closed = co_await c.accept();
    CHECK(closed.error() == errc::eof);
    co_return {};
}

/// Connects two peers of which one opens a stream. Runs `at_dialer(stream)` and, once the protocol
/// is agreed on, `at_listener(stream)`; gives how they ended.
template <class F, class G>
task<result<ends>> talk(std::string protocol, F at_dialer, G at_listener) {
    ends ended;
    event listener_done;
    const std::vector<std::string> protocols{protocol};
    meeting m;
    const auto met = co_await check(meet(
        std::move(m),
        [&](p2p::connection& c) {
            return talk_as_dialer(c, protocols[0], at_dialer, ended.dialer, listener_done);
        },
        [&](p2p::connection& c) {
            return talk_as_listener(c, protocols, at_listener, ended.listener,
                                            listener_done);
        }));
    co_await check(met.dialer);
    co_await check(met.listener);
    co_return ended;
}

/// Serves each stream of a connection by `handler(stream)`, once its protocol is agreed on.
template <class F>
task<result<void>> serve_each(p2p::connection& peer, const std::vector<std::string>& protocols,
                              F& handler) {
    const auto serve_one = [](p2p::stream s, const std::vector<std::string>& known,
                              F& f) -> task<result<void>> {
        co_await check(s.negotiate(known));
        co_return co_await f(std::move(s));
    };
    co_return co_await with_scope(
        [serve_one](scope& streams, p2p::connection& c, const std::vector<std::string>& known,
                    F& f) -> task<result<void>> {
            for (;;) {
                auto accepted = co_await c.accept();
                if (!accepted && accepted.error() == errc::eof) co_return {};
                p2p::stream s = co_await check(std::move(accepted));
                streams.spawn(serve_one(std::move(s), known, f));
            }
        },
        peer, protocols, handler);
}

/// Opens so many streams, says the same on each, and only then finishes them, one by one. Gives how
/// many bytes of the heap both ends have asked for.
inline task<result<std::uint64_t>> open_many(p2p::connection& c, std::string protocol,
                                             std::size_t count, std::span<const std::byte> says) {
    const auto before = heap_bytes();
    std::vector<p2p::stream> streams;
    for (std::size_t i = 0; i < count; ++i) {
        auto s = co_await check(c.open(protocol));
        co_await check(write_all(s, says));
        streams.push_back(std::move(s));
    }
    for (p2p::stream& s : streams) {
        co_await check(s.shutdown_write());
        std::array<std::byte, 16> answer;
        const io_result got = co_await read_exactly(s, answer);
        CHECK(got.ec == errc::eof);
    }
    co_return heap_bytes() - before;
}

/// Has `handler` serve many streams on which little comes, and no end for a while. Gives the bytes
/// of the heap that each takes at both ends, frames and all: a buffer of 16 KiB would show.
template <class F>
task<result<std::uint64_t>> heap_of_silent_streams(std::string protocol,
                                                   std::span<const std::byte> says, F handler) {
    constexpr std::size_t count = 100;
    const std::vector<std::string> protocols{protocol};
    std::uint64_t taken = 0;
    const auto ask = [&](p2p::connection& c) {
        return [](p2p::connection& on, const std::string& by, std::span<const std::byte> s,
                  std::uint64_t& bytes) -> task<result<void>> {
            bytes = co_await check(open_many(on, by, count, s));
            co_return {};
        }(c, protocols[0], says, taken);
    };
    const auto serve = [&](p2p::connection& c) { return serve_each(c, protocols, handler); };
    meeting m;
    const auto met = co_await check(meet(std::move(m), ask, serve));
    co_await check(met.dialer);
    co_await check(met.listener);
    co_return taken / count;
}

}  // namespace copoll_tests
