// SPDX-License-Identifier: MIT OR Apache-2.0
// The code of docs/tls.md, so that it compiles. A test holds each block there against this file.

#include <copoll/connect.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/tls/client.hpp>
#include <copoll/tls/server.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace copoll;
using namespace std::chrono_literals;

std::string read_file(std::string_view name);
bool is_acceptable(const tls::certificate& leaf);

/// Connecting
task<result<void>> get() {
    auto tcp = co_await check(connect("example.com", 443));
    tls::client_options options;
    options.server_name = "example.com";
    auto server = co_await check(tls::connect(std::move(tcp), std::move(options)));

    co_await check(write_all(server, bytes_of("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")));
    buffer response;
    co_await check(read_until(server, response, "\r\n\r\n"));
    std::printf("%.*s", static_cast<int>(response.size()), response.text().data());
    co_return co_await server.shutdown();
}

/// Serving
task<result<void>> session(tcp_stream tcp, const tls::server_options& options) {
    auto client = co_await check(tls::accept(std::move(tcp), options));
    buffer request;
    co_await check(read_until(client, request, "\r\n\r\n"));
    co_await check(write_all(client, bytes_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")));
    co_return co_await client.shutdown();
}

task<result<void>> accept_all(scope& sessions, tcp_listener& listener,
                              const tls::server_options& options) {
    for (;;) {
        auto tcp = co_await check(listener.accept());
        sessions.spawn(session, std::move(tcp), std::cref(options));
    }
}

task<result<void>> serve() {
    tls::server_options options;
    options.identities.push_back(co_await check(tls::private_identity::parse(
        read_file("server.key"), read_file("server.crt"))));
    auto listener = co_await check(tcp_listener::bind({ip::any_v4, 443}));
    co_return co_await with_scope(accept_all, listener, std::cref(options));
}

/// A client, step by step
task<result<void>> get_step_by_step(tls::private_identity mine) {
    auto tcp = co_await check(connect("example.com", 443));
    tls::client_handshake handshake{std::move(tcp), "example.com"};
    handshake.configure_alpn_ids({"h2", "http/1.1"});

    // the chain is verified, and the name; this comes in addition
    auto server = co_await check(handshake.verify_server_identity());
    if (!is_acceptable(server.leaf()))
        co_return co_await handshake.abort(tls::alert::access_denied);

    if (auto request = co_await check(handshake.receive_client_identity_request()))
        request->respond({mine});

    auto connection = co_await check(handshake.finish());
    std::printf("%s, %s, %s\n", name_of(connection.version()).data(),
                name_of(connection.cipher_suite()).data(),
                std::string(connection.alpn_id().value_or("no ALPN")).c_str());
    co_return co_await connection.shutdown();
}

/// A server, step by step
struct two_hosts {
    tls::private_identity com, org;
    tls::trust_anchors client_roots;
};

task<result<tls::server_connection>> welcome(tcp_stream tcp, const two_hosts& hosts) {
    tls::server_handshake handshake{std::move(tcp)};

    auto hello = co_await check(handshake.receive_client_hello());
    const bool org = hello.server_name() == "example.org";
    handshake.configure_identities({org ? hosts.org : hosts.com});
    handshake.configure_alpn_ids({"h2", "http/1.1"});

    handshake.options().client_roots = hosts.client_roots;
    if (auto client = co_await check(handshake.request_client_identity())) {
        if (!is_acceptable(client->leaf())) {
            co_await check(handshake.abort(tls::alert::access_denied));
            co_return fail(tls::errc::certificate_refused);
        }
    }
    co_return co_await handshake.finish();
}

/// Asking later
task<result<bool>> may_see(tls::server_connection& connection, std::string_view request) {
    if (!request.starts_with("GET /secure") || connection.client_identity()) co_return true;
    auto client = co_await connection.request_client_identity();
    const std::error_code ec = client ? std::error_code{} : client.error();
    if (ec == errc::not_supported || ec == tls::errc::renegotiation_refused) co_return false;
    co_return (co_await check(std::move(client))).has_value();
}

/// Trust
task<result<tls::trust_anchors>> whom_to_trust() {
    auto roots = co_await check(tls::system_roots());
    co_await check(roots.add(read_file("our-own-root.pem")));
    co_await check(roots.add_revocation_list(read_file("revoked.crl")));
    co_return roots;
}

tls::client_options to_a_machine_with_its_own_certificate() {
    tls::client_options options;
    options.verify = tls::verification::left_to_application;
    return options;
}

task<result<tls::client_connection>> pinned(tcp_stream tcp, std::span<const std::byte> pin) {
    auto options = to_a_machine_with_its_own_certificate();
    tls::client_handshake handshake{std::move(tcp), std::move(options)};
    auto server = co_await check(handshake.verify_server_identity());
    if (!std::ranges::equal(server.leaf().sha256, pin)) {
        co_await check(handshake.abort(tls::alert::bad_certificate));
        co_return fail(tls::errc::certificate_refused);
    }
    co_return co_await handshake.finish();
}

/// Resumption
struct client_sessions {
    std::map<std::string, tls::session> kept;

    void use_in(tls::client_options& options) {
        if (const auto at = kept.find(options.server_name); at != kept.end())
            options.resume = at->second;
        options.on_session = [this](tls::session s) { kept.insert_or_assign(s.server_name(), s); };
    }
};

task<result<void>> rotate_daily(tls::ticket_keys keys) {
    for (;;) {
        co_await check(sleep_for(24h));
        keys.rotate();
    }
}

/// Early data
task<result<void>> ask_ahead(tcp_stream tcp, tls::client_options options,
                             std::string_view request) {
    tls::client_handshake handshake{std::move(tcp), std::move(options)};
    const auto ahead = co_await handshake.write_early_data(bytes_of(request));
    if (ahead.ec && ahead.ec != errc::not_supported) co_return fail(ahead.ec);
    auto connection = co_await check(handshake.finish());
    if (connection.early_data() == tls::early_data::accepted) request.remove_prefix(ahead.n);
    co_await check(write_all(connection, bytes_of(request)));
    co_return co_await connection.shutdown();
}

/// Errors
void explain(std::error_code ec) {
    if (ec == errc::eof)
        std::puts("the peer has closed the connection");
    else if (ec == tls::errc::truncated)
        std::puts("something cut the connection: what came may not be all");
    else if (ec.category() == tls::alert_category())
        std::puts("the peer refused, and said why");
    else if (ec.category() == tls::category())
        std::puts("refused here; the peer was told");
    else
        std::puts("the transport failed");
}

/// Key log
tls::key_log log_keys_to(std::FILE* file) {
    return [file](std::string_view line) {
        std::fprintf(file, "%.*s\n", static_cast<int>(line.size()), line.data());
    };
}
