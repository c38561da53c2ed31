// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/testing/plaintext.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/varint.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "p2p/peers.hpp"
#include "p2p/raw_peer.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

template <class F>
task<result<void>> dial_plain(any_stream transport, p2p::connection_options options, F f) {
    auto c = co_await check(
        p2p::testing::connect_plaintext(std::move(transport), new_identity(), std::move(options)));
    co_return co_await p2p::with_connection(c, f);
}

template <class F>
task<result<void>> accept_plain(any_stream transport, p2p::identity own, F f) {
    auto c = co_await check(
        p2p::testing::accept_plaintext(std::move(transport), std::move(own), quiet()));
    co_return co_await p2p::with_connection(c, f);
}

task<result<void>> hello(p2p::connection& c) {
    auto s = co_await check(c.open("/echo/1.0.0"));
    std::array<std::byte, 3> sent{std::byte{1}, std::byte{2}, std::byte{3}}, got{};
    co_await check(write_all(s, sent));
    co_await check(read_exactly(s, got));
    CHECK(got == sent);
    co_return co_await s.shutdown_write();
}

}  // namespace

TEST_CASE("plaintext: streams on a connection that is not secured") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto listener = new_identity();
        auto options = quiet();
        options.expected_peer = listener.id();
        auto [dialed, accepted] =
            co_await when_all(dial_plain(std::move(client), options, hello),
                              accept_plain(std::move(server), listener, serve_echo));
        co_await check(std::move(dialed));
        co_return accepted;
    });
}

TEST_CASE("plaintext: another peer than the expected one, and one that speaks Noise") {
    run_in_worlds([]() -> task<result<void>> {
        {
            auto [client, server] = co_await check(connected_pair());
            auto options = quiet();
            options.expected_peer = new_identity().id();
            auto [dialed, accepted] =
                co_await when_all(dial_plain(std::move(client), options, hello),
                                  accept_plain(std::move(server), new_identity(), serve_echo));
            CHECK(error_of(dialed) == p2p::errc::wrong_peer);
            CHECK(!accepted);
        }
        {
            auto [client, server] = co_await check(connected_pair());
            auto [dialed, accepted] = co_await when_all(
                dial_plain(std::move(client), quiet(), hello),
                accept_and(std::move(server), new_identity(), quiet(), serve_echo));
            CHECK(error_of(dialed) == p2p::errc::protocol_not_supported);
            CHECK(error_of(accepted) == p2p::errc::malformed_negotiation);
        }
        auto [client, server] = co_await check(connected_pair());
        auto [dialed, accepted] =
            co_await when_all(dial_and(std::move(client), new_identity(), quiet(), hello),
                              accept_plain(std::move(server), new_identity(), serve_echo));
        CHECK(error_of(dialed) == p2p::errc::protocol_not_supported);
        CHECK(error_of(accepted) == p2p::errc::malformed_negotiation);
        co_return {};
    });
}

namespace {

using p2p::testing::plaintext_handshake;

const std::string agreement = "\x13/multistream/1.0.0\n\x11/plaintext/2.0.0\n";

std::string with_length(const std::string& exchange) {
    return std::string(text_of(p2p::varint::encoded{exchange.size()}.bytes())) + exchange;
}

std::string exchange_of(std::span<const std::byte> id, std::span<const std::byte> key) {
    p2p::protobuf::writer message;
    message.bytes(1, id).bytes(2, key);
    return std::string(text_of(message.message()));
}
std::string exchange_of(const p2p::identity& who) {
    return exchange_of(who.id().bytes(), who.public_key().encode());
}

/// With a field that nobody knows, so that all of it has `size` bytes.
std::string exchange_of(const p2p::identity& who, std::size_t size) {
    std::string exchange = exchange_of(who);
    p2p::protobuf::writer padding;
    padding.bytes(15, std::vector<std::byte>(size - exchange.size() - 3));
    return exchange + std::string(text_of(padding.message()));
}

/// What a dialer makes of a peer that agrees and says this.
result<p2p::progress> told(const std::string& says, std::optional<p2p::peer_id> expected = {}) {
    plaintext_handshake engine{p2p::role::dialer, new_identity(), std::move(expected)};
    buffer in, out;
    in.append(bytes_of(agreement + says));
    return engine.advance(in, out);
}

}  // namespace

TEST_CASE("plaintext: an id that is not that of the key, or one of the two alone") {
    const auto one = new_identity(), two = new_identity();
    const auto key = one.public_key().encode();
    CHECK(told(with_length(exchange_of(one))) == p2p::progress::complete);
    CHECK(told(with_length(exchange_of(one)), one.id()) == p2p::progress::complete);
    CHECK(error_of(told(with_length(exchange_of(one)), two.id())) == p2p::errc::wrong_peer);
    CHECK(error_of(told(with_length(exchange_of(two.id().bytes(), key)))) ==
          p2p::errc::bad_identity);
    CHECK(error_of(told(with_length(exchange_of({}, key)))) == p2p::errc::bad_identity);
    CHECK(error_of(told(with_length(exchange_of(one.id().bytes(), {})))) ==
          p2p::errc::malformed_key);
    CHECK(error_of(told(with_length(""))) == p2p::errc::malformed_key);
}

TEST_CASE("plaintext: what is no exchange") {
    CHECK(error_of(told(with_length("\x0a\x05what"))) == p2p::errc::malformed_handshake);
    CHECK(error_of(told(with_length(std::string("\0", 1)))) == p2p::errc::malformed_handshake);
    CHECK(error_of(told(std::string("\x80\0", 2))) == p2p::errc::malformed_varint);
}

TEST_CASE("plaintext: an exchange that is too long is refused by its length") {
    constexpr std::size_t most = plaintext_handshake::longest_exchange;
    const auto one = new_identity();
    CHECK(told(with_length(exchange_of(one, most))) == p2p::progress::complete);
    const auto longer = with_length(exchange_of(one, most + 1));
    CHECK(error_of(told(longer)) == p2p::errc::malformed_handshake);
    CHECK(error_of(told(longer.substr(0, 2))) == p2p::errc::malformed_handshake);
    const p2p::varint::encoded huge{p2p::varint::largest};
    CHECK(error_of(told(std::string(text_of(huge.bytes())))) == p2p::errc::malformed_handshake);
}

TEST_CASE("plaintext: the handshake takes its own bytes, one by one, and leaves what follows") {
    const auto one = new_identity();
    const std::string says = agreement + with_length(exchange_of(one));
    for (const p2p::role side : {p2p::role::dialer, p2p::role::listener}) {
        for (const bool lazy : {true, false}) {
            plaintext_handshake engine{side, new_identity(), one.id(), lazy};
            buffer in, out;
            CHECK(engine.advance(in, out) == p2p::progress::needs_input);
            for (std::size_t i = 0; i + 1 < says.size(); ++i) {
                in.append(bytes_of(says.substr(i, 1)));
                CHECK(engine.advance(in, out) == p2p::progress::needs_input);
            }
            in.append(bytes_of(says.substr(says.size() - 1) + "what follows"));
            CHECK(engine.advance(in, out) == p2p::progress::complete);
            CHECK(in.text() == "what follows");
            CHECK(engine.remote_peer() == one.id());
            CHECK(engine.remote_key().encode() == one.public_key().encode());
            CHECK(out.text().starts_with(agreement));
            CHECK(out.size() == says.size());  // keys and ids are of one size
        }
    }
}

TEST_CASE("plaintext: a dialer that is not lazy says who it is when the protocol is taken") {
    for (const bool lazy : {true, false}) {
        plaintext_handshake engine{p2p::role::dialer, new_identity(), {}, lazy};
        buffer in, out;
        CHECK(engine.advance(in, out) == p2p::progress::needs_input);
        CHECK((out.text() == agreement) == !lazy);
        in.append(bytes_of(agreement));
        CHECK(engine.advance(in, out) == p2p::progress::needs_input);
        CHECK(out.size() > agreement.size());
    }
}

namespace {

/// Says all that, with a pause behind each byte, or until the other side has gone.
task<result<void>> say_slowly(tcp_stream& to, const std::string& all, clock::duration pause) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        co_await check(write_all(to, bytes_of(all).subspan(i, 1)));
        co_await check(sleep_for(pause));
    }
    co_return {};
}

/// The two ends of `connected_pair`, one of which is to connect as `side`.
task<result<p2p::connection>> meet_plainly(p2p::role side, tcp_stream transport,
                                           p2p::connection_options options) {
    return side == p2p::role::dialer
               ? p2p::testing::connect_plaintext(std::move(transport), new_identity(),
                                                 std::move(options))
               : p2p::testing::accept_plaintext(std::move(transport), new_identity(),
                                                std::move(options));
}

task<result<void>> cut_off_everywhere(p2p::role side) {
    const std::string says = agreement + with_length(exchange_of(new_identity()));
    for (std::size_t at = 0; at < says.size(); ++at) {
        INFO("cut off at byte " << at);
        auto [client, server] = co_await check(connected_pair());
        co_await check(write_all(server, bytes_of(says).first(at)));
        co_await check(server.shutdown_write());
        const auto met = co_await meet_plainly(side, std::move(client), quiet());
        CHECK(error_of(met) == p2p::errc::truncated);
    }
    co_return {};
}

}  // namespace

TEST_CASE("plaintext: a peer that ends at any byte of the handshake") {
    run_test(cut_off_everywhere(p2p::role::dialer));
    run_test(cut_off_everywhere(p2p::role::listener));
}

TEST_CASE("plaintext: a peer that says too much of itself is refused while it is at it") {
    run_in_worlds([]() -> task<result<void>> {
        const std::string says = agreement + "\x81\x20" + std::string(500, 'x');
        for (int i = 0; i < 2; ++i) {
            auto [client, server] = co_await check(connected_pair());
            co_await check(write_all(server, bytes_of(says)));
            const auto side = i == 0 ? p2p::role::dialer : p2p::role::listener;
            const auto met = co_await meet_plainly(side, std::move(client), quiet());
            CHECK(error_of(met) == p2p::errc::malformed_handshake);
        }
        co_return {};
    });
}

TEST_CASE("plaintext: a peer that says nothing, or one byte at a time, is given up in time") {
    run_test([]() -> task<result<void>> {
        const std::string says = agreement + with_length(exchange_of(new_identity()));
        for (int i = 0; i < 4; ++i) {
            const auto side = i % 2 == 0 ? p2p::role::dialer : p2p::role::listener;
            const std::string said = i < 2 ? std::string() : says;
            auto [client, server] = co_await check(connected_pair());
            p2p::connection_options options = quiet();
            options.timeout = 50ms;
            const auto began_at = clock::now();
            const auto meet_in_time = [](p2p::role as, tcp_stream transport,
                                         p2p::connection_options with,
                                         clock::time_point then) -> task<result<void>> {
                const auto met = co_await meet_plainly(as, std::move(transport), std::move(with));
                CHECK(error_of(met) == errc::timed_out);
                CHECK(is_ago(50ms, then));
                co_return {};
            };
            auto [met, told_all] = co_await when_all(
                meet_in_time(side, std::move(client), std::move(options), began_at),
                say_slowly(server, said, 5ms));
            CHECK(error_of(met) == no_error);
            CHECK(told_all.has_value() == said.empty());
        }
        co_return {};
    }());
}

TEST_CASE("plaintext: a peer with time to spare may say it one byte at a time") {
    run_test([]() -> task<result<void>> {
        const std::string says = agreement + with_length(exchange_of(new_identity()));
        auto [client, server] = co_await check(connected_pair());
        p2p::connection_options options = quiet();
        options.timeout = clock::duration::max();
        auto [met, said] =
            co_await when_all(meet_plainly(p2p::role::dialer, std::move(client), options),
                              say_slowly(server, says, 1ms));
        CHECK(error_of(met) == no_error);
        CHECK(error_of(said) == no_error);
        co_return {};
    }());
}

TEST_CASE("plaintext: what comes with the handshake is kept for its stream") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        // all that a dialer says in one go, and nothing behind it
        const std::string says =
            agreement + with_length(exchange_of(new_identity())) +
            "\x13/multistream/1.0.0\n\x0d/yamux/1.0.0\n" +
            data_frame(1, echo_request("hello"), p2p::yamux::flag_syn | p2p::yamux::flag_fin);
        co_await check(write_all(client, bytes_of(says)));
        std::string heard;
        const auto serve = [&](p2p::connection& c) {
            return [](p2p::connection& on, std::string& all) -> task<result<void>> {
                auto s = co_await check(on.accept());
                co_await check(s.negotiate(echo_protocols()));
                buffer got;
                co_await check(read_to_end(s, got));
                all = got.text();
                co_return {};
            }(c, heard);
        };
        auto [served, drained] =
            co_await when_all(accept_plain(std::move(server), new_identity(), serve),
                              drain(client));
        static_cast<void>(drained);
        CHECK(error_of(served) == no_error);
        CHECK(heard == "hello");
        co_return {};
    });
}
