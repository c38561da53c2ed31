// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/udp.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <copoll/result.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/skipped_on_jco.hpp"
#include "support/udp_pair.hpp"
#include "wasi/fail_each_call.hpp"
#include "wasi/faulty_host.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Long enough for what is on its way over loopback to have arrived.
constexpr auto moment = 20ms;

/// Each fallible call that a UDP program makes, waiting and not.
task<result<void>> conversation() {
    auto p = co_await check(bound_pair());
    std::array<std::byte, 8> buffer{};
    co_await check(p.a.connect(p.at_b));
    co_await check(p.a.remote_endpoint());
    for (int i = 0; i < 2; ++i) {
        const auto early = co_await with_timeout(p.b.receive_from(buffer), 1ms);
        if (error_of(early) != errc::timed_out) co_return fail(error_of(early));
        co_await check(p.a.send(bytes_of("ping")));
        const auto question = co_await check(next_datagram(p.b, buffer));
        co_await check(p.b.send_to(question.bytes(), question.from));
        co_await check(with_timeout(p.a.receive(buffer), 5s));
    }
    auto third = co_await check(udp_socket::connected_to(p.at_b));
    const outgoing_datagram batch[] = {{bytes_of("1"), std::nullopt}, {bytes_of("2"), {}}};
    co_await check(third.send_batch(batch));
    datagram_slots slots{4, 8};
    co_await check(with_timeout(p.b.receive_batch(slots.all()), 5s));
    co_return {};
}

}  // namespace

TEST_CASE("udp host: the conversation works, and leaves no handle behind") {
    run_test(conversation());
    CHECK(the_host.fallible_calls > 20);
    CHECK(the_host.all_alive() == 0);
}

TEST_CASE("udp host: each call fails once; the error comes out and nothing leaks") {
    using host::socket_error;
    const std::pair<socket_error, errc> codes[] = {
        {socket_error::unknown, errc::io},
        {socket_error::access_denied, errc::access_denied},
        {socket_error::out_of_memory, errc::out_of_memory},
        {socket_error::remote_unreachable, errc::unreachable},
        {socket_error::connection_refused, errc::connection_refused},
        {socket_error::datagram_too_large, errc::message_too_large},
    };
    for (const auto& [code, expected] : codes) {
        the_host.socket_error = code;
        fail_each_call(conversation, [&](std::string_view call, std::error_code ec) {
            if (call == "check-send" && !ec) return true;  // at a close, which has nobody to tell
            return ec == expected;
        });
    }
}

TEST_CASE("udp host: would-block is no error") {
    the_host.socket_error = host::socket_error::would_block;
    const std::string_view calls[] = {"check-send", "send", "receive"};
    for (std::uint64_t i = 0; i < 3; ++i) {
        run_test([](std::string_view name, std::uint64_t number) -> task<result<void>> {
            auto p = co_await check(warm_pair());
            std::array<std::byte, 8> buffer{};
            the_host.fail_at = the_host.fallible_calls + 1 + number;
            co_await check(with_timeout(p.a.send_to(bytes_of("x"), p.at_b), 5s));
            const auto got = co_await check(next_datagram(p.b, buffer));
            CHECK(text_of(got) == "x");
            CHECK(the_host.failed == name);
            co_return {};
        }(calls[i], i));
    }
    the_host.fail_at = 0;
}

TEST_CASE("udp host: an empty list after ready is no lost wake-up") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        co_await check(p.a.send_to(bytes_of("x"), p.at_b));
        the_host.empty_reads = 5;

        std::array<std::byte, 8> buffer{};
        const auto got = co_await check(next_datagram(p.b, buffer));

        CHECK(text_of(got) == "x");
        CHECK(the_host.empty_reads == 0);
        co_return {};
    }());
}

TEST_CASE("udp host: no permit after ready keeps the send waiting, and it goes on") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        the_host.no_permits = 5;

        co_await check(with_timeout(p.a.send_to(bytes_of("x"), p.at_b), 5s));
        std::array<std::byte, 8> buffer{};
        const auto got = co_await check(next_datagram(p.b, buffer));

        CHECK(text_of(got) == "x");
        CHECK(the_host.no_permits == 0);
        co_return {};
    }());
}

TEST_CASE("udp host: a send that waits for its permit can be given up, and sends nothing") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        the_host.no_permits = UINT32_MAX;
        const auto none = co_await with_timeout(p.a.send_to(bytes_of("x"), p.at_b), 5ms);
        the_host.no_permits = 0;

        CHECK(error_of(none) == errc::timed_out);
        std::array<std::byte, 8> buffer{};
        const auto nothing = co_await with_timeout(p.b.receive_from(buffer), moment);
        CHECK(error_of(nothing) == errc::timed_out);
        co_return {};
    }());
}

TEST_CASE("udp host: never more datagrams than the permit, which would trap") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(warm_pair());
        const std::vector<outgoing_datagram> batch(20, {bytes_of("x"), p.at_b});
        the_host.small_permits = 7;
        const auto asked = the_host.check_writes;

        const auto sent = co_await p.a.send_batch(batch);

        CHECK(sent.n == 20);
        CHECK(the_host.check_writes - asked == 8);  // seven times 1, then 13
        co_return {};
    }());
    the_host.small_permits = 0;
}

TEST_CASE("udp host: a poll that calls everything ready loses and invents nothing") {
    the_host.all_ready = true;
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        std::array<std::byte, 8> buffer{};
        for (int i = 0; i < 3; ++i) {
            auto [none, slept] =
                co_await when_all(with_timeout(p.b.receive_from(buffer), moment), sleep_for(5ms));
            CHECK(error_of(none) == errc::timed_out);
            co_await check(p.a.send_to(bytes_of("x"), p.at_b));
            const auto got = co_await check(next_datagram(p.b, buffer));
            CHECK(text_of(got) == "x");
        }
        co_return {};
    }());
    the_host.all_ready = false;
    CHECK(the_host.all_alive() == 0);
}

TEST_CASE("udp host: a socket with a send in flight is dropped only when the host is done") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        const auto before = the_host.alive_of(resource_kind::socket);
        co_await check(p.a.send_to(bytes_of("x"), p.at_b));
        the_host.no_permits = 3;  // as if the host still had the datagram

        p.a.close();
        CHECK(the_host.alive_of(resource_kind::socket) == before);
        CHECK_FALSE(p.a.is_open());
        co_await check(sleep_for(20ms));  // the loop asks again

        CHECK(the_host.no_permits == 0);
        CHECK(the_host.alive_of(resource_kind::socket) == before - 1);
        co_return {};
    }());
}

TEST_CASE("udp host: connect waits until the host is done with a send, then drops the streams") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        co_await check(p.a.send_to(bytes_of("x"), p.at_b));
        the_host.no_permits = 3;

        co_await check(p.a.connect(p.at_b));
        CHECK(the_host.no_permits == 0);

        co_await check(p.a.send(bytes_of("y")));
        the_host.no_permits = UINT32_MAX;
        const auto given_up = co_await with_timeout(p.a.connect(p.at_b), 5ms);
        the_host.no_permits = 0;
        CHECK(error_of(given_up) == errc::timed_out);
        co_return co_await p.a.send(bytes_of("z"));
    }());
}

TEST_CASE("udp host: a connect that the host refuses leaves the socket as it was") {
    if (skipped_on_jco("a socket that is connected again has another port")) return;
    run_test([]() -> task<result<void>> {
        auto p = co_await check(connected_udp_pair());
        the_host.socket_error = host::socket_error::remote_unreachable;
        the_host.fail_at = the_host.fallible_calls + 1;

        const auto failed = co_await p.a.connect({ip::loopback_v4, 9});

        CHECK(the_host.failed == "stream");
        CHECK(error_of(failed) == errc::unreachable);
        CHECK(p.a.remote_endpoint() == p.at_b);
        co_await check(p.a.send(bytes_of("x")));
        std::array<std::byte, 8> buffer{};
        const auto got = co_await check(next_datagram(p.b, buffer));
        CHECK(text_of(got) == "x");
        co_return {};
    }());
    the_host.fail_at = 0;
    CHECK(the_host.all_alive() == 0);
}
