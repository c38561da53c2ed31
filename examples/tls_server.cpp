// SPDX-License-Identifier: MIT OR Apache-2.0
// An HTTPS server that answers every GET with what was negotiated, or a TLS echo server.

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/tls/server.hpp>

#include "support/command_line.hpp"
#include "support/negotiated.hpp"
#include "support/tls_files.hpp"
#include "support/tls_options.hpp"

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
    "  --cert FILE,FILE     certificate chains in PEM, the server's own first; of several the one\n"
    "                       that fits the client's wishes is taken\n"
    "  --key FILE,FILE      their private keys\n"
    "  --alpn A,B           application protocols, the best first\n"
    "  --client-ca FILE     clients must present a certificate of one of these roots\n"
    "  --client-optional    clients without one are served, too\n"
    "  --tls 1.2|1.3        speak that version only\n"
    "  --groups A,B         for the key exchange: x25519, secp256r1, secp384r1, secp521r1\n"
    "  --early-data N       take up to N bytes ahead of the handshake from clients that resume\n"
    "  --no-tickets         don't let clients resume\n"
    "  --keylog FILE        append the secrets, for Wireshark\n"
    "  --echo               echo what comes instead\n"
    "  --verbose            tell on stderr how each connection failed\n"
    "  --help               this text\n";

/// What all connections share.
struct service {
    tls::server_options tls;
    bool echo = false;
    bool verbose = false;
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

task<result<void>> converse(tcp_stream tcp, const service& with) {
    auto peer = co_await check(tls::accept(std::move(tcp), with.tls));
    if (with.echo)
        co_await check(copy(peer, peer));
    else
        co_await check(answer(peer));
    co_return co_await peer.shutdown();
}

/// What happens to one connection is no affair of the others.
task<void> session(tcp_stream tcp, const service& with) {
    const auto done = co_await converse(std::move(tcp), with);
    if (!done && with.verbose)
        std::fprintf(stderr, "tls_server: %s\n", done.error().message().c_str());
}

task<result<void>> serve(scope& sessions, tcp_listener& listener, const service& with) {
    for (;;) {
        auto tcp = co_await check(listener.accept());
        sessions.spawn(session, std::move(tcp), std::cref(with));
    }
}

}  // namespace

task<result<void>> async_main(args a) {
    ip::endpoint listen{ip::loopback_v4, 8443};
    std::vector<std::string> certs, keys;
    std::string client_ca, key_log;
    bool client_optional = false, no_tickets = false;
    service with;
    examples::command_line line{"tls_server", usage};
    line.option("listen", "an ADDR:PORT", examples::into(listen))
        .option("cert", "a FILE", examples::into(certs))
        .option("key", "a FILE", examples::into(keys))
        .option("alpn", "a list", examples::into(with.tls.alpn))
        .option("client-ca", "a FILE", examples::into(client_ca))
        .flag("client-optional", client_optional)
        .option("tls", "a version of TLS", examples::only_version(with.tls.protocol))
        .option("groups", "a list of groups", examples::groups(with.tls.protocol))
        .option("early-data", "a number up to 1 MiB",
                examples::into(with.tls.max_early_data, 0u, 1u << 20))
        .flag("no-tickets", no_tickets)
        .option("keylog", "a FILE", examples::into(key_log))
        .flag("echo", with.echo)
        .flag("verbose", with.verbose);
    if (!co_await check(line.parse(a))) co_return {};
    if (certs.empty() || certs.size() != keys.size()) {
        std::fputs(usage, stderr);
        co_return fail(errc::usage);
    }
    for (std::size_t i = 0; i < certs.size(); ++i) {
        auto identity = co_await check(examples::read_identity(certs[i], keys[i]));
        with.tls.identities.push_back(std::move(identity));
    }
    if (!no_tickets) with.tls.tickets = tls::ticket_keys{};
    if (!client_ca.empty()) {
        with.tls.client_roots = co_await check(examples::read_roots(client_ca));
        with.tls.authenticate = client_optional ? tls::client_authentication::requested
                                                : tls::client_authentication::required;
    }
    if (!key_log.empty()) with.tls.keys = co_await check(examples::log_keys(key_log));

    auto listener = co_await check(tcp_listener::bind(listen, {.backlog = 1024}));
    const auto at = co_await check(listener.local_endpoint());
    std::printf("listening on %s\n", ip::to_string(at).c_str());
    std::fflush(stdout);
    co_return co_await with_scope(serve, listener, std::cref(with));
}
