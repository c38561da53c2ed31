// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/echo.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstdint>
#include <utility>

#include "p2p/talk.hpp"
#include "support/error_of.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

task<result<void>> answer(p2p::stream s) { co_return co_await p2p::answer_echo(std::move(s)); }

auto sends(std::uint64_t count) {
    return [=](p2p::stream s) {
        return [](p2p::stream on, std::uint64_t n) -> task<result<void>> {
            const auto send = [](p2p::stream& to, std::uint64_t bytes) -> task<result<void>> {
                co_await check(feed(to, bytes));
                co_return co_await to.shutdown_write();
            };
            auto [sent, got] = co_await when_all(send(on, n), drain(on));
            CHECK(error_of(sent) == no_error);
            CHECK(got.n == n);
            CHECK(got.intact);
            CHECK(got.end == errc::eof);
            co_return {};
        }(std::move(s), count);
    };
}

}  // namespace

TEST_CASE("echo: what comes goes back, and the end") {
    run_in_worlds([]() -> task<result<void>> {
        for (const std::uint64_t n : {0u, 1u, 1'000'000u}) {
            const auto ended = co_await check(talk(p2p::echo_protocol, sends(n), answer));
            CHECK(error_of(ended.dialer) == no_error);
            CHECK(error_of(ended.listener) == no_error);
        }
        co_return {};
    });
}

TEST_CASE("echo: a peer that resets the stream ends it") {
    run_in_worlds([]() -> task<result<void>> {
        const auto leave = [](p2p::stream s) -> task<result<void>> {
            std::byte one[1]{};
            co_await check(write_all(s, one));
            co_await check(read_exactly(s, one));
            s.reset();
            co_return {};
        };
        const auto ended = co_await check(talk(p2p::echo_protocol, leave, answer));
        CHECK(error_of(ended.dialer) == no_error);
        CHECK(error_of(ended.listener) == p2p::errc::stream_reset);
        co_return {};
    });
}

TEST_CASE("echo: streams on which nothing more comes hold next to nothing") {
    run_in_worlds([]() -> task<result<void>> {
        const std::array says{std::byte{1}};
        const auto each = co_await check(heap_of_silent_streams(p2p::echo_protocol, says, answer));
        CHECK(each < 16 * 1024);
        co_return {};
    });
}
