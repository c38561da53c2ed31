// SPDX-License-Identifier: MIT OR Apache-2.0
// An HTTPS server that answers every GET with what was negotiated, or a TLS echo server.

#include <copoll/buffered.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/tls/server.hpp>

#include "support/command_line.hpp"
#include "support/files.hpp"
#include "support/negotiated.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace copoll;
using namespace std::chrono_literals;

namespace {

constexpr const char* usage =
    "usage: tls_server --cert FILE --key FILE [OPTIONS]\n"
    "\n"
    "Answers each HTTP GET over TLS with what was negotiated, as text.\n"
    "\n"
    "  --listen ADDR:PORT   where to listen (default 127.0.0.1:8443); port 0 takes a free one\n"
    "  --cert FILE          certificate chain in PEM, the server's own first\n"
    "  --key FILE           its private key\n"
    "  --alpn A,B           application protocols, the best first\n"
    "  --client-ca FILE     clients must present a certificate of one of these roots\n"
    "  --echo               echo what comes instead\n"
    "  --help               this text\n";

/// What all connections share.
struct service {
    tls::server_options tls;
    bool echo = false;
};

task<result<void>> answer(tls::server_connection& peer) {
    buffer request{16 * 1024};
    co_await check(with_timeout(read_until(peer, request, "\r\n\r\n"), 30s));
    const std::string body = examples::negotiated(peer);
    const bool get = request.text().starts_with("GET ");
    std::string text = get ? "HTTP/1.1 200 OK" : "HTTP/1.1 405 Method Not Allowed";
    text += "\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
    co_return (co_await write_all(peer, bytes_of(text))).status();
}

task<result<void>> session(tcp_stream tcp, const service& with) {
    auto peer = co_await check(tls::accept(std::move(tcp), with.tls));
    if (with.echo)
        co_await check(copy(peer, peer));
    else
        co_await check(answer(peer));
    co_return co_await peer.shutdown();
}

task<result<void>> serve(scope& sessions, tcp_listener& listener, const service& with) {
    for (;;) {
        auto tcp = co_await check(listener.accept());
        sessions.spawn(session, std::move(tcp), std::cref(with));
    }
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        parts.emplace_back(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return parts;
}

}  // namespace

task<result<void>> async_main(args a) {
    ip::endpoint listen{ip::loopback_v4, 8443};
    std::string cert, key, alpn, client_ca;
    service with;
    examples::command_line line{"tls_server", usage};
    line.option("listen", "an ADDR:PORT", examples::into(listen))
        .option("cert", "a FILE", examples::into(cert))
        .option("key", "a FILE", examples::into(key))
        .option("alpn", "a list", examples::into(alpn))
        .option("client-ca", "a FILE", examples::into(client_ca))
        .flag("echo", with.echo);
    if (!co_await check(line.parse(a))) co_return {};
    if (cert.empty() || key.empty()) {
        std::fputs(usage, stderr);
        co_return fail(errc::usage);
    }
    const std::string chain = co_await check(examples::read_file(cert));
    const std::string secret = co_await check(examples::read_file(key));
    with.tls.identities.push_back(co_await check(tls::private_identity::parse(secret, chain)));
    with.tls.alpn = split(alpn);
    with.tls.tickets = tls::ticket_keys{};
    if (!client_ca.empty()) {
        const std::string roots = co_await check(examples::read_file(client_ca));
        with.tls.client_roots = co_await check(tls::trust_anchors::parse(roots));
        with.tls.authenticate = tls::client_authentication::required;
    }
    auto listener = co_await check(tcp_listener::bind(listen, {.backlog = 1024}));
    const auto at = co_await check(listener.local_endpoint());
    std::printf("listening on %s\n", ip::to_string(at).c_str());
    std::fflush(stdout);
    co_return co_await with_scope(serve, listener, std::cref(with));
}
