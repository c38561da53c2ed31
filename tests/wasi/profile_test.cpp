// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/profile.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include <copoll/backend/context.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>

#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;
using backend::profile;
namespace host = backend::host;

namespace {

constexpr const char* variable = "COPOLL_WASI_HOST_PROFILE";

/// What a program finds out whose environment has the variable set to `text`.
profile found_with(const char* text) {
    const auto socket = host::returned<host::handle_result, host::raw::copoll_create_tcp_socket,
                                       host::call::socket>(0);
    REQUIRE(socket.tag == 0);
    if (text) setenv(variable, text, 1);
    const profile found = backend::find_profile(socket.value);
    unsetenv(variable);
    host::drop_tcp(socket.value);
    return found;
}

/// Host calls that something took.
class calls_of {
public:
    std::uint64_t operator()(host::call c) const { return host::calls[c] - before_[c]; }

private:
    host::call_counters before_ = host::calls;
};

/// A program that takes its host for another one.
class pretended {
public:
    explicit pretended(profile p) noexcept
        : real_(std::exchange(backend::known_profile, p)) {}
    ~pretended() { backend::known_profile = real_; }
    pretended(const pretended&) = delete;

private:
    profile real_;
};

}  // namespace

TEST_CASE("profile: the environment has the last word") {
    CHECK(found_with("wasmtime") == profile::wasmtime);
    CHECK(found_with("jco") == profile::jco);
}

TEST_CASE("profile: without a word that is known the host is asked") {
    const profile asked = found_with(nullptr);
    CHECK(asked != profile::unknown);
    CHECK(found_with("") == asked);
    CHECK(found_with("netscape") == asked);
}

TEST_CASE("profile: the first socket finds it out, later ones know") {
    run_test([]() -> task<result<void>> {
        backend::known_profile = profile::unknown;
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        CHECK(backend::known_profile == found_with(nullptr));

        const pretended other{profile::jco};
        auto [client, server] = co_await check(connect_through(listener));
        CHECK(backend::on_jco());
        co_return {};
    }());
}

TEST_CASE("profile: the end is told by shutdown, and on jco by dropping the output") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        {
            const pretended jco{profile::jco};
            const calls_of taken;
            co_await check(client.shutdown_write());
            CHECK(taken(host::call::drop) == 1);
            CHECK(taken(host::call::other) == 0);
        }
        const pretended wasmtime{profile::wasmtime};
        const calls_of taken;
        co_await check(server.shutdown_write());
        CHECK(taken(host::call::drop) == 0);
        CHECK(taken(host::call::other) == 1);
        co_return {};
    }());
}

TEST_CASE("profile: after data there is a second read before the poll, but not on jco") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        std::array<std::byte, 64> buffer{};
        for (const auto& [who, reads] :
             {std::pair{profile::wasmtime, 1U}, std::pair{profile::jco, 0U}}) {
            co_await check(write_all(client, bytes_of("question")));
            co_await check(read_exactly(server, std::span(buffer).first(8)));
            auto drained = co_await with_timeout(server.read_some(buffer), 1ms);
            CHECK(drained.ec == errc::timed_out);  // now its pollable is not ready

            co_await check(write_all(client, bytes_of("question")));
            const io_result got = co_await server.read_some(buffer);
            CHECK(got.n == 8);
            const pretended host_is{who};
            const calls_of taken;
            drained = co_await with_timeout(server.read_some(buffer), 1ms);
            CHECK(drained.ec == errc::timed_out);
            CHECK(taken(host::call::read) >= reads);
            if (who == backend::known_profile && reads == 0) CHECK(taken(host::call::read) <= 1);
        }
        co_return {};
    }());
}
