// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/stdio.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <copoll/loop.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"

#if __has_include(<copoll/backend/sim.hpp>)
#include <copoll/backend/sim.hpp>
#endif

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

static_assert(read_stream<stdin_stream>);
static_assert(write_stream<stdout_stream>);
static_assert(write_stream<stderr_stream>);

TEST_CASE("stdout_stream: an empty write completes at once with nothing") {
    run_test([]() -> task<result<void>> {
        stdout_stream out{*(co_await this_env{}).owner};
        const io_result r = co_await out.write_some({});
        CHECK(!r.ec);
        CHECK(r.n == 0);
        co_return {};
    }());
}

TEST_CASE("stdin_stream: an empty read completes at once with nothing") {
    run_test([]() -> task<result<void>> {
        stdin_stream in{*(co_await this_env{}).owner};
        const io_result r = co_await in.read_some({});
        CHECK(!r.ec);
        CHECK(r.n == 0);
        co_return {};
    }());
}

TEST_CASE("stdout_stream: writes, also while timers run") {
    run_test([]() -> task<result<void>> {
        stdout_stream out{*(co_await this_env{}).owner};
        auto [written, slept] = co_await when_all(write_all(out, bytes_of("some text\n")),
                                                  sleep_for(1ms));
        CHECK(written.n == 10);
        CHECK(!written.ec);
        CHECK(slept.has_value());
        co_return {};
    }());
}

TEST_CASE("stderr_stream: is a stream of its own") {
    run_test([]() -> task<result<void>> {
        loop& owner = *(co_await this_env{}).owner;
        stdout_stream out{owner};
        stderr_stream err{owner};
        auto [a, b] = co_await when_all(write_all(out, bytes_of("out\n")),
                                        write_all(err, bytes_of("err\n")));
        CHECK(a.n == 4);
        CHECK(b.n == 4);
        co_return {};
    }());
}

TEST_CASE("stdin_stream: opened again and again, canceled or not") {
    run_test([]() -> task<result<void>> {
        loop& owner = *(co_await this_env{}).owner;
        for (int i = 0; i < 20; ++i) {
            stdin_stream in{owner};
            std::array<std::byte, 8> buffer{};
            const io_result r = co_await with_timeout(in.read_some(buffer), 1ms);
            // whatever the tests were started with
            CHECK((r.n > 0 || r.ec == errc::eof || r.ec == errc::timed_out));
        }
        co_return {};
    }());
}

#if __has_include(<copoll/backend/sim.hpp>)
// Where it is known what standard input is.

TEST_CASE("stdin_stream: gives what comes, when it comes, and then the end") {
    backend::world w{{.input = {{0ms, "early "}, {10ms, "late"}}}};
    run_test([]() -> task<result<void>> {
        stdin_stream in{*(co_await this_env{}).owner};
        std::array<std::byte, 64> buffer{};

        const io_result first = co_await in.read_some(buffer);
        const io_result none = co_await with_timeout(in.read_some(buffer), 5ms);
        const io_result second = co_await in.read_some(buffer);
        const io_result end = co_await in.read_some(buffer);

        CHECK(first.n == 6);
        CHECK(none.ec == errc::timed_out);
        CHECK(second.n == 4);
        CHECK(end.ec == errc::eof);
        co_return {};
    }());
}

TEST_CASE("stdin_stream: a read that waits ends with a stop request") {
    backend::world w{{.input_ends = false}};
    run_test([]() -> task<result<void>> {
        stdin_stream in{*(co_await this_env{}).owner};
        std::array<std::byte, 64> buffer{};
        auto raced = co_await first_done(in.read_some(buffer), sleep_for(1ms));
        CHECK(raced.index == 1);
        CHECK(error_of(std::get<0>(raced.results)) == errc::canceled);
        co_return {};
    }());
}

TEST_CASE("stdout_stream: what was written is there, each stream its own") {
    backend::world w;
    run_test([]() -> task<result<void>> {
        loop& owner = *(co_await this_env{}).owner;
        stdout_stream out{owner};
        stderr_stream err{owner};
        co_await check(write_all(out, bytes_of("to stdout")));
        co_await check(write_all(err, bytes_of("to stderr")));
        co_return {};
    }());
    CHECK(w.output() == "to stdout");
    CHECK(w.errors() == "to stderr");
}
#endif
