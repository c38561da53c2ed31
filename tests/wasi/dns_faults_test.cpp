// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/dns.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <copoll/connect.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"
#include "wasi/fail_each_call.hpp"
#include "wasi/faulty_host.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

task<result<void>> look_up() {
    co_await check(resolve("localhost"));
    co_return {};
}

/// Over an endpoint that refuses, to one that accepts.
task<result<void>> race_to_a_connection() {
    auto closing = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
    const auto closed = co_await check(closing.local_endpoint());
    closing.close();
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
    const auto at = co_await check(listener.local_endpoint());
    const std::vector<ip::endpoint> to{closed, at};
    co_await check(connect(to, {.timeout = 1s}));
    co_return {};
}

/// While it lives the resolver never answers, as one whose server is gone.
struct mute_resolver {
    mute_resolver() noexcept { the_host.resolver_answers = false; }
    ~mute_resolver() { the_host.resolver_answers = true; }
    mute_resolver(const mute_resolver&) = delete;
    mute_resolver& operator=(const mute_resolver&) = delete;
};

}  // namespace

TEST_CASE("host: each call of a lookup fails once; the error comes out and nothing leaks") {
    using host::socket_error;
    const std::pair<socket_error, errc> codes[] = {
        {socket_error::unknown, errc::io},
        {socket_error::access_denied, errc::lookup_denied},
        {socket_error::invalid_argument, errc::invalid_argument},
        {socket_error::out_of_memory, errc::out_of_memory},
        {socket_error::timeout, errc::timed_out},
        {socket_error::name_unresolvable, errc::name_unresolvable},
        {socket_error::temporary_resolver_failure, errc::resolver_failure},
        {socket_error::permanent_resolver_failure, errc::lookup_denied},
    };
    for (const auto& [code, expected] : codes) {
        the_host.socket_error = code;
        fail_each_call(look_up,
                       [&](std::string_view, std::error_code ec) { return ec == expected; });
    }
}

TEST_CASE("host: each call of connecting to several endpoints fails once, and nothing leaks") {
    the_host.socket_error = host::socket_error::out_of_memory;
    fail_each_call(race_to_a_connection, [](std::string_view call, std::error_code ec) {
        // one attempt that fails is none the worse if another succeeds
        const bool of_an_attempt = call == "create-tcp-socket" || call == "start-connect" ||
                                   call == "finish-connect" || call == "check-write";
        if (of_an_attempt && !ec) return true;
        return ec == errc::out_of_memory || (of_an_attempt && ec == errc::connection_refused);
    });
}

TEST_CASE("host: the text of an address is looked up nowhere, nor is what is no name") {
    run_test([]() -> task<result<void>> {
        the_host.lookups = 0;
        const auto literal = co_await resolve("::1");
        const auto no_name = co_await resolve("no name");
        CHECK(literal.has_value());
        CHECK(error_of(no_name) == errc::invalid_argument);
        CHECK(the_host.lookups == 0);

        const auto name = co_await resolve("localhost");
        CHECK(name.has_value());
        CHECK(the_host.lookups == 1);
        co_return {};
    }());
}

TEST_CASE("host: a lookup that is never answered times out, and holds up nobody") {
    run_test([]() -> task<result<void>> {
        const mute_resolver mute;
        auto [lookup, other] = co_await when_all(with_timeout(resolve("localhost"), 30ms),
                                                 sleep_for(5ms));
        CHECK(error_of(lookup) == errc::timed_out);
        CHECK(other.has_value());
        CHECK(the_host.alive_of(resource_kind::lookup) == 0);
        co_return {};
    }());
    CHECK(the_host.all_alive() == 0);
}

TEST_CASE("host: a lookup that is canceled ends at once, its pollable before its stream") {
    run_test([]() -> task<result<void>> {
        for (int i = 0; i < 10; ++i) {
            stop_source stop;
            auto [lookup, stopped] = co_await when_all(stoppable(stop, resolve("localhost")),
                                                       later([&] { stop.request_stop(); }));
            CHECK((lookup.has_value() || lookup.error() == errc::canceled));
            CHECK(the_host.alive_of(resource_kind::lookup) == 0);
        }
        co_return {};
    }());
    CHECK(the_host.all_alive() == 0);
}

TEST_CASE("host: a poll that calls a lookup ready in vain loses and invents nothing") {
    the_host.all_ready = true;
    run_test([]() -> task<result<void>> {
        {
            const mute_resolver mute;
            const auto lookup = co_await with_timeout(resolve("localhost"), 10ms);
            CHECK(error_of(lookup) == errc::timed_out);
        }
        const auto lookup = co_await resolve("localhost");
        CHECK(lookup.has_value());
        co_return {};
    }());
    the_host.all_ready = false;
    CHECK(the_host.all_alive() == 0);
}
