// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/request_response.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "p2p/talk.hpp"
#include "support/error_of.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

using byte_vector = std::vector<std::byte>;

const std::string protocol = "/test/reverse/1.0.0";

task<result<byte_vector>> reverse(byte_vector bytes) {
    std::ranges::reverse(bytes);
    co_return bytes;
}

/// Asks with `size` bytes and checks the answer.
template <class... Options>
auto asks(std::size_t size, Options... options) {
    return [=](p2p::stream s) {
        return [](p2p::stream on, std::size_t n, Options... o) -> task<result<void>> {
            const auto sent = pattern(n);
            auto got = co_await check(p2p::request(on, sent, o...));
            std::ranges::reverse(got);
            CHECK(got == sent);
            co_return {};
        }(std::move(s), size, options...);
    };
}

template <class F>
auto answers(F handler, p2p::answer_options options = {}) {
    return [=](p2p::stream s) { return p2p::answer_request(std::move(s), handler, options); };
}

task<result<void>> be_silent(p2p::stream s) {
    co_await check(discard_to_end(s));
    co_await check(sleep_for(100ms));
    co_return (co_await write_all(s, pattern(1))).status();
}

}  // namespace

TEST_CASE("request: is answered, also one of nothing and one of much") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::answer_options much;
        much.max_request = 1024 * 1024;
        for (const std::size_t size : {0u, 1u, 1000u, 1024u * 1024}) {
            const auto ended = co_await check(talk(protocol, asks(size), answers(reverse, much)));
            CHECK(error_of(ended.dialer) == no_error);
            CHECK(error_of(ended.listener) == no_error);
        }
        co_return {};
    });
}

TEST_CASE("request: one that is larger than the limit is refused") {
    run_in_worlds([]() -> task<result<void>> {
        const auto usual = co_await check(talk(protocol, asks(64 * 1024 + 1), answers(reverse)));
        CHECK(error_of(usual.listener) == errc::message_too_large);
        p2p::answer_options options;
        options.max_request = 5000;
        auto ended =
            co_await check(talk(protocol, asks(5000), answers(reverse, options)));
        CHECK(error_of(ended.listener) == no_error);
        for (const std::size_t size : {5001u, 3'000'000u}) {
            ended = co_await check(talk(protocol, asks(size), answers(reverse, options)));
            CHECK(error_of(ended.dialer) == p2p::errc::stream_reset);
            CHECK(error_of(ended.listener) == errc::message_too_large);
        }
        co_return {};
    });
}

TEST_CASE("request: a response that is larger than the limit is refused") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::request_options options;
        options.max_response = 5000;
        const auto large = [](byte_vector) -> task<result<byte_vector>> {
            co_return pattern(3'000'000);
        };
        auto ended = co_await check(talk(protocol, asks(5000, options), answers(reverse)));
        CHECK(error_of(ended.dialer) == no_error);
        ended = co_await check(talk(protocol, asks(10, options), answers(large)));
        CHECK(error_of(ended.dialer) == errc::message_too_large);
        CHECK(error_of(ended.listener) == p2p::errc::stream_reset);
        co_return {};
    });
}

TEST_CASE("request: a handler that fails resets the stream") {
    run_in_worlds([]() -> task<result<void>> {
        const auto fails = [](byte_vector) -> task<result<byte_vector>> {
            co_return fail(errc::access_denied);
        };
        const auto ended = co_await check(talk(protocol, asks(10), answers(fails)));
        CHECK(error_of(ended.dialer) == p2p::errc::stream_reset);
        CHECK(error_of(ended.listener) == errc::access_denied);
        co_return {};
    });
}

TEST_CASE("request: nobody waits longer than the timeout") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::request_options patient_for_a_while;
        patient_for_a_while.timeout = 20ms;
        auto ended = co_await check(talk(protocol, asks(10, patient_for_a_while), be_silent));
        CHECK(error_of(ended.dialer) == errc::timed_out);
        CHECK(error_of(ended.listener) == p2p::errc::stream_reset);

        p2p::answer_options a_while;
        a_while.timeout = 20ms;
        ended = co_await check(talk(protocol, be_silent, answers(reverse, a_while)));
        CHECK(error_of(ended.dialer) == p2p::errc::stream_reset);
        CHECK(error_of(ended.listener) == errc::timed_out);

        // asks, and does not read the response
        const auto ask_only = [](p2p::stream s) -> task<result<void>> {
            co_await check(s.shutdown_write());
            co_await check(sleep_for(100ms));
            co_return (co_await discard_to_end(s)).status();
        };
        const auto large = [](byte_vector) -> task<result<byte_vector>> {
            co_return pattern(3'000'000);
        };
        ended = co_await check(talk(protocol, ask_only, answers(large, a_while)));
        CHECK(error_of(ended.dialer) == p2p::errc::stream_reset);
        CHECK(error_of(ended.listener) == errc::timed_out);
        co_return {};
    });
}

TEST_CASE("request: streams on which nothing more comes hold next to nothing") {
    run_in_worlds([]() -> task<result<void>> {
        const std::array says{std::byte{1}};
        const auto each = co_await check(heap_of_silent_streams(protocol, says, answers(reverse)));
        CHECK(each < 16 * 1024);
        co_return {};
    });
}
