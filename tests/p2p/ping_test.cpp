// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/ping.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <utility>

#include <copoll/time.hpp>

#include "p2p/talk.hpp"
#include "support/error_of.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

task<result<void>> answer(p2p::stream s) { co_return co_await p2p::answer_pings(std::move(s)); }

/// One ping; its error, and that of the next one.
task<result<void>> ping_once(p2p::stream s) {
    p2p::pinger p{std::move(s)};
    const auto took = co_await with_timeout(p.ping(), 1s);
    if (took) co_return co_await p.close();
    const auto again = co_await p.ping();
    CHECK(error_of(again) == p2p::errc::stream_reset);
    co_return fail(took.error());
}

}  // namespace

TEST_CASE("ping: a peer answers, again and again") {
    run_in_worlds([]() -> task<result<void>> {
        const auto ping = [](p2p::stream s) -> task<result<void>> {
            p2p::pinger p{std::move(s)};
            for (int i = 0; i < 5; ++i) {
                const auto took = co_await check(p.ping());
                CHECK(took >= clock::duration{});
            }
            co_return co_await p.close();
        };
        const auto ended = co_await check(talk(p2p::ping_protocol, ping, answer));
        CHECK(error_of(ended.dialer) == no_error);
        CHECK(error_of(ended.listener) == no_error);
        co_return {};
    });
}

#if __has_include(<copoll/backend/sim.hpp>)
TEST_CASE("ping: gives the time of the round trip") {
    backend::world w{{.latency = 20ms}};
    run_test([]() -> task<result<void>> {
        const auto ping = [](p2p::stream s) -> task<result<void>> {
            p2p::pinger p{std::move(s)};
            co_await check(p.ping());  // with the protocol's agreement
            const auto took = co_await check(p.ping());
            CHECK(took >= 40ms);
            CHECK(took < 60ms);
            co_return co_await p.close();
        };
        co_await check(talk(p2p::ping_protocol, ping, answer));
        co_return {};
    }());
}
#endif

TEST_CASE("ping: another answer ends it") {
    run_in_worlds([]() -> task<result<void>> {
        const auto answer_wrongly = [](p2p::stream s) -> task<result<void>> {
            std::array<std::byte, p2p::ping_size> ping;
            co_await check(read_exactly(s, ping));
            ping[31] ^= std::byte{1};
            co_await check(write_all(s, ping));
            co_return (co_await discard_to_end(s)).status();
        };
        const auto ended = co_await check(talk(p2p::ping_protocol, ping_once, answer_wrongly));
        CHECK(error_of(ended.dialer) == p2p::errc::wrong_answer);
        CHECK(error_of(ended.listener) == p2p::errc::stream_reset);
        co_return {};
    });
}

TEST_CASE("ping: no answer ends it") {
    run_in_worlds([]() -> task<result<void>> {
        const auto listen_only = [](p2p::stream s) -> task<result<void>> {
            co_return (co_await discard_to_end(s)).status();
        };
        auto ended = co_await check(talk(p2p::ping_protocol, ping_once, listen_only));
        CHECK(error_of(ended.dialer) == errc::timed_out);
        CHECK(error_of(ended.listener) == p2p::errc::stream_reset);
        const auto leave = [](p2p::stream s) -> task<result<void>> {
            co_return co_await s.shutdown_write();
        };
        ended = co_await check(talk(p2p::ping_protocol, ping_once, leave));
        CHECK(error_of(ended.dialer) == errc::eof);
        co_return {};
    });
}

TEST_CASE("ping: one that ends too early, and none that comes") {
    run_in_worlds([]() -> task<result<void>> {
        const auto say_little = [](p2p::stream s) -> task<result<void>> {
            co_await check(write_all(s, pattern(p2p::ping_size + 1)));
            co_await check(s.shutdown_write());
            co_return (co_await discard_to_end(s)).status();
        };
        auto ended = co_await check(talk(p2p::ping_protocol, say_little, answer));
        CHECK(error_of(ended.dialer) == p2p::errc::stream_reset);
        CHECK(error_of(ended.listener) == p2p::errc::truncated);

        const auto answer_for_a_while = [](p2p::stream s) -> task<result<void>> {
            co_return co_await p2p::answer_pings(std::move(s), 10ms);
        };
        const auto be_silent = [](p2p::stream s) -> task<result<void>> {
            co_return (co_await discard_to_end(s)).status();
        };
        ended = co_await check(talk(p2p::ping_protocol, be_silent, answer_for_a_while));
        CHECK(error_of(ended.dialer) == p2p::errc::stream_reset);
        CHECK(error_of(ended.listener) == errc::timed_out);
        co_return {};
    });
}

TEST_CASE("ping: a flood of which no answer is read is taken up to the window, then ended") {
    run_in_worlds([]() -> task<result<void>> {
        std::uint64_t taken = 0;
        const auto flood = [&](p2p::stream s) {
            return [](p2p::stream on, std::uint64_t& n) -> task<result<void>> {
                const auto pings = pattern(64 * 1024);
                for (;;) {
                    const io_result r = co_await on.write_some(pings);
                    n += r.n;
                    if (r.ec) co_return fail(r.ec);
                }
            }(std::move(s), taken);
        };
        const auto answer_for_a_while = [](p2p::stream s) -> task<result<void>> {
            co_return co_await p2p::answer_pings(std::move(s), 100ms);
        };
        const auto ended = co_await check(talk(p2p::ping_protocol, flood, answer_for_a_while));
        CHECK(error_of(ended.dialer) == p2p::errc::stream_reset);
        CHECK(error_of(ended.listener) == errc::timed_out);
        // the window of the answers, and what the peer's own window holds
        CHECK(taken >= 256 * 1024);
        CHECK(taken <= 4 * 1024 * 1024);
        co_return {};
    });
}
