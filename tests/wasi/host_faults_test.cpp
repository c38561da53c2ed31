// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wasi/faulty_host.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <copoll/backend/profile.hpp>
#include <copoll/result.hpp>
#include <copoll/run.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/udp.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/skipped_on_jco.hpp"
#include "support/tcp_pair.hpp"
#include "wasi/fail_each_call.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// A deadline for what waits for a peer whose call has failed.
constexpr auto patience = 20ms;

/// Each fallible call that a TCP program makes, with a question, an answer and both ends.
task<result<void>> conversation() {
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}, {.backlog = 4}));
    const ip::endpoint at = co_await check(listener.local_endpoint());
    auto [connected, accepted] =
        co_await when_all(with_timeout(tcp_stream::connect(at), patience),
                          with_timeout(listener.accept(), patience));
    auto client = co_await check(std::move(connected));
    auto server = co_await check(std::move(accepted));
    co_await check(server.remote_endpoint());

    std::array<std::byte, 8> buffer{};
    for (int i = 0; i < 2; ++i) {
        co_await check(write_all(client, bytes_of("question")));
        co_await check(with_timeout(read_exactly(server, buffer), patience));
        co_await check(write_all(server, buffer));
        co_await check(with_timeout(read_exactly(client, buffer), patience));
    }
    co_await check(client.shutdown_write());
    const io_result end = co_await with_timeout(server.read_some(buffer), patience);
    if (end.ec != errc::eof) co_return fail(end.ec);
    co_await check(server.shutdown(direction::both));
    co_return {};
}

bool is_stream_call(std::string_view call) {
    return call == "read" || call == "check-write" || call == "write";
}

}  // namespace

TEST_CASE("host: the conversation works, and leaves no handle behind") {
    run_test(conversation());
    CHECK(the_host.fallible_calls > 20);
    CHECK(the_host.all_alive() == 0);
}

TEST_CASE("host: each call fails once, with a code; the error comes out and nothing leaks") {
    using host::socket_error;
    const std::pair<socket_error, errc> codes[] = {
        {socket_error::unknown, errc::io},
        {socket_error::access_denied, errc::access_denied},
        {socket_error::not_supported, errc::not_supported},
        {socket_error::out_of_memory, errc::out_of_memory},
        {socket_error::new_socket_limit, errc::too_many_open},
    };
    for (const auto& [code, expected] : codes) {
        the_host.socket_error = code;
        the_host.stream_error = host::stream_error::last_operation_failed;
        the_host.debug_string = "ConnectionReset";
        fail_each_call(conversation, [&](std::string_view call, std::error_code ec) {
            if (is_stream_call(call))  // also at a close, which has nobody to tell
                return !ec || ec == errc::connection_reset || ec == errc::timed_out;
            if (call == "set-listen-backlog-size") return !ec;  // a wish
            if (call == "accept")  // is tried again where that helps
                return !ec || ec == expected || ec == errc::timed_out;
            return ec == expected;
        });
    }
}

TEST_CASE("host: each call that sets or gets an option fails once; the error comes out") {
    const auto set_and_get = []() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        co_await check(listener.set_keep_alive({.idle = 9s, .interval = 8s, .count = 7}));
        co_await check(listener.get_keep_alive());
        co_await check(listener.set_hop_limit(9));
        co_await check(listener.hop_limit());
        co_await check(listener.set_receive_buffer_size(10'000));
        co_await check(listener.receive_buffer_size());
        co_await check(listener.set_send_buffer_size(10'000));
        co_await check(listener.send_buffer_size());
        auto datagrams = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        co_await check(datagrams.set_hop_limit(9));
        co_await check(datagrams.hop_limit());
        co_await check(datagrams.set_receive_buffer_size(10'000));
        co_await check(datagrams.receive_buffer_size());
        co_await check(datagrams.set_send_buffer_size(10'000));
        co_await check(datagrams.send_buffer_size());
        co_return {};
    };
    the_host.socket_error = host::socket_error::invalid_state;
    fail_each_call(set_and_get, [](std::string_view, std::error_code ec) {
        return ec == errc::invalid_state;
    });
    CHECK(the_host.fallible_calls >= 20);
}

TEST_CASE("host: each stream call fails once with closed") {
    the_host.stream_error = host::stream_error::closed;
    fail_each_call(conversation, [](std::string_view call, std::error_code ec) {
        if (call == "read") return ec == errc::eof || ec == errc::timed_out || !ec;
        // Bytes that were to leave at the end of the turn: the peer waits for them in vain.
        if (is_stream_call(call))
            return ec == errc::connection_reset || ec == errc::timed_out || !ec;
        return true;
    });
}

TEST_CASE("host: bytes that could not leave are an error of the next write, and of shutdown") {
    const auto alive = the_host.all_alive();
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(write_all(client, bytes_of("warm up")));
        std::array<std::byte, 7> buffer{};
        co_await check(read_exactly(server, buffer));

        the_host.stream_error = host::stream_error::closed;
        the_host.fail_at = the_host.fallible_calls + 1;
        co_await check(write_all(client, bytes_of("lost")));
        co_await check(sleep_for(1ms));
        CHECK(the_host.failed == "check-write");
        const auto later = co_await client.write_some(bytes_of("more"));
        CHECK(later.ec == errc::connection_reset);
        const auto shut = co_await client.shutdown_write();
        CHECK(error_of(shut) == errc::connection_reset);
        co_return {};
    }());
    CHECK(the_host.all_alive() == alive);
}

namespace {

/// Computes for a while, writes, and notes how many writes had left the component by then.
task<result<void>> compute_and_write(tcp_stream& to, int turns, std::uint64_t& left) {
    for (int i = 0; i < turns; ++i) {
        const auto until = clock::now() + 200us;
        while (clock::now() < until) {
        }
        const std::byte one{};
        co_await check(write_all(to, std::span(&one, 1)));
        left = host::calls[host::call::write];
        co_await next_turn{};
    }
    co_return {};
}

/// How often what another task of the same turn had written was gone by then.
task<result<int>> watch(int turns, const std::uint64_t& left) {
    int gone = 0;
    for (int i = 0; i < turns; ++i) {
        gone += host::calls[host::call::write] > left;
        co_await next_turn{};
    }
    co_return gone;
}

}  // namespace

TEST_CASE("host: where tasks take long, what one has written does not wait for the others") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        constexpr int turns = 100;
        std::uint64_t left = 0;
        auto [wrote, gone] = co_await when_all(compute_and_write(client, turns, left),
                                               watch(turns, left));
        CHECK(wrote.has_value());
        CHECK(gone.value() > turns / 2);
        std::vector<std::byte> got(turns);
        co_await check(read_exactly(server, got));
        co_return {};
    }());
}

TEST_CASE("host: what is written in a turn leaves in one call, also if the host takes it later") {
    const auto alive = the_host.all_alive();
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(write_all(client, bytes_of("warm up")));
        std::vector<std::byte> got(7);
        co_await check(read_exactly(server, got));

        for (const std::uint32_t refusals : {0U, 1U, 5U}) {
            the_host.no_permits = refusals;
            const auto before = host::calls[host::call::write];
            const auto sent = pattern(30'000);
            got.assign(sent.size(), {});
            auto [wrote, read] = co_await when_all(
                [](tcp_stream& s, const auto& bytes) -> task<result<void>> {
                    for (std::size_t at = 0; at < bytes.size(); at += 100)
                        co_await check(write_all(s, std::span(bytes).subspan(at, 100)));
                    co_return {};
                }(client, sent),
                read_exactly(server, got));
            CHECK(wrote.has_value());
            CHECK(!read.ec);
            CHECK(got == sent);
            // more turns than one, since a task that never waits lets the others run
            CHECK(host::calls[host::call::write] - before <= 300 / 16 + 1);
        }
        co_return {};
    }());
    CHECK(the_host.all_alive() == alive);
}

TEST_CASE("host: the text of a stream's error tells a reset from others") {
    const std::pair<std::string_view, errc> texts[] = {
        {"ConnectionReset", errc::connection_reset},
        {"Os { code: 104, kind: ConnectionReset, message: \"Connection reset by peer\" }",
         errc::connection_reset},
        {"BrokenPipe", errc::connection_reset},
        {"Broken pipe (os error 32)", errc::connection_reset},
        {"read ECONNRESET", errc::connection_reset},
        {"write EPIPE", errc::connection_reset},
        {"ConnectionAborted", errc::connection_reset},
        {"Os { code: 110, kind: TimedOut, message: \"Connection timed out\" }", errc::timed_out},
        {"", errc::io},
        {"the moon is in the wrong place", errc::io},
    };
    run_test([](auto& all) -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        the_host.stream_error = host::stream_error::last_operation_failed;
        for (const auto& [text, expected] : all) {
            the_host.debug_string = text;
            the_host.fail_at = the_host.fallible_calls + 1;
            std::array<std::byte, 8> buffer{};
            const io_result r = co_await client.read_some(buffer);
            INFO(std::string(text));
            CHECK(r.ec == expected);
            CHECK(the_host.alive_of(resource_kind::error) == 0);
        }
        co_return {};
    }(texts));
}

TEST_CASE("host: a connection that was gone before it was accepted is skipped") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());
        auto client = co_await check(tcp_stream::connect(at));
        the_host.socket_error = host::socket_error::connection_aborted;
        the_host.fail_at = the_host.fallible_calls + 1;

        auto server = co_await check(with_timeout(listener.accept(), 1s));

        CHECK(the_host.failed == "accept");
        CHECK(server.is_open());
        co_return {};
    }());
}

TEST_CASE("host: accept waits while there is no descriptor for another connection") {
    for (const auto code : {host::socket_error::unknown, host::socket_error::new_socket_limit}) {
        run_test([](host::socket_error none_left) -> task<result<void>> {
            auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
            const auto at = co_await check(listener.local_endpoint());
            auto client = co_await check(tcp_stream::connect(at));
            the_host.socket_error = none_left;
            the_host.failed_accepts = 1'000'000;
            const auto polls = the_host.polls;
            const auto none = co_await with_timeout(listener.accept(), 300ms);
            CHECK(error_of(none) == errc::timed_out);
            CHECK(the_host.polls - polls < 30);

            the_host.failed_accepts = 3;
            const auto server = co_await with_timeout(listener.accept(), 20s);
            CHECK(server.has_value());
            CHECK(the_host.failed_accepts == 0);
            co_return {};
        }(code));
        CHECK(the_host.all_alive() == 0);
    }
}

TEST_CASE("host: an empty list after ready is neither the end nor a lost wake-up") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(write_all(server, bytes_of("hello")));
        the_host.empty_reads = 5;

        std::array<std::byte, 8> buffer{};
        const io_result r = co_await with_timeout(client.read_some(buffer), 1s);

        CHECK(r.n == 5);
        CHECK(!r.ec);
        CHECK(the_host.empty_reads == 0);
        co_return {};
    }());
}

TEST_CASE("host: no permit after ready keeps the write waiting, and it goes on") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        the_host.no_permits = 5;

        const io_result sent = co_await with_timeout(server.write_some(bytes_of("hello")), 1s);
        std::array<std::byte, 8> buffer{};
        const io_result got = co_await client.read_some(buffer);

        CHECK(sent.n == 5);
        CHECK(!sent.ec);
        CHECK(got.n == 5);
        CHECK(the_host.no_permits == 0);
        co_return {};
    }());
}

TEST_CASE("host: a poll that calls everything ready loses and invents nothing") {
    the_host.all_ready = true;
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        auto [client, server] = co_await check(connect_through(listener));
        std::array<std::byte, 8> buffer{};

        auto [read, accepted, fed] = co_await when_all(
            with_timeout(client.read_some(buffer), 30ms),
            with_timeout(listener.accept(), 30ms), sleep_for(5ms));
        CHECK(read.ec == errc::timed_out);
        CHECK(accepted.error() == errc::timed_out);

        auto [sent, got] = co_await when_all(feed(server, 1'000'000), drain(client, 1'000'000));
        CHECK(sent.n == 1'000'000);
        CHECK(got.intact);
        co_return {};
    }());
    the_host.all_ready = false;
    CHECK(the_host.all_alive() == 0);
}

TEST_CASE("host: a stream with bytes in flight is dropped only when the host is done with them") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto before = the_host.alive_of(resource_kind::socket);
        co_await check(feed(server, 1000));
        the_host.no_permits = 3;  // as if the host still had the bytes

        server.close();
        CHECK(the_host.alive_of(resource_kind::socket) == before);
        co_await check(sleep_for(20ms));  // the loop asks again

        CHECK(the_host.no_permits == 0);
        CHECK(the_host.alive_of(resource_kind::socket) == before - 1);
        const drained got = co_await drain(client);
        CHECK(got.n == 1000);
        CHECK(got.end == errc::eof);
        co_return {};
    }());
}

TEST_CASE("host: on jco a stream is dropped only when its queue has as much room as at first") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const backend::profile real = std::exchange(backend::known_profile, backend::profile::jco);
        const auto before = the_host.alive_of(resource_kind::socket);
        co_await check(feed(server, 1000));
        const drained arrived = co_await drain(client, 1000);
        CHECK(arrived.n == 1000);
        the_host.no_permits = 3;
        the_host.short_permit = 5000;

        server.close();
        CHECK(the_host.alive_of(resource_kind::socket) == before);
        co_await check(sleep_for(20ms));

        CHECK(the_host.no_permits == 0);
        CHECK(the_host.alive_of(resource_kind::socket) == before - 1);
        the_host.short_permit = 0;
        backend::known_profile = real;
        co_return {};
    }());
}

TEST_CASE("host: a stream that the host does not finish is left to it when the program ends") {
    const auto begin = clock::now();
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(feed(server, 1000));
        the_host.no_permits = UINT32_MAX;
        co_return {};
    }());
    const auto took = clock::now() - begin;
    CHECK(took > 4s);
    CHECK(took < 7s);
    the_host.no_permits = 0;
}

TEST_CASE("host: what such a stream holds of its loop is given back") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(feed(client, 5000));
        std::array<std::byte, 10> little{};
        co_await check(read_exactly(server, little));  // the rest was read ahead
        the_host.no_permits = UINT32_MAX;
        co_await check(feed(server, 10'000));  // more than a small block
        co_return {};
    }());
    the_host.no_permits = 0;
}

TEST_CASE("host: small reads are served by few calls, and lose nothing") {
    const auto alive = the_host.all_alive();
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto sent = pattern(100'000);
        co_await check(write_all(client, std::span(sent).first(50'000)));
        std::vector<std::byte> got;
        std::array<std::byte, 100> small;
        const auto before = host::calls[host::call::read];
        while (got.size() < 50'000) {
            const auto n = co_await check(server.read_some(small));
            std::ranges::copy_n(small.begin(), static_cast<std::ptrdiff_t>(n),
                                std::back_inserter(got));
        }
        CHECK(host::calls[host::call::read] - before < 50);

        // A timeout finds nothing to lose, and the end comes behind what was read ahead.
        const auto none = co_await with_timeout(server.read_some(small), 5ms);
        CHECK(none.ec == errc::timed_out);
        co_await check(write_all(client, std::span(sent).subspan(50'000)));
        co_await check(client.shutdown_write());
        for (;;) {
            const auto r = co_await server.read_some(small);
            if (r.ec) {
                CHECK(r.ec == errc::eof);
                break;
            }
            std::ranges::copy_n(small.begin(), static_cast<std::ptrdiff_t>(r.n),
                                std::back_inserter(got));
        }
        CHECK(got == sent);
        co_return {};
    }());
    CHECK(the_host.all_alive() == alive);
}

TEST_CASE("host: what was read ahead comes before the error") {
    if (skipped_on_jco("nothing is read there before a poll has said so")) return;
    const auto alive = the_host.all_alive();
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(write_all(client, bytes_of("header and body")));
        std::array<std::byte, 6> header;
        co_await check(read_exactly(server, header));
        CHECK(text_of(header) == "header");

        the_host.stream_error = host::stream_error::last_operation_failed;
        the_host.debug_string = "ConnectionReset";
        the_host.fail_at = the_host.fallible_calls + 1;
        std::array<std::byte, 9> body;
        const auto rest = co_await read_exactly(server, body);
        CHECK(text_of(body) == " and body");
        CHECK(!rest.ec);
        const auto failed = co_await server.read_some(body);
        CHECK(failed.ec == errc::connection_reset);
        co_return {};
    }());
    CHECK(the_host.all_alive() == alive);
}
