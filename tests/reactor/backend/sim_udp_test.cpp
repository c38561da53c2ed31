// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/sim.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <copoll/run.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/udp.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/traps.hpp"
#include "support/udp_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

clock::duration since_begin() { return clock::now().time_since_epoch(); }

/// Sends 200 numbers, and gives those that arrive.
task<result<void>> send_200(std::vector<int>& arrived) {
    auto p = co_await check(bound_pair());
    for (int i = 0; i < 200; ++i)
        co_await check(p.a.send_to(bytes_of(std::to_string(i)), p.at_b));
    std::array<std::byte, 8> buffer;
    for (;;) {
        const auto got = co_await with_timeout(p.b.receive_from(buffer), 1s);
        if (!got) co_return {};
        arrived.push_back(std::stoi(text_of(*got)));
    }
}

std::vector<int> arrived_in(sim::options o) {
    sim::world w{std::move(o)};
    std::vector<int> arrived;
    run_test(send_200(arrived));
    CHECK(w.open_sockets() == 0);
    return arrived;
}

bool ascending(const std::vector<int>& numbers) {
    for (std::size_t i = 1; i < numbers.size(); ++i)
        if (numbers[i] < numbers[i - 1]) return false;
    return true;
}

}  // namespace

TEST_CASE("datagrams: all arrive, in order, if nothing else is asked for") {
    const auto arrived = arrived_in({});
    CHECK(arrived.size() == 200);
    CHECK(ascending(arrived));
}

TEST_CASE("datagrams: some are lost, the same ones with the same seed") {
    const auto arrived = arrived_in({.seed = 3, .loss_percent = 25});
    CHECK(arrived.size() > 120);
    CHECK(arrived.size() < 180);
    CHECK(arrived == arrived_in({.seed = 3, .loss_percent = 25}));
    CHECK(arrived != arrived_in({.seed = 4, .loss_percent = 25}));
    CHECK(arrived_in({.loss_percent = 100}).empty());
}

TEST_CASE("datagrams: some come twice") {
    const auto arrived = arrived_in({.duplicate_percent = 25});
    CHECK(arrived.size() > 220);
    CHECK(arrived.size() < 280);
}

TEST_CASE("datagrams: some overtake others") {
    const auto arrived = arrived_in({.reorder_percent = 25});
    CHECK(arrived.size() == 200);
    CHECK_FALSE(ascending(arrived));
    const auto jitter = arrived_in({.latency = 1ms, .jitter = 1ms});
    CHECK(jitter.size() == 200);
    CHECK_FALSE(ascending(jitter));
}

TEST_CASE("datagrams: those that find the queue full are dropped") {
    const auto arrived = arrived_in({.datagram_queue = 5});
    CHECK(arrived == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("datagrams: one takes one way, a refusal takes two") {
    sim::world w{{.latency = 10ms}};
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        std::array<std::byte, 8> buffer;
        co_await check(p.a.send_to(bytes_of("x"), p.at_b));
        co_await check(next_datagram(p.b, buffer));
        CHECK(since_begin() == 10ms);

        co_await check(p.a.connect(p.at_b));
        p.b.close();
        co_await check(p.a.send(bytes_of("x")));
        const auto refused = co_await p.a.receive(buffer);
        CHECK(error_of(refused) == errc::connection_refused);
        CHECK(since_begin() == 30ms);
        co_return {};
    }());
}

TEST_CASE("datagrams: without a route they are not sent, into a black hole they are") {
    const ip::address hole{ip::address::v4_bytes{192, 0, 2, 1}};
    sim::world w{{.blackholes = {hole}}};
    run_test([](ip::address swallows) -> task<result<void>> {
        auto s = co_await check(udp_socket::bind({ip::any_v4, 0}));
        const ip::address elsewhere{ip::address::v4_bytes{203, 0, 113, 1}};
        const auto no_route = co_await s.send_to(bytes_of("x"), {elsewhere, 9});
        const auto connected = co_await s.connect({elsewhere, 9});
        const auto swallowed = co_await s.send_to(bytes_of("x"), {swallows, 9});
        CHECK(error_of(no_route) == errc::unreachable);
        CHECK(error_of(connected) == errc::unreachable);
        CHECK(error_of(swallowed) == no_error);
        co_return {};
    }(hole));
}

TEST_CASE("datagrams: calls fail when told to") {
    sim::world w;
    run_test([](sim::world& here) -> task<result<void>> {
        here.fail_next(sim::call::bind, errc::too_many_open);
        const auto none = co_await udp_socket::bind({ip::loopback_v4, 0});
        auto p = co_await check(bound_pair());
        std::array<std::byte, 8> buffer;
        here.fail_next(sim::call::send, errc::out_of_memory);
        const auto sent = co_await p.a.send_to(bytes_of("x"), p.at_b);
        here.fail_next(sim::call::receive, errc::io);
        const auto received = co_await p.b.receive_from(buffer);

        CHECK(error_of(none) == errc::too_many_open);
        CHECK(error_of(sent) == errc::out_of_memory);
        CHECK(error_of(received) == errc::io);
        co_return {};
    }(w));
}

TEST_CASE("datagrams: one that nobody will ever send is a deadlock, not a wait") {
    sim::world w;
    const auto r = run([]() -> task<result<void>> {
        auto s = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        std::array<std::byte, 8> buffer;
        co_await check(s.receive_from(buffer));
        co_return {};
    }());
    CHECK(error_of(r) == errc::deadlock);
    CHECK(w.open_sockets() == 0);
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("udp_socket: two receives at a time are a broken precondition") {
    const std::string words = last_words([] {
        sim::world w;
        (void)run([]() -> task<result<void>> {
            auto s = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
            std::array<std::byte, 8> buffer;
            co_await when_all(s.receive_from(buffer), s.receive_from(buffer));
            co_return {};
        }());
    });
    CHECK(words.find("two receives from a socket at a time") != words.npos);
}
#endif
