// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/yamux_window.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <random>

using namespace copoll::p2p;
using namespace std::chrono_literals;
using yamux::initial_window;
using yamux::receive_window;

namespace {

const copoll::clock::time_point start{};

}  // namespace

TEST_CASE("yamux window: holds what it allows, and no byte more") {
    receive_window w{start};
    CHECK(w.receive(initial_window));
    CHECK_FALSE(w.receive(1));
    CHECK(w.unread() == initial_window);
    CHECK(w.grant(start, {}, 0) == 0);
}

TEST_CASE("yamux window: grants when half has been read") {
    receive_window w{start};
    CHECK(w.receive(initial_window));
    w.read(initial_window / 2 - 1);
    CHECK_FALSE(w.is_grant_due());
    CHECK(w.grant(start, {}, 0) == 0);
    w.read(1);
    CHECK(w.is_grant_due());
    CHECK(w.grant(start, {}, 0) == initial_window / 2);
    CHECK(w.allowed() == initial_window / 2);
    CHECK_FALSE(w.is_grant_due());
}

TEST_CASE("yamux window: grows while half of it takes less than two round trips") {
    receive_window w{start};
    const auto pass_half = [&](copoll::clock::time_point now, std::uint64_t most_growth) {
        const std::uint32_t half = w.size() / 2;
        CHECK(w.receive(half));
        w.read(half);
        return w.grant(now, 100ms, most_growth);
    };
    CHECK(pass_half(start + 199ms, UINT64_MAX) == initial_window / 2 + initial_window);
    CHECK(w.size() == 2 * initial_window);
    CHECK(pass_half(start + 399ms, UINT64_MAX) == initial_window);  // slow enough
    CHECK(w.size() == 2 * initial_window);
    CHECK(pass_half(start + 400ms, 2 * initial_window - 1) == initial_window);  // may not
    CHECK(w.size() == 2 * initial_window);
    CHECK(pass_half(start + 401ms, 2 * initial_window) == 3 * initial_window);
    CHECK(w.size() == 4 * initial_window);
}

TEST_CASE("yamux window: grows when the peer used all of it before it knew of more") {
    constexpr std::uint32_t frame = initial_window / 8;
    receive_window w{start};
    const auto pass = [&](std::uint32_t bytes) {
        CHECK(w.receive(bytes));
        w.read(bytes);
    };
    const auto grant = [&] { return w.grant(start, {}, UINT64_MAX); };
    for (int i = 0; i < 4; ++i) pass(frame);
    CHECK(grant() == initial_window / 2);
    for (int i = 0; i < 4; ++i) pass(frame);  // to the last byte of what it had before
    CHECK(grant() == initial_window / 2 + initial_window);
    CHECK(w.size() == 2 * initial_window);

    for (int i = 0; i < 3; ++i) pass(frame);
    pass(2 * frame);  // it goes on into what it was granted
    for (int i = 0; i < 3; ++i) pass(frame);
    CHECK(grant() == initial_window);
    CHECK(w.size() == 2 * initial_window);
}

TEST_CASE("yamux window: does not grow for an application that leaves much unread") {
    receive_window w{start};
    CHECK(w.receive(initial_window / 2));
    w.read(initial_window / 2);
    CHECK(w.grant(start, {}, UINT64_MAX) == initial_window / 2);
    CHECK(w.receive(initial_window / 2));  // all that it had, but nothing is read of it
    w.read(initial_window / 2);
    CHECK(w.grant(start, {}, UINT64_MAX) == initial_window / 2);
    CHECK(w.size() == initial_window);
}

TEST_CASE("yamux window: grows only as far as it may, also when it ran dry") {
    receive_window w{start};
    for (int half = 0; half < 2; ++half) {
        for (int i = 0; i < 4; ++i) {
            CHECK(w.receive(initial_window / 8));
            w.read(initial_window / 8);
        }
        CHECK(w.grant(start, {}, initial_window - 1) == initial_window / 2);
    }
}

TEST_CASE("yamux window: does not grow before a round trip was measured") {
    receive_window w{start};
    CHECK(w.receive(initial_window));
    w.read(initial_window);
    CHECK(w.grant(start, {}, UINT64_MAX) == initial_window);
    CHECK(w.size() == initial_window);
}

TEST_CASE("yamux window: never holds more than its size, whatever happens") {
    std::mt19937_64 random{11};
    receive_window w{start};
    auto now = start;
    std::uint64_t granted = initial_window, received = 0;
    for (int i = 0; i < 100'000; ++i) {
        const auto up_to = [&](std::uint32_t most) {
            return static_cast<std::uint32_t>(random() % (std::uint64_t{most} + 1));
        };
        now += std::chrono::microseconds{random() % 1000};
        const std::uint32_t n = up_to(w.allowed() + 10);
        const bool fits = n <= w.allowed();
        REQUIRE(w.receive(n) == fits);
        if (fits) received += n;
        w.read(up_to(w.unread()));
        granted += w.grant(now, 500us, (std::uint64_t{16} << 20) - w.size());
        REQUIRE(w.allowed() + w.unread() <= w.size());
        REQUIRE(granted - received == w.allowed());
        REQUIRE(w.size() <= 16u << 20);
    }
    CHECK(w.size() > initial_window);
}
