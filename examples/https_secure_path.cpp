// SPDX-License-Identifier: MIT OR Apache-2.0
// An HTTPS server that asks who the client is only when it wants to see /secure: after the
// handshake, when the path is known.

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/tls/server.hpp>

#include "support/command_line.hpp"
#include "support/tls_files.hpp"

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>

using namespace copoll;
using namespace std::chrono_literals;

namespace {

constexpr const char* usage =
    "usage: https_secure_path --cert FILE --key FILE --client-ca FILE [--listen ADDR:PORT]\n"
    "\n"
    "Serves everybody, and /secure to clients with a certificate, which it asks for then.\n"
    "\n"
    "  --listen ADDR:PORT   where to listen (default 127.0.0.1:8443); port 0 takes a free one\n"
    "  --cert FILE          certificate chain in PEM, the server's own first\n"
    "  --key FILE           its private key\n"
    "  --client-ca FILE     the roots of client certificates\n"
    "  --help               this text\n";

struct response {
    const char* status;
    std::string body;
};

task<result<response>> answer(tls::server_connection& peer, bool secure) {
    if (!secure) co_return response{"200 OK", "hello, whoever you are\n"};
    auto client = peer.client_identity();
    if (!client) {
        // TLS 1.3: post-handshake authentication. TLS 1.2: a renegotiation.
        auto asked = co_await with_timeout(peer.request_client_identity(), 30s);
        const std::error_code ec = asked ? std::error_code{} : asked.error();
        if (ec == errc::not_supported || ec == tls::errc::renegotiation_refused)
            co_return response{"403 Forbidden", "your client cannot say who you are\n"};
        client = co_await check(std::move(asked));
    }
    if (!client) co_return response{"403 Forbidden", "you have no certificate\n"};
    co_return response{"200 OK", "hello, " + client->leaf().subject + "\n"};
}

/// A connection asks as often as it likes; who the client is needs to be asked only once.
task<result<void>> session(tcp_stream tcp, const tls::server_options& options) {
    auto peer = co_await check(tls::accept(std::move(tcp), options));
    buffer input{16 * 1024};
    for (;;) {
        const auto head = co_await with_timeout(read_until(peer, input, "\r\n\r\n"), 30s);
        if (head.ec == errc::eof && input.empty()) co_return co_await peer.shutdown();
        if (head.ec) co_return fail(head.ec);
        const bool secure = input.text().starts_with("GET /secure ");
        input.consume(head.n);
        const response r = co_await check(answer(peer, secure));
        const std::string text = "HTTP/1.1 " + std::string(r.status) +
                                 "\r\nContent-Type: text/plain\r\nContent-Length: " +
                                 std::to_string(r.body.size()) + "\r\n\r\n" + r.body;
        co_await check(write_all(peer, bytes_of(text)));
    }
}

task<result<void>> serve(scope& sessions, tcp_listener& listener,
                         const tls::server_options& options) {
    for (;;) {
        auto tcp = co_await check(listener.accept());
        sessions.spawn(session, std::move(tcp), std::cref(options));
    }
}

}  // namespace

task<result<void>> async_main(args a) {
    ip::endpoint listen{ip::loopback_v4, 8443};
    std::string cert, key, client_ca;
    examples::command_line line{"https_secure_path", usage};
    line.option("listen", "an ADDR:PORT", examples::into(listen))
        .option("cert", "a FILE", examples::into(cert))
        .option("key", "a FILE", examples::into(key))
        .option("client-ca", "a FILE", examples::into(client_ca));
    if (!co_await check(line.parse(a))) co_return {};
    if (cert.empty() || key.empty() || client_ca.empty()) {
        std::fputs(usage, stderr);
        co_return fail(errc::usage);
    }
    tls::server_options options;
    options.identities.push_back(co_await check(examples::read_identity(cert, key)));
    options.client_roots = co_await check(examples::read_roots(client_ca));
    options.tickets = tls::ticket_keys{};
    auto listener = co_await check(tcp_listener::bind(listen, {.backlog = 1024}));
    const auto at = co_await check(listener.local_endpoint());
    std::printf("listening on %s\n", ip::to_string(at).c_str());
    std::fflush(stdout);
    co_return co_await with_scope(serve, listener, std::cref(options));
}
