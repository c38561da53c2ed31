// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/socket_options.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/udp.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/skipped_on_jco.hpp"
#include "support/tcp_pair.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

constexpr bool on_wasi = std::string_view{backend::name} == "wasi";

constexpr keep_alive_options unusual{.idle = 100s, .interval = 7s, .count = 3};

}  // namespace

TEST_CASE("keep-alive: what is set is what comes back, and what has no value stays") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto before = co_await check(client.get_keep_alive());
        CHECK(!before.enabled);

        co_await check(client.set_keep_alive(unusual));
        const auto all = co_await check(client.get_keep_alive());
        co_await check(client.set_keep_alive({.enabled = false, .idle = 200s}));
        const auto some = co_await check(client.get_keep_alive());

        CHECK(all == unusual);
        CHECK(some == keep_alive_options{false, 200s, 7s, 3});
        CHECK(server.get_keep_alive() == before);
        co_return {};
    });
}

TEST_CASE("keep-alive: periods are rounded up to whole seconds, and have limits") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(client.set_keep_alive({.idle = 1ns, .interval = 1001ms, .count = 1}));
        const auto least = co_await check(client.get_keep_alive());
        CHECK(least == keep_alive_options{true, 1s, 2s, 1});
        co_await check(client.set_keep_alive({.idle = 32767s, .interval = 32767s, .count = 127}));
        const auto most = co_await check(client.get_keep_alive());
        CHECK(most == keep_alive_options{true, 32767s, 32767s, 127});

        for (const keep_alive_options& wrong :
             {keep_alive_options{.idle = 0s}, keep_alive_options{.idle = -1s},
              keep_alive_options{.idle = 32767s + 1ns}, keep_alive_options{.interval = 0s},
              keep_alive_options{.interval = clock::duration::max()},
              keep_alive_options{.count = 0}, keep_alive_options{.count = 128},
              keep_alive_options{.enabled = false, .idle = 5s, .interval = 0s}})
            CHECK(error_of(client.set_keep_alive(wrong)) == errc::invalid_argument);
        CHECK(client.get_keep_alive() == most);  // an invalid value leaves the others unset too
        co_return {};
    });
}

TEST_CASE("hop limit: of both families") {
    run_in_worlds([]() -> task<result<void>> {
        for (const ip::address& on : {ip::loopback_v4, ip::loopback_v6}) {
            if (on.is_v6() && !co_await has_ipv6()) co_return {};
            auto [client, server] = co_await check(connected_pair(on));
            const auto usual = co_await check(client.hop_limit());
            CHECK((usual > 1 || host_is_jco()));  // that knows its own value, not the system's
            for (const std::uint8_t hops : {std::uint8_t{1}, std::uint8_t{33}, std::uint8_t{255}}) {
                co_await check(client.set_hop_limit(hops));
                CHECK(client.hop_limit() == hops);
            }
            CHECK(error_of(client.set_hop_limit(0)) == errc::invalid_argument);
            CHECK(server.hop_limit() == usual);
        }
        co_return {};
    });
}

TEST_CASE("buffer sizes: larger or smaller as asked for, about") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        for (const std::size_t size : {std::size_t{32} * 1024, std::size_t{96} * 1024}) {
            co_await check(client.set_receive_buffer_size(size));
            co_await check(client.set_send_buffer_size(size));
            const auto receives = co_await check(client.receive_buffer_size());
            const auto sends = co_await check(client.send_buffer_size());
            CHECK(receives >= size / 2);
            CHECK(receives <= size * 2);
            CHECK(sends >= size / 2);
            CHECK(sends <= size * 2);
        }
        CHECK(error_of(client.set_receive_buffer_size(0)) == errc::invalid_argument);
        CHECK(error_of(client.set_send_buffer_size(0)) == errc::invalid_argument);
        co_await check(client.set_send_buffer_size(SIZE_MAX));  // limited, not refused
        auto [sent, got] = co_await when_all(feed(client, 300'000), drain(server, 300'000));
        CHECK(sent.n == 300'000);
        CHECK(got.intact);
        co_return {};
    });
}

TEST_CASE("options: of a listener, they are those that its connections begin with") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        co_await check(listener.set_keep_alive(unusual));
        co_await check(listener.set_hop_limit(33));
        CHECK(listener.get_keep_alive() == unusual);
        CHECK(error_of(listener.set_hop_limit(0)) == errc::invalid_argument);

        auto [client, server] = co_await check(connect_through(listener));

        CHECK(server.get_keep_alive() == unusual);
        CHECK(server.hop_limit() == 33);
        CHECK(client.hop_limit() != 33);
        co_return {};
    });
}

TEST_CASE("options: they move with the stream, and a closed one has none") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(client.set_hop_limit(33));
        tcp_stream moved = std::move(client);
        CHECK(moved.hop_limit() == 33);

        moved.close();
        CHECK(error_of(moved.hop_limit()) == errc::closed);
        CHECK(error_of(moved.set_hop_limit(33)) == errc::closed);
        CHECK(error_of(moved.set_keep_alive({})) == errc::closed);
        CHECK(error_of(moved.get_keep_alive()) == errc::closed);
        CHECK(error_of(moved.no_delay()) == errc::closed);
        CHECK(error_of(client.set_reset_on_close(true)) == errc::closed);
        co_return {};
    });
}

TEST_CASE("no_delay: on from the start, on both ends; WASI has none") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        if (on_wasi) {
            CHECK(error_of(client.no_delay()) == errc::not_supported);
            CHECK(error_of(client.set_no_delay(true)) == errc::not_supported);
            co_return {};
        }
        CHECK(client.no_delay() == true);
        CHECK(server.no_delay() == true);
        co_await check(client.set_no_delay(false));
        CHECK(client.no_delay() == false);
        co_return {};
    });
}

TEST_CASE("reset_on_close: the peer sees a reset and not an end; WASI has none") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        if (on_wasi) {
            CHECK(error_of(client.reset_on_close()) == errc::not_supported);
            CHECK(error_of(client.set_reset_on_close(true)) == errc::not_supported);
            co_return {};
        }
        CHECK(client.reset_on_close() == false);
        co_await check(client.set_reset_on_close(true));
        CHECK(client.reset_on_close() == true);

        client.close();

        std::array<std::byte, 8> buffer;
        const io_result end = co_await with_timeout(server.read_some(buffer), 5s);
        CHECK(end.ec == errc::connection_reset);
        co_return {};
    });
}

TEST_CASE("reuse_port: two listeners share an endpoint where there is such a thing") {
    run_in_worlds([]() -> task<result<void>> {
        auto first = co_await tcp_listener::bind({ip::loopback_v4, 0}, {.reuse_port = true});
        if (std::string_view{backend::name} != "asio") {
            CHECK(error_of(first) == errc::not_supported);
            co_return {};
        }
        const auto at = co_await check(first->local_endpoint());
        auto second = co_await tcp_listener::bind(at, {.reuse_port = true});
        CHECK(second.has_value());
        const auto third = co_await tcp_listener::bind(at);
        CHECK(error_of(third) == errc::address_in_use);
        co_return {};
    });
}

#if __has_include(<copoll/backend/sim.hpp>)
TEST_CASE("options: a fault while getting or setting comes out") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        for (int failing = 0; failing < 4; ++failing) {
            auto& world = sim::world::current();
            const auto fail_later = [&] {
                for (int i = 0; i < failing; ++i) world.fail_next(sim::call::option, {});
                world.fail_next(sim::call::option, errc::io);
            };
            fail_later();
            CHECK(error_of(client.set_keep_alive(unusual)) == errc::io);
            fail_later();
            CHECK(error_of(client.get_keep_alive()) == errc::io);
        }
        co_return {};
    }());
}
#endif

TEST_CASE("options: of a datagram socket") {
    run_in_worlds([]() -> task<result<void>> {
        for (const ip::address& on : {ip::loopback_v4, ip::loopback_v6}) {
            if (on.is_v6() && !co_await has_ipv6()) co_return {};
            auto socket = co_await check(udp_socket::bind({on, 0}));
            co_await check(socket.set_hop_limit(33));
            CHECK(socket.hop_limit() == 33);
            CHECK(error_of(socket.set_hop_limit(0)) == errc::invalid_argument);
            co_await check(socket.set_receive_buffer_size(64 * 1024));
            co_await check(socket.set_send_buffer_size(32 * 1024));
            const auto receives = co_await check(socket.receive_buffer_size());
            const auto sends = co_await check(socket.send_buffer_size());
            CHECK(receives >= 32 * 1024);
            CHECK(sends >= 16 * 1024);
            socket.close();
            CHECK(error_of(socket.hop_limit()) == errc::closed);
        }
        co_return {};
    });
}
