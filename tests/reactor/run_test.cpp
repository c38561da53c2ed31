// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/run.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include <copoll/scope.hpp>
#include <copoll/time.hpp>

#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

task<result<void>> end_with(result<void> r) {
    co_await next_turn{};
    co_return r;
}

}  // namespace

TEST_CASE("args: the program's name is not one of them") {
    std::string program = "/bin/echo_server.wasm", first = "--listen", second = "127.0.0.1:0";
    std::array<char*, 4> values{program.data(), first.data(), second.data(), nullptr};
    const args a{3, values.data()};

    CHECK(a.size() == 2);
    CHECK_FALSE(a.empty());
    CHECK(a[0] == "--listen");
    CHECK(a[1] == "127.0.0.1:0");
    CHECK(a.argc() == 3);
    CHECK(a.argv()[2] == second);
}

TEST_CASE("args: a program is called by the last part of its path, without .wasm") {
    const auto called = [](std::string path) {
        std::array<char*, 1> values{path.data()};
        return std::string{args{1, values.data()}.program()};
    };
    CHECK(called("/usr/bin/echo_server") == "echo_server");
    CHECK(called("build/bin/echo_server.wasm") == "echo_server");
    CHECK(called("echo_server.wasm") == "echo_server");
    CHECK(called("echo_server") == "echo_server");
    CHECK(called("./a.b") == "a.b");
    CHECK(called("").empty());
}

TEST_CASE("args: none at all") {
    CHECK(args{}.empty());
    CHECK(args{}.size() == 0);
    CHECK(args{}.argc() == 0);
    CHECK(args{0, nullptr}.empty());
    CHECK(args{-1, nullptr}.empty());
    CHECK(args{}.program() == "copoll");
}

TEST_CASE("run: gives the result of its task") {
    CHECK(error_of(run(end_with({}))) == no_error);
    CHECK(error_of(run(end_with(fail(errc::eof)))) == errc::eof);
    CHECK(error_of(run(end_with(fail(std::make_error_code(std::errc::broken_pipe)))))
          == std::errc::broken_pipe);
}

TEST_CASE("run: ends when its task and all that it spawned have ended") {
    int ended = 0;
    const auto r = run([](int& n) -> task<result<void>> {
        co_await with_scope([](scope& s, int& count) -> task<void> {
            for (int i = 0; i < 5; ++i) {
                s.spawn([](int& c, int delay) -> task<void> {
                    co_await sleep_for(delay * 1ms);
                    ++c;
                }, std::ref(count), i);
            }
            co_return;
        }, n);
        co_return {};
    }(ended));
    CHECK(r.has_value());
    CHECK(ended == 5);
}

TEST_CASE("run_main: the exit status says how it ended") {
    std::string program = "tool";
    std::array<char*, 1> values{program.data()};
    const args a{1, values.data()};
    CHECK(run_main(a, end_with({})) == 0);
    CHECK(run_main(a, end_with(fail(errc::usage))) == 2);
    CHECK(run_main(a, end_with(fail(errc::connection_refused))) == 1);
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("run_main: says on one line of stderr what failed, and nothing of what is said already") {
    const auto said = [](result<void> r) {
        return outcome_of([&] {
            std::string program = "/usr/bin/tool";
            std::array<char*, 1> values{program.data()};
            run_main(args{1, values.data()}, end_with(r), {.stall_limit = {}});
        }).words;
    };
    CHECK(said(fail(errc::connection_refused)) == "tool: connection refused\n");
    CHECK(said(fail(errc::usage)).empty());
    CHECK(said({}).empty());
}
#endif

#if defined(__cpp_exceptions)
TEST_CASE("run: what its task throws arrives at the caller") {
    for (int turns_before = 0; turns_before < 2; ++turns_before) {
        CHECK_THROWS_AS(run([](int n) -> task<result<void>> {
            co_await turns(n);
            throw std::runtime_error("thrown");
        }(turns_before)), std::runtime_error);
    }
}
#endif
