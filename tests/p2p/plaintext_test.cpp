// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/testing/plaintext.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/varint.hpp>
#include <copoll/when.hpp>

#include "p2p/peers.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;

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
        auto [client, server] = co_await check(connected_pair());
        auto [dialed, accepted] =
            co_await when_all(dial_plain(std::move(client), quiet(), hello),
                              accept_and(std::move(server), new_identity(), quiet(), serve_echo));
        CHECK(!dialed);
        CHECK(error_of(accepted) == p2p::errc::malformed_negotiation);
        co_return {};
    });
}

namespace {

/// What a dialer gets who is told `id` and the key of `key`.
task<result<void>> told(const p2p::peer_id& id, const p2p::identity& key) {
    auto [client, server] = co_await check(connected_pair());
    p2p::protobuf::writer message;
    message.bytes(1, id.bytes()).bytes(2, key.public_key().encode());
    buffer says;
    says.append(bytes_of("\x13/multistream/1.0.0\n\x11/plaintext/2.0.0\n"));
    says.append(p2p::varint::encoded{message.message().size()}.bytes());
    says.append(message.message());
    co_await check(write_all(server, std::as_const(says).data()));
    auto c = co_await p2p::testing::connect_plaintext(std::move(client), new_identity(), quiet());
    co_return c ? result<void>{} : fail(c.error());
}

}  // namespace

TEST_CASE("plaintext: an id that is not that of the key") {
    run_in_worlds([]() -> task<result<void>> {
        const auto one = new_identity(), two = new_identity();
        const auto honest = co_await told(one.id(), one);
        CHECK(honest);
        const auto lied = co_await told(one.id(), two);
        CHECK(error_of(lied) == p2p::errc::bad_identity);
        co_return {};
    });
}
