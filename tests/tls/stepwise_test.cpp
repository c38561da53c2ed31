// SPDX-License-Identifier: MIT OR Apache-2.0
// The points at which an application takes part in a handshake: nothing flows while it does.
#include <copoll/tls/client.hpp>
#include <copoll/tls/server.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <copoll/event.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;
using tls::alert;

namespace {

struct traffic {
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    bool operator==(const traffic&) const = default;
};

/// A TCP stream that counts.
class counted_stream {
public:
    counted_stream(tcp_stream s, traffic& t) : s_(std::move(s)), traffic_(&t) {}
    task<io_result> read_some(std::span<std::byte> into) {
        const io_result r = co_await s_.read_some(into);
        traffic_->in += r.n;
        co_return r;
    }
    task<io_result> write_some(std::span<const std::byte> bytes) {
        const io_result r = co_await s_.write_some(bytes);
        traffic_->out += r.n;
        co_return r;
    }
    auto shutdown_write() noexcept { return s_.shutdown_write(); }

private:
    tcp_stream s_;
    traffic* traffic_;
};

/// Time in which bytes would flow if any did.
task<result<void>> expect_silence(const traffic& t) {
    const traffic before = t;
    co_await check(sleep_for(5ms));
    CHECK(t == before);
    co_return {};
}

task<result<void>> accept_one(tcp_stream s, tls::server_options options) {
    auto accepted = co_await check(tls::accept(std::move(s), std::move(options)));
    std::byte one{};
    co_return (co_await read_exactly(accepted, std::span(&one, 1))).status();
}

task<result<void>> connect_one(tcp_stream s, tls::client_options options) {
    auto connected = co_await check(tls::connect(std::move(s), std::move(options)));
    const std::byte one{};
    co_return (co_await write_all(connected, std::span(&one, 1))).status();
}

task<result<void>> step_as_client(tcp_stream s, tls::protocol_version version) {
    traffic t;
    auto options = to_example();
    options.protocol = only(version);
    tls::client_handshake handshake{counted_stream{std::move(s), t}, options};
    handshake.configure_alpn_ids({"h2"});
    co_await check(expect_silence(t));
    CHECK(t == traffic{});

    const auto server = co_await check(handshake.verify_server_identity());
    CHECK(server == p256_server().identity());
    co_await check(expect_silence(t));
    const std::uint64_t sent = t.out;

    auto request = co_await check(handshake.receive_client_identity_request());
    REQUIRE(request.has_value());
    co_await check(expect_silence(t));
    CHECK(t.out == sent);  // nothing of the answer went ahead of the application
    request->respond({client_one()});
    co_await check(expect_silence(t));

    auto secure = co_await check(handshake.finish());
    CHECK(t.out > sent);
    CHECK(secure.client_identity() == client_one().identity());
    CHECK(secure.alpn_id() == "h2");
    const std::byte one{};
    co_return (co_await write_all(secure, std::span(&one, 1))).status();
}

task<result<void>> step_as_server(tcp_stream s, tls::protocol_version version) {
    traffic t;
    tls::server_handshake handshake{counted_stream{std::move(s), t}};
    const auto hello = co_await check(handshake.receive_client_hello());
    CHECK(hello.server_name() == "example.com");
    REQUIRE(hello.alpn_ids().size() == 1);
    CHECK(hello.alpn_ids()[0] == "h2");
    co_await check(expect_silence(t));
    CHECK(t.out == 0);

    handshake.configure_identities({p256_server()});
    handshake.configure_alpn_ids({"h2"});
    handshake.options().protocol = only(version);
    handshake.options().client_roots = roots_of(pem::root_ca);
    const auto client = co_await check(handshake.request_client_identity());
    REQUIRE(client.has_value());
    CHECK(*client == client_one().identity());
    co_await check(expect_silence(t));
    const std::uint64_t sent = t.out;

    auto secure = co_await check(handshake.finish());
    CHECK(secure.client_identity() == client);
    if (version == tls::protocol_version::tls1_2) CHECK(t.out > sent);
    std::byte one{};
    co_return (co_await read_exactly(secure, std::span(&one, 1))).status();
}

}  // namespace

TEST_CASE("tls: a client holds at each of its points, and no byte flows meanwhile") {
    run_in_worlds([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            auto [client, server] = co_await check(connected_pair());
            auto as_server = as_example();
            as_server.alpn = {"h2"};
            as_server.authenticate = tls::client_authentication::required;
            as_server.client_roots = roots_of(pem::root_ca);
            auto [stepped, accepted] =
                co_await when_all(step_as_client(std::move(client), version),
                                  accept_one(std::move(server), as_server));
            CHECK(error_of(stepped) == no_error);
            CHECK(error_of(accepted) == no_error);
        }
        co_return {};
    });
}

TEST_CASE("tls: a server holds at each of its points, and no byte flows meanwhile") {
    run_in_worlds([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            auto [client, server] = co_await check(connected_pair());
            auto as_client = to_example();
            as_client.alpn = {"h2"};
            as_client.identities = {client_one()};
            auto [connected, stepped] =
                co_await when_all(connect_one(std::move(client), as_client),
                                  step_as_server(std::move(server), version));
            CHECK(error_of(connected) == no_error);
            CHECK(error_of(stepped) == no_error);
        }
        co_return {};
    });
}

TEST_CASE("tls: a server that asks for nothing leaves a client nothing to answer") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        auto [stepped, accepted] = co_await when_all(
            [](tcp_stream s) -> task<result<void>> {
                tls::client_handshake handshake{std::move(s), to_example()};
                const auto request =
                    co_await check(handshake.receive_client_identity_request());
                CHECK_FALSE(request.has_value());
                auto secure = co_await check(handshake.finish());
                const std::byte one{};
                co_return (co_await write_all(secure, std::span(&one, 1))).status();
            }(std::move(client)),
            accept_one(std::move(server), as_example()));
        co_await check(std::move(stepped));
        co_return co_await check(std::move(accepted)), result<void>{};
    }());
}

TEST_CASE("tls: a request that is not answered presents nothing") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto [client, server] = co_await check(connected_pair());
            auto options = as_example();
            options.authenticate = tls::client_authentication::requested;
            auto [stepped, accepted] = co_await when_all(
                [](tcp_stream s, tls::protocol_version v) -> task<result<void>> {
                    auto as_client = to_example();
                    as_client.protocol = only(v);
                    tls::client_handshake handshake{std::move(s), as_client};
                    const auto request =
                        co_await check(handshake.receive_client_identity_request());
                    CHECK(request.has_value());
                    auto secure = co_await check(handshake.finish());
                    CHECK(secure.client_identity() == std::nullopt);
                    const std::byte one{};
                    co_return (co_await write_all(secure, std::span(&one, 1))).status();
                }(std::move(client), version),
                accept_one(std::move(server), options));
            CHECK(error_of(stepped) == no_error);
            CHECK(error_of(accepted) == no_error);
        }
        co_return {};
    }());
}

TEST_CASE("tls: aborting tells the peer why, at each point") {
    struct step {
        const char* name;
        task<result<void>> (*client)(tls::client_handshake&);
        task<result<void>> (*server)(tls::server_handshake&);
    };
    static constexpr auto nothing_c = [](tls::client_handshake&) -> task<result<void>> {
        co_return {};
    };
    static constexpr auto to_verify = [](tls::client_handshake& h) -> task<result<void>> {
        co_await check(h.verify_server_identity());
        co_return {};
    };
    static constexpr auto to_request = [](tls::client_handshake& h) -> task<result<void>> {
        co_await check(h.receive_client_identity_request());
        co_return {};
    };
    static const step steps[] = {
        {"before anything", nothing_c, nullptr},
        {"after the server's identity", to_verify, nullptr},
        {"after the request", to_request, nullptr},
        {"after the hello", nullptr,
         [](tls::server_handshake& h) -> task<result<void>> {
             co_await check(h.receive_client_hello());
             co_return {};
         }},
        {"after the client's identity", nullptr,
         [](tls::server_handshake& h) -> task<result<void>> {
             co_await check(h.request_client_identity());
             co_return {};
         }},
    };
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            for (const step& at : steps) {
                INFO(tls::name_of(version) << ", " << at.name);
                auto [client, server] = co_await check(connected_pair());
                auto as_client = to_example();
                as_client.protocol = only(version);
                auto [first, second] = co_await when_all(
                    [](tcp_stream s, tls::client_options o, const step& to) -> task<result<void>> {
                        tls::client_handshake handshake{std::move(s), std::move(o)};
                        if (!to.client) {
                            auto secure = co_await check(handshake.finish());
                            std::byte one{};
                            const auto r = co_await secure.read_some(std::span(&one, 1));
                            co_return fail(r.ec);
                        }
                        co_await check(to.client(handshake));
                        co_await check(handshake.abort(alert::access_denied));
                        const auto after = co_await handshake.finish();
                        CHECK(error_of(after) == tls::errc::aborted);
                        co_return {};
                    }(std::move(client), as_client, at),
                    [](tcp_stream s, const step& to) -> task<result<void>> {
                        tls::server_handshake handshake{std::move(s), as_example()};
                        if (!to.server) {
                            co_await check(handshake.finish());
                            co_return {};
                        }
                        co_await check(to.server(handshake));
                        co_await check(handshake.abort(alert::access_denied));
                        const auto after = co_await handshake.finish();
                        CHECK(error_of(after) == tls::errc::aborted);
                        co_return {};
                    }(std::move(server), at));
                const auto& aborted = at.client ? first : second;
                const auto& told = at.client ? second : first;
                CHECK(error_of(aborted) == no_error);
                CHECK(error_of(told) == alert::access_denied);
            }
        }
        co_return {};
    }());
}

TEST_CASE("tls: a handshake that was canceled at any time goes on afterwards") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto [client, server] = co_await check(connected_pair());
            auto as_client = to_example();
            as_client.protocol = only(version);
            auto [connected, accepted] = co_await when_all(
                [](tcp_stream s, tls::client_options o) -> task<result<void>> {
                    tls::client_handshake handshake{std::move(s), std::move(o)};
                    for (int given_up = 0;; ++given_up) {
                        auto r = co_await with_timeout(handshake.finish(), 50us);
                        if (error_of(r) == copoll::errc::timed_out && given_up < 10'000) continue;
                        auto secure = co_await check(std::move(r));
                        const std::byte one{};
                        co_return (co_await write_all(secure, std::span(&one, 1))).status();
                    }
                }(std::move(client), as_client),
                [](tcp_stream s) -> task<result<void>> {
                    tls::server_handshake handshake{std::move(s), as_example()};
                    for (int given_up = 0;; ++given_up) {
                        auto r = co_await with_timeout(handshake.finish(), 50us);
                        if (error_of(r) == copoll::errc::timed_out && given_up < 10'000) continue;
                        auto secure = co_await check(std::move(r));
                        std::byte one{};
                        co_return (co_await read_exactly(secure, std::span(&one, 1))).status();
                    }
                }(std::move(server)));
            CHECK(error_of(connected) == no_error);
            CHECK(error_of(accepted) == no_error);
        }
        co_return {};
    }());
}

namespace {

task<result<tls::client_connection>> present_one_of_two(tls::client_handshake handshake) {
    auto request = co_await check(handshake.receive_client_identity_request());
    REQUIRE(request.has_value());
    REQUIRE(request->authorities().size() == 1);
    CHECK(request->authorities()[0].size() > 2);
    CHECK(request->authorities()[0][0] == std::byte{0x30});  // a SEQUENCE of DER
    request->respond({identity_of(pem::client_unknown_issuer_key, pem::client_unknown_issuer_chain),
                      client_one()});
    co_return co_await handshake.finish();
}

}  // namespace

TEST_CASE("tls: of several identities a client presents one of an authority that is asked for") {
    run_test([]() -> task<result<void>> {
        auto client = to_example();
        client.protocol = only(tls::protocol_version::tls1_2);  // our server names none in 1.3
        auto server = as_example();
        server.authenticate = tls::client_authentication::required;
        server.client_roots = roots_of(pem::root_ca);
        auto [at_client, at_server] = co_await check(connected_pair());
        tls::client_handshake handshake{std::move(at_client), std::move(client)};
        auto [connected, accepted] =
            co_await when_all(present_one_of_two(std::move(handshake)),
                              tls::accept(std::move(at_server), std::move(server)));
        CHECK(connected.has_value());
        REQUIRE(accepted.has_value());
        CHECK(accepted->client_identity() == client_one().identity());
        co_return {};
    }());
}

TEST_CASE("tls: a server of TLS 1.2 that signs as TLS 1.3 alone does has nothing in common") {
    run_test([]() -> task<result<void>> {
        auto server = serving(rsa_server());
        server.protocol.signature_schemes = {tls::signature_scheme::rsa_pss_rsae_sha256};
        auto client = to_example();
        auto newer = co_await check(shake_hands(client, server));
        CHECK(newer.client.has_value());
        client.protocol = only(tls::protocol_version::tls1_2);
        auto older = co_await check(shake_hands(client, server));
        CHECK(error_of(older.server) == tls::errc::no_common_parameters);
        CHECK(error_of(older.client) == alert::handshake_failure);
        co_return {};
    }());
}
