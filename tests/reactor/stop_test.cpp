// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/stop.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

/// A callback that can be kept in containers.
class listener : public detail::stop_node {
public:
    void listen(stop_token token) noexcept {
        link(token, [](stop_node& n) noexcept { ++static_cast<listener&>(n).called; });
    }
    int called = 0;
};

}  // namespace

TEST_CASE("stop_token: one of nobody is never stopped") {
    const stop_token nobody;
    int calls = 0;
    const stop_callback callback{nobody, [&] { ++calls; }};
    CHECK_FALSE(nobody.stop_possible());
    CHECK_FALSE(nobody.stop_requested());
    CHECK(calls == 0);
}

TEST_CASE("stop_token: tokens are equal if they are of one source") {
    stop_source a, b;
    CHECK(a.get_token() == a.get_token());
    CHECK(a.get_token() != b.get_token());
    CHECK(a.get_token() != stop_token{});
    CHECK(stop_token{} == stop_token{});
    CHECK(a.get_token().stop_possible());
}

TEST_CASE("stop_source: a request is seen through every token, and never withdrawn") {
    stop_source stop;
    const stop_token before = stop.get_token();
    CHECK_FALSE(before.stop_requested());

    stop.request_stop();

    CHECK(stop.stop_requested());
    CHECK(before.stop_requested());
    CHECK(stop.get_token().stop_requested());
}

TEST_CASE("stop_source: only the first request calls back, and says so") {
    stop_source stop;
    int calls = 0;
    const stop_callback callback{stop.get_token(), [&] { ++calls; }};

    CHECK(stop.request_stop());
    CHECK_FALSE(stop.request_stop());
    CHECK(calls == 1);
}

TEST_CASE("stop_source: calls back the newest first") {
    stop_source stop;
    std::string order;
    const stop_callback a{stop.get_token(), [&] { order += 'a'; }};
    const stop_callback b{stop.get_token(), [&] { order += 'b'; }};
    const stop_callback c{stop.get_token(), [&] { order += 'c'; }};

    stop.request_stop();

    CHECK(order == "cba");
}

TEST_CASE("stop_callback: made after the request it is called at once") {
    stop_source stop;
    stop.request_stop();
    int calls = 0;
    const stop_callback callback{stop.get_token(), [&] { ++calls; }};
    CHECK(calls == 1);
    CHECK_FALSE(stop.request_stop());
    CHECK(calls == 1);
}

TEST_CASE("stop_callback: destroyed before the request it is not called") {
    stop_source stop;
    std::string order;
    const stop_callback a{stop.get_token(), [&] { order += 'a'; }};
    {
        const stop_callback b{stop.get_token(), [&] { order += 'b'; }};
        const stop_callback c{stop.get_token(), [&] { order += 'c'; }};
    }
    const stop_callback d{stop.get_token(), [&] { order += 'd'; }};

    stop.request_stop();

    CHECK(order == "da");
}

TEST_CASE("stop_callback: may unregister another that was to be called after it") {
    stop_source stop;
    std::string order;
    const auto add = [&order](char c) { return [&order, c] { order += c; }; };
    const stop_callback first{stop.get_token(), add('1')};
    std::optional<stop_callback<decltype(add('2'))>> second{std::in_place, stop.get_token(),
                                                            add('2')};
    const stop_callback third{stop.get_token(), [&] {
                                  order += '3';
                                  second.reset();
                              }};
    stop.request_stop();

    CHECK(order == "31");
}

TEST_CASE("stop_callback: may destroy another that was called before it") {
    stop_source stop;
    std::string order;
    const auto add = [&order](char c) { return [&order, c] { order += c; }; };
    std::optional<stop_callback<decltype(add('2'))>> second;
    const stop_callback first{stop.get_token(), [&] {
                                  order += '1';
                                  second.reset();
                              }};
    second.emplace(stop.get_token(), add('2'));

    stop.request_stop();

    CHECK(order == "21");
    CHECK_FALSE(second.has_value());
}

TEST_CASE("stop_callback: may unregister all the others") {
    stop_source stop;
    std::vector<listener> others(10);
    for (listener& other : others) other.listen(stop.get_token());
    const stop_callback newest{stop.get_token(), [&] {
                                   for (listener& other : others) other.unlink();
                               }};
    stop.request_stop();

    for (const listener& other : others) CHECK(other.called == 0);
}

TEST_CASE("stop_callback: one made inside another is called at once") {
    stop_source stop;
    std::string order;
    const stop_callback a{stop.get_token(), [&] { order += 'a'; }};
    const stop_callback b{stop.get_token(), [&] {
                              order += 'b';
                              const stop_callback inner{stop.get_token(), [&] { order += 'c'; }};
                          }};
    stop.request_stop();

    CHECK(order == "bca");
}

TEST_CASE("stop_callback: a request from inside a callback does nothing") {
    stop_source stop;
    std::string order;
    bool first_request = true;
    const stop_callback a{stop.get_token(), [&] { order += 'a'; }};
    const stop_callback b{stop.get_token(), [&] {
                              order += 'b';
                              first_request = stop.request_stop();
                          }};
    stop.request_stop();

    CHECK_FALSE(first_request);
    CHECK(order == "ba");
}

TEST_CASE("stop_callback: may stop another source, as a child's follows its parent's") {
    stop_source parent, child;
    std::string order;
    const stop_callback inner{child.get_token(), [&] { order += 'i'; }};
    const stop_callback link{parent.get_token(), [&] { child.request_stop(); }};
    const stop_callback other{parent.get_token(), [&] { order += 'o'; }};

    parent.request_stop();

    CHECK(order == "oi");
    CHECK(child.stop_requested());
}

TEST_CASE("stop_node: moved it is not registered, since an operation moves before it starts") {
    stop_source stop;
    listener registered;
    registered.listen(stop.get_token());
    const listener moved{std::move(registered)};

    CHECK_FALSE(moved.linked());
    stop.request_stop();
    CHECK(moved.called == 0);
}

TEST_CASE("stop_source: calls exactly those that are registered, after any registering and not") {
    std::minstd_rand random{20};
    for (int round = 0; round < 50; ++round) {
        stop_source stop;
        std::array<listener, 20> all;
        for (int step = 0; step < 200; ++step) {
            listener& one = all[random() % all.size()];
            if (one.linked())
                one.unlink();
            else
                one.listen(stop.get_token());
        }
        std::array<bool, 20> expected{};
        for (std::size_t i = 0; i < all.size(); ++i) expected[i] = all[i].linked();

        stop.request_stop();

        bool as_expected = true;
        for (std::size_t i = 0; i < all.size(); ++i)
            as_expected = as_expected && all[i].called == (expected[i] ? 1 : 0);
        CHECK(as_expected);
    }
}

TEST_CASE("stop_callback: neither it nor its source can be copied") {
    using callback = stop_callback<void (*)()>;
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<stop_source>);
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<callback>);
    STATIC_REQUIRE(std::is_trivially_copyable_v<stop_token>);
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("stop_source: traps when destroyed before its callbacks") {
    const std::string words = last_words([] {
        auto stop = std::make_unique<stop_source>();
        const stop_callback callback{stop->get_token(), [] {}};
        stop.reset();
    });
    CHECK(words.find("stop_source destroyed before its callbacks") != std::string::npos);
}

TEST_CASE("stop_node: traps when it is registered twice") {
    const std::string words = last_words([] {
        stop_source stop;
        listener one;
        one.listen(stop.get_token());
        one.listen(stop.get_token());
    });
    CHECK(words.find("registered twice") != std::string::npos);
}
#endif
