// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/tcp.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/open_handles.hpp"
#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"

/// Hosts trap when a parent is dropped before its child. So these tests pass if they end.

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// What has happened to a stream before it is dropped.
struct history {
    bool waited_to_read, waited_to_write, in_flight, peer_gone;
    std::optional<direction> shut;
};

task<result<void>> live_through(tcp_stream& s, std::optional<tcp_stream>& peer, const history& h) {
    std::array<std::byte, 8> buffer{};
    if (h.waited_to_read) {
        const io_result none = co_await with_timeout(s.read_some(buffer), 1ms);
        CHECK(none.ec == errc::timed_out);
    }
    if (h.waited_to_write) {  // a fresh socket gives its first permit only after a poll
        const io_result sent = co_await s.write_some(bytes_of("x"));
        CHECK(sent.n == 1);
    }
    if (h.shut) co_await check(s.shutdown(*h.shut));
    if (h.in_flight && !h.shut) co_await check(write_all(s, pattern(100'000)));
    if (h.peer_gone) peer.reset();
    co_return {};
}

}  // namespace

TEST_CASE("drop order: a stream in every state") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const std::optional<direction> shuts[] = {std::nullopt, direction::read, direction::write,
                                                  direction::both};
        open_handles meter;
        int connections = 0;
        for (unsigned bits = 0; bits < 16; ++bits) {
            for (const auto& shut : shuts) {
                const history h{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0,
                                shut};
                auto [client, server] = co_await check(connect_through(listener));
                ++connections;
                std::optional<tcp_stream> peer{std::move(server)};
                co_await check(live_through(client, peer, h));
                if (bits % 3 == 0) {
                    client.close();
                } else if (bits % 3 == 1) {
                    const tcp_stream elsewhere = std::move(client);
                } else {
                    auto [other, other_server] = co_await check(connect_through(listener));
                    ++connections;
                    client = std::move(other);
                }
            }
        }
        co_await check(sleep_for(20ms));  // those with bytes in flight
        CHECK(meter.grown_by(connections) <= 1);  // the timer
        co_return {};
    }());
}

TEST_CASE("drop order: operations that were canceled, and then what they belonged to") {
    run_test([]() -> task<result<void>> {
        for (int i = 0; i < 20; ++i) {
            auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
            auto [client, server] = co_await check(connect_through(listener));
            std::array<std::byte, 8> buffer{};
            auto [read, accepted, connected] = co_await when_all(
                with_timeout(client.read_some(buffer), 1ms),
                with_timeout(listener.accept(), 1ms),
                with_timeout(tcp_stream::connect({ip::address{ip::address::v4_bytes{192, 0, 2, 1}},
                                                  9}),
                             1ms));
            CHECK(read.ec == errc::timed_out);
            CHECK(accepted.error() == errc::timed_out);
            if (i % 2 == 0) {
                listener.close();
                client.close();
            } else {
                server.close();
            }
        }
        co_return {};
    }());
}

TEST_CASE("drop order: a connect that fails, with and without having waited") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());
        listener.close();
        for (int i = 0; i < 20; ++i) {
            const auto refused = co_await tcp_stream::connect(at);
            CHECK(refused.error() == errc::connection_refused);
        }
        co_return {};
    }());
}

TEST_CASE("drop order: an operation that was never awaited") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        std::array<std::byte, 8> buffer{};
        {
            [[maybe_unused]] auto read = client.read_some(buffer);
            [[maybe_unused]] auto connect = tcp_stream::connect({ip::loopback_v4, 9});
            [[maybe_unused]] auto bind = tcp_listener::bind({ip::loopback_v4, 0});
        }
        client.close();
        co_return {};
    }());
}

TEST_CASE("drop order: a program that ends with everything open") {
    const auto r = run([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        auto [client, server] = co_await check(connect_through(listener));
        std::array<std::byte, 8> buffer{};
        co_await check(write_all(client, pattern(10'000)));
        auto raced = co_await first_done(server.read_some(buffer), listener.accept());
        CHECK(raced.index == 0);
        co_return {};
    }());
    CHECK(r.has_value());
}

TEST_CASE("drop order: standard output after it was waited for") {
    run_test([]() -> task<result<void>> {
        loop& owner = *(co_await this_env{}).owner;
        stderr_stream err{owner};
        co_await check(write_all(err, bytes_of("a line on stderr\n")));
        co_return {};
    }());
}
