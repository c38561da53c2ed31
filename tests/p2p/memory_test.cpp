// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/memory.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;
using p2p::memory_connection;
using p2p::memory_network;

namespace {

/// Both ends of a connection through a listener that is there for it alone.
struct pair_in_memory {
    any_stream dialer, listener;
};
task<result<pair_in_memory>> meet_in(memory_network& network) {
    auto listening = co_await check(network.listen(0));
    auto dialed = co_await check(network.connect(listening.number()));
    auto accepted = co_await check(listening.accept());
    CHECK(dialed.remote == listening.number());
    co_return pair_in_memory{std::move(dialed.stream), std::move(accepted.stream)};
}

}  // namespace

TEST_CASE("memory: a number is listened on once, and free again afterwards") {
    run_test([]() -> task<result<void>> {
        memory_network network;
        {
            const auto first = co_await check(network.listen(7));
            CHECK(first.number() == 7);
            CHECK(error_of(network.listen(7)) == errc::address_in_use);
            const auto any = co_await check(network.listen(0));
            CHECK(any.number() != 0);
            CHECK(any.number() != 7);
        }
        CHECK(network.listen(7));
        const auto nobody = co_await network.connect(8);
        CHECK(error_of(nobody) == errc::connection_refused);
        co_return {};
    }());
}

TEST_CASE("memory: a full backlog makes who connects wait, until one is accepted") {
    run_test([]() -> task<result<void>> {
        memory_network network;
        auto listening = co_await check(network.listen(7));
        std::vector<memory_connection> dialed;
        for (;;) {
            auto c = co_await with_timeout(network.connect(7), 1ms);
            if (!c) CHECK(error_of(c) == errc::timed_out);
            if (!c) break;
            dialed.push_back(*std::move(c));
        }
        CHECK(dialed.size() == 128);
        auto [late, accepted] = co_await when_all(network.connect(7), listening.accept());
        CHECK(late);
        CHECK(accepted);
        std::size_t waiting = 0;  // the one that was given up is not among them
        for (;; ++waiting) {
            const auto c = co_await with_timeout(listening.accept(), 1ms);
            if (!c) CHECK(error_of(c) == errc::timed_out);
            if (!c) break;
        }
        CHECK(waiting == 128);
        co_return {};
    }());
}

TEST_CASE("memory: a listener that goes away refuses who waits, and ends who was not accepted") {
    run_test([]() -> task<result<void>> {
        memory_network network;
        std::optional<p2p::memory_listener> listening;
        listening.emplace(co_await check(network.listen(7)));
        std::vector<memory_connection> dialed;
        for (int i = 0; i < 128; ++i)
            dialed.push_back(co_await check(network.connect(7)));
        const auto leave = [](std::optional<p2p::memory_listener>& l) -> task<result<void>> {
            l.reset();
            co_return {};
        };
        auto [first, second, left] =
            co_await when_all(network.connect(7), network.connect(7), leave(listening));
        CHECK(left);
        CHECK(error_of(first) == errc::connection_refused);
        CHECK(error_of(second) == errc::connection_refused);
        std::byte one[1];
        const auto end = co_await dialed.front().stream.read_some(one);
        CHECK(end.ec == errc::eof);
        const auto unsent = co_await dialed.front().stream.write_some(one);
        CHECK(unsent.ec == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("memory: an accept that is given up loses no connection") {
    run_test([]() -> task<result<void>> {
        memory_network network;
        auto listening = co_await check(network.listen(7));
        const auto none = co_await with_timeout(listening.accept(), 1ms);
        CHECK(error_of(none) == errc::timed_out);
        const auto dialed = co_await network.connect(7);
        CHECK(dialed);
        const auto accepted = co_await listening.accept();
        CHECK(accepted);
        co_return {};
    }());
}

TEST_CASE("memory: writer and reader wake each other, and the end comes behind all bytes") {
    run_test([]() -> task<result<void>> {
        memory_network network;
        auto ends = co_await check(meet_in(network));
        constexpr std::uint64_t much = 1'000'000;  // 64 KiB fit at a time
        const auto send = [](any_stream& to) -> task<result<void>> {
            co_await check(feed(to, much));
            co_return co_await to.shutdown_write();
        };
        auto [sent, got] = co_await when_all(send(ends.dialer), drain(ends.listener));
        CHECK(sent);
        CHECK(got.n == much);
        CHECK(got.intact);
        CHECK(got.no_empty);
        CHECK(got.end == errc::eof);
        const std::byte one[1]{};
        const auto after = co_await ends.dialer.write_some(one);
        CHECK(after.ec == errc::closed);
        const auto back = co_await ends.listener.write_some(one);  // the other direction goes on
        CHECK(back.n == 1);
        co_return {};
    }());
}

TEST_CASE("memory: no more than 64 KiB are taken that nobody reads") {
    run_test([]() -> task<result<void>> {
        memory_network network;
        auto ends = co_await check(meet_in(network));
        const auto bytes = pattern(100'000);
        const auto first = co_await ends.dialer.write_some(bytes);
        CHECK(first.n == 64 * 1024);
        const auto rest = std::span(bytes).subspan(first.n);
        const auto none = co_await with_timeout(ends.dialer.write_some(rest), 1ms);
        CHECK(none.ec == errc::timed_out);
        CHECK(none.n == 0);
        co_await check(ends.dialer.shutdown_write());
        const auto got = co_await drain(ends.listener);
        CHECK(got.n == first.n);
        CHECK(got.intact);
        co_return {};
    }());
}

TEST_CASE("memory: an end that is destroyed wakes who waits at the other") {
    run_test([]() -> task<result<void>> {
        memory_network network;
        const auto leave = [](any_stream end) -> task<result<void>> {
            co_await check(sleep_for(1ms));
            const any_stream gone = std::move(end);
            co_return {};
        };
        auto reading = co_await check(meet_in(network));
        std::array<std::byte, 1> one{};
        auto [read, left] = co_await when_all(reading.dialer.read_some(one),
                                              leave(std::move(reading.listener)));
        CHECK(left);
        CHECK(read.ec == errc::eof);
        auto writing = co_await check(meet_in(network));
        const auto bytes = pattern(100'000);
        auto [wrote, gone] = co_await when_all(write_all(writing.dialer, bytes),
                                               leave(std::move(writing.listener)));
        CHECK(gone);
        CHECK(wrote.ec == errc::connection_reset);
        CHECK(wrote.n == 64 * 1024);
        co_return {};
    }());
}
