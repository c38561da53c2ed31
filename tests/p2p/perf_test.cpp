// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/perf.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include <copoll/time.hpp>

#include "p2p/talk.hpp"
#include "support/error_of.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

task<result<void>> answer(p2p::stream s) { co_return co_await p2p::answer_perf(std::move(s)); }

auto measures(std::uint64_t upload, std::uint64_t download) {
    return [=](p2p::stream s) {
        return [](p2p::stream on, std::uint64_t up, std::uint64_t down) -> task<result<void>> {
            std::uint64_t told = 0;
            const auto count = [&told](const p2p::perf_result& so_far) {
                CHECK(so_far.sent + so_far.received > told);
                told = so_far.sent + so_far.received;
            };
            const auto r = co_await check(p2p::measure(std::move(on), up, down, count));
            CHECK(r.sent == up);
            CHECK(r.received == down);
            CHECK(told == up + down);
            CHECK(r.upload >= clock::duration{});
            CHECK(r.download >= clock::duration{});
            co_return {};
        }(std::move(s), upload, download);
    };
}

constexpr std::array asks_for_10{std::byte{}, std::byte{}, std::byte{}, std::byte{},
                                 std::byte{}, std::byte{}, std::byte{}, std::byte{10}};

/// Answers with so many bytes, whatever is asked for.
auto answers_with(std::size_t n) {
    return [=](p2p::stream s) {
        return [](p2p::stream on, std::size_t count) -> task<result<void>> {
            co_await check(discard_to_end(on));
            co_await check(write_all(on, pattern(count)));
            co_return co_await on.shutdown_write();
        }(std::move(s), n);
    };
}

}  // namespace

TEST_CASE("perf: as much is sent, and then received, as was asked for") {
    run_in_worlds([]() -> task<result<void>> {
        const std::pair<std::uint64_t, std::uint64_t> amounts[] = {
            {0, 0}, {1, 0}, {0, 1}, {100, 1'000'000}, {1'000'000, 100}};
        for (const auto& [up, down] : amounts) {
            const auto ended =
                co_await check(talk(p2p::perf_protocol, measures(up, down), answer));
            CHECK(error_of(ended.dialer) == no_error);
            CHECK(error_of(ended.listener) == no_error);
        }
        co_return {};
    });
}

#if __has_include(<copoll/backend/sim.hpp>)
TEST_CASE("perf: tells how long each direction took") {
    backend::world w{{.latency = 50ms}};
    run_test([]() -> task<result<void>> {
        const auto measure = [](p2p::stream s) -> task<result<void>> {
            const auto r = co_await check(p2p::measure(std::move(s), 0, 1'000'000));
            CHECK(r.upload >= 100ms);    // a round trip until the first byte comes
            CHECK(r.download >= 100ms);  // and one for each window
            co_return {};
        };
        co_await check(talk(p2p::perf_protocol, measure, answer));
        co_return {};
    }());
}
#endif

TEST_CASE("perf: a peer that sends less, or more, than was asked for") {
    run_in_worlds([]() -> task<result<void>> {
        auto ended = co_await check(talk(p2p::perf_protocol, measures(5, 10), answers_with(9)));
        CHECK(error_of(ended.dialer) == p2p::errc::truncated);
        ended = co_await check(talk(p2p::perf_protocol, measures(5, 10), answers_with(11)));
        CHECK(error_of(ended.dialer) == p2p::errc::wrong_answer);
        co_return {};
    });
}

TEST_CASE("perf: one that ends before it has said how much is wanted") {
    run_in_worlds([]() -> task<result<void>> {
        const auto ask_badly = [](p2p::stream s) -> task<result<void>> {
            co_await check(write_all(s, std::span(asks_for_10).first(7)));
            co_await check(s.shutdown_write());
            co_return (co_await discard_to_end(s)).status();
        };
        const auto ended = co_await check(talk(p2p::perf_protocol, ask_badly, answer));
        CHECK(error_of(ended.dialer) == p2p::errc::stream_reset);
        CHECK(error_of(ended.listener) == p2p::errc::truncated);
        co_return {};
    });
}

TEST_CASE("perf: nothing is sent before all has come") {
    run_in_worlds([]() -> task<result<void>> {
        const auto ask_slowly = [](p2p::stream s) -> task<result<void>> {
            co_await check(write_all(s, asks_for_10));
            std::array<std::byte, 20> into;
            const auto early = co_await with_timeout(s.read_some(into), 20ms);
            CHECK(early.ec == errc::timed_out);
            co_await check(s.shutdown_write());
            const auto got = co_await read_exactly(s, into);
            CHECK(got.ec == errc::eof);
            CHECK(got.n == 10);
            co_return {};
        };
        const auto ended = co_await check(talk(p2p::perf_protocol, ask_slowly, answer));
        CHECK(error_of(ended.dialer) == no_error);
        CHECK(error_of(ended.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("perf: 2^63 bytes are sent until the peer goes away") {
    run_in_worlds([]() -> task<result<void>> {
        const auto ask_for_much = [](p2p::stream s) -> task<result<void>> {
            std::array<std::byte, 8> head{std::byte{0x80}};
            co_await check(write_all(s, head));
            co_await check(s.shutdown_write());
            std::vector<std::byte> some(2'000'000);
            co_await check(read_exactly(s, some));
            s.reset();
            co_return {};
        };
        const auto ended = co_await check(talk(p2p::perf_protocol, ask_for_much, answer));
        CHECK(error_of(ended.dialer) == no_error);
        CHECK(error_of(ended.listener) == p2p::errc::stream_reset);
        co_return {};
    });
}

TEST_CASE("perf: streams on which nothing more comes hold next to nothing") {
    run_in_worlds([]() -> task<result<void>> {
        const auto each =
            co_await check(heap_of_silent_streams(p2p::perf_protocol, asks_for_10, answer));
        CHECK(each < 16 * 1024);
        co_return {};
    });
}
