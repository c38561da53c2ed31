// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/close.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/script_stream.hpp"
#include "support/tcp_pair.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

TEST_CASE("close_gracefully: a peer that was still sending gets the whole answer") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto answer = pattern(100'000);
        std::vector<std::byte> got(answer.size());
        const auto question = pattern(300'000);

        auto [served, asked] = co_await when_all(
            [](tcp_stream s, const auto& bytes) -> task<result<void>> {
                std::array<std::byte, 10> first;
                co_await check(read_exactly(s, first));  // the rest is not wanted
                co_await check(write_all(s, bytes));
                co_return co_await close_gracefully(s, {.patience = 20s});
            }(std::move(server), answer),
            [](tcp_stream& s, const auto& bytes, auto& into) -> task<result<void>> {
                auto [wrote, read] =
                    co_await when_all(write_all(s, bytes), read_exactly(s, into));
                co_await check(std::move(wrote));
                co_await check(std::move(read));
                co_return co_await s.shutdown_write();
            }(client, question, got));

        CHECK(served.has_value());
        CHECK(asked.has_value());
        CHECK(got == answer);
        co_return {};
    });
}

TEST_CASE("close_gracefully: a peer that goes on is given up") {
    run_test([]() -> task<result<void>> {
        script_stream endless;
        for (int i = 0; i < 20; ++i) endless.reads.gives(std::string(512, 'x'));
        const auto much = co_await close_gracefully(endless, {.most = 2000});
        CHECK(error_of(much) == errc::message_too_large);

        script_stream silent;
        const auto late = co_await close_gracefully(silent, {.patience = 5ms});
        CHECK(error_of(late) == errc::timed_out);

        script_stream broken;
        broken.reads.fails(errc::connection_reset);
        const auto reset = co_await close_gracefully(broken);
        CHECK(error_of(reset) == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("abort: what was written and not sent is dropped, and nothing waits for the peer") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto much = pattern(200'000);
        for (;;) {  // until nothing more is taken
            const auto r = co_await with_timeout(client.write_some(much), 50ms);
            if (r.ec) break;
        }
        client.abort();
        CHECK(!client.is_open());

        std::vector<std::byte> buffer(64 * 1024);
        for (;;) {
            const auto r = co_await with_timeout(server.read_some(buffer), 20s);
            if (!r.ec) continue;
            const bool ended = r.ec == errc::connection_reset || r.ec == errc::eof;
            CHECK(ended);
            break;
        }
        co_return {};
    }());
}
