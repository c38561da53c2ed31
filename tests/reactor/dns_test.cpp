// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/dns.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/open_handles.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

using addresses = std::vector<ip::address>;

/// RFC 6761 section 6.4: there is never such a name.
constexpr std::string_view nowhere = "copoll-test.invalid";

bool all_loopback(const addresses& found) {
    return std::ranges::all_of(found, [](const ip::address& a) { return a.is_loopback(); });
}

task<result<void>> canceled_lookup(std::string_view name) {
    stop_source stop;
    auto [found, stopped] = co_await when_all(stoppable(stop, resolve(name)),
                                              later([&] { stop.request_stop(); }));
    // one that was quick is none the worse for it
    CHECK((found ? all_loopback(*found) : found.error() == errc::canceled));
    co_return {};
}

}  // namespace

TEST_CASE("resolve: the text of an address is that address") {
    run_in_worlds([]() -> task<result<void>> {
        for (const char* text : {"127.0.0.1", "0.0.0.0", "203.0.113.7", "::1", "::", "fe80::1%3",
                                 "2001:db8::8:800:200c:417a", "::ffff:192.0.2.1"}) {
            const auto found = co_await check(resolve(text));
            INFO(text);
            CHECK(found == addresses{*ip::address::parse(text)});
        }
        co_return {};
    });
}

TEST_CASE("resolve: what is no name is an invalid argument") {
    const std::string label(64, 'a');
    const std::string four_labels = std::string(63, 'a') + '.' + std::string(63, 'b') + '.' +
                                    std::string(63, 'c') + '.' + std::string(62, 'd');
    const std::vector<std::string> wrong = {
        "", ".", "..", "a..b", ".a", "a b", "a/b", "user@host", "host:80", "[::1]", "a%41",
        "m\xc3\xbcll",
        std::string("a\0b", 3), std::string("\0", 1), "a\n", label, label + ".example", four_labels,
        // addresses to some resolvers, but not to us
        "1", "127.1", "127.0.0.1.", "010.0.0.1", "0x7f.1", "0x7f000001", "256.0.0.1", "1.2.3.4.5",
        "a.1", "a.0x", "::g", "::1%eth0"};
    run_in_worlds([&] {
        return [](const auto& names) -> task<result<void>> {
            for (const std::string& name : names) {
                const auto found = co_await resolve(name);
                INFO(name);
                CHECK(error_of(found) == errc::invalid_argument);
            }
            co_return {};
        }(wrong);
    });
}

TEST_CASE("resolve: localhost is this machine, and no address comes twice") {
    run_in_worlds([]() -> task<result<void>> {
        for (const char* name : {"localhost", "LocalHost"}) {
            auto found = co_await check(resolve(name));
            CHECK(!found.empty());
            CHECK(all_loopback(found));
            std::ranges::sort(found);
            CHECK(std::ranges::adjacent_find(found) == found.end());
        }
        co_return {};
    });
}

TEST_CASE("resolve: the name is copied") {
    run_in_worlds([]() -> task<result<void>> {
        auto name = std::make_unique<std::string>("localhost");
        auto lookup = resolve(*name);
        name.reset();

        const auto found = co_await std::move(lookup);

        CHECK(found.has_value());
        co_return {};
    });
}

TEST_CASE("resolve: a name that there is not") {
    run_in_worlds([]() -> task<result<void>> {
        const auto found = co_await with_timeout(resolve(nowhere), 20s);
        // a machine without a network can't know
        CHECK((error_of(found) == errc::name_unresolvable ||
               error_of(found) == errc::resolver_failure || error_of(found) == errc::timed_out));
        co_return {};
    });
}

TEST_CASE("resolve: many names at the same time") {
    run_in_worlds([]() -> task<result<void>> {
        std::vector<decltype(resolve(""))> lookups;
        for (int i = 0; i < 50; ++i) lookups.push_back(resolve(i % 2 ? "localhost" : "127.0.0.1"));

        const auto found = co_await when_all(std::move(lookups));

        CHECK(std::ranges::all_of(found, [](const auto& r) { return r && all_loopback(*r); }));
        co_return {};
    });
}

TEST_CASE("resolve: asked to stop before it begins, it asks nobody") {
    run_in_worlds([]() -> task<result<void>> {
        stop_source stop;
        stop.request_stop();
        const auto found = co_await stoppable(stop, resolve("localhost"));
        const auto literal = co_await stoppable(stop, resolve("127.0.0.1"));
        CHECK(error_of(found) == errc::canceled);
        CHECK(error_of(literal) == errc::canceled);
        co_return {};
    });
}

TEST_CASE("resolve: canceled on its way, it ends at once and leaves no handle behind") {
    run_in_worlds([]() -> task<result<void>> {
        open_handles meter;
        for (int i = 0; i < 20; ++i) co_await check(canceled_lookup("localhost"));
        CHECK(meter.grown_by(0) <= 1);  // a component may hold a timer
        const auto found = co_await check(resolve("localhost"));
        CHECK(all_loopback(found));
        co_return {};
    });
}

TEST_CASE("resolve: the program may end before a lookup that was given up") {
    for (int i = 0; i < 20; ++i)
        run_test(canceled_lookup("localhost"));
}

#if __has_include(<copoll/backend/sim.hpp>)

TEST_CASE("resolve: gives all addresses in the host's order") {
    const addresses all = {*ip::address::parse("192.0.2.7"), *ip::address::parse("2001:db8::7"),
                           *ip::address::parse("192.0.2.8")};
    sim::world w{{.names = {{.name = "www.example", .addresses = all}}}};
    run_test([](const addresses& expected) -> task<result<void>> {
        for (const char* name : {"www.example", "WWW.Example", "www.example."}) {
            const auto found = co_await check(resolve(name));
            CHECK(found == expected);
        }
        const auto other = co_await resolve("example");
        CHECK(error_of(other) == errc::name_unresolvable);
        co_return {};
    }(all));
}

TEST_CASE("resolve: the errors of a resolver") {
    sim::world w{{.names = {{.name = "none.example"},
                            {.name = "later.example", .error = errc::resolver_failure},
                            {.name = "denied.example", .error = errc::lookup_denied}}}};
    run_test([]() -> task<result<void>> {
        const auto none = co_await resolve("none.example");
        const auto later = co_await resolve("later.example");
        const auto denied = co_await resolve("denied.example");
        backend::world::current().fail_next(backend::call::resolve, errc::resolver_failure);
        const auto once = co_await resolve("localhost");
        const auto again = co_await resolve("localhost");

        CHECK(error_of(none) == errc::name_unresolvable);
        CHECK(error_of(later) == errc::resolver_failure);
        CHECK(error_of(denied) == errc::lookup_denied);
        CHECK(error_of(denied) == std::errc::permission_denied);
        CHECK(error_of(denied).message().find("-S allow-ip-name-lookup") != std::string::npos);
        CHECK(error_of(once) == errc::resolver_failure);
        CHECK(again.has_value());
        co_return {};
    }());
}

TEST_CASE("resolve: a slow resolver holds nobody up, and a timeout ends one that never answers") {
    sim::world w{{.names = {{.name = "slow.example", .addresses = {ip::loopback_v4}, .after = 2s},
                            {.name = "mute.example", .answers = false}}}};
    run_test([]() -> task<result<void>> {
        const auto begin = clock::now();
        auto [mute, slow, quick] = co_await when_all(with_timeout(resolve("mute.example"), 5s),
                                                     with_timeout(resolve("slow.example"), 5s),
                                                     resolve("localhost"));
        CHECK(clock::now() - begin == 5s);
        CHECK(error_of(mute) == errc::timed_out);
        CHECK(slow == addresses{ip::loopback_v4});
        CHECK(quick.has_value());

        auto raced = co_await first_done(sleep_for(1s), resolve("slow.example"));
        CHECK(clock::now() - begin == 6s);
        CHECK(error_of(std::get<1>(raced.results)) == errc::canceled);
        co_return {};
    }());
}

TEST_CASE("resolve: an answer that comes together with the deadline counts") {
    sim::world w{{.names = {{.name = "www.example", .addresses = {ip::loopback_v4}, .after = 1s}}}};
    run_test([]() -> task<result<void>> {
        const auto found = co_await with_timeout(resolve("www.example"), 1s);
        CHECK(found.has_value());
        co_return {};
    }());
}
#endif
