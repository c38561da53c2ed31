// SPDX-License-Identifier: MIT OR Apache-2.0
// A small curl: GET over HTTPS. What was negotiated goes to stderr, the answer to stdout. Or a
// netcat: standard input to the server, and what it sends to standard output.

#include <copoll/connect.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/tls/client.hpp>

#include "support/command_line.hpp"
#include "support/files.hpp"
#include "support/negotiated.hpp"
#include "support/tls_files.hpp"
#include "support/tls_options.hpp"

#include <cstddef>
#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: tls_client HOST:PORT [OPTIONS]\n"
    "\n"
    "Sends an HTTP GET over TLS and prints the answer; what was negotiated is printed on stderr.\n"
    "\n"
    "  --ca FILE            roots to trust, in PEM (default: those of the system)\n"
    "  --insecure           take any certificate, and tell on stderr what is wrong with it\n"
    "  --server-name NAME   whose certificate it must be (default: HOST)\n"
    "  --path PATH          what to get (default /)\n"
    "  --stdin              send standard input instead\n"
    "  --update-keys        send with new keys, and have the server do so (TLS 1.3)\n"
    "  --alpn A,B           application protocols to offer, the best first\n"
    "  --cert FILE,FILE     client certificate chains, for a server that asks; of several the one\n"
    "                       that it takes\n"
    "  --key FILE,FILE      their private keys\n"
    "  --renegotiate        in TLS 1.2, let the server ask for it at any time\n"
    "  --session FILE       resume the session that is kept there, and keep the next one there\n"
    "  --early-data         ask ahead of the handshake if that session allows it: for what\n"
    "                       does no harm if somebody sends it again\n"
    "  --tls 1.2|1.3        speak that version only\n"
    "  --groups A,B         for the key exchange: x25519, secp256r1, secp384r1, secp521r1\n"
    "  --trace              tell on stderr what goes over the wire\n"
    "  --keylog FILE        append the secrets, for Wireshark\n"
    "  --help               this text\n";

struct options {
    host_port to{};
    std::string ca{}, path = "/", session{}, key_log{};
    std::vector<std::string> certs{}, keys{};
    bool insecure = false, from_stdin = false, update_keys = false, early_data = false;
};

std::string request_of(const options& o, const std::string& host) {
    return "GET " + o.path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
}

/// Sends what is left of the request, and prints the answer.
task<result<void>> get(tls::client_connection& peer, std::string_view request) {
    const auto sent = co_await write_all(peer, bytes_of(request));
    stdout_stream output{*(co_await this_env{}).owner};
    co_await check(copy(peer, output));  // a server that does not want the request says why
    co_return sent.status();
}

/// The end of the input is passed on as the end of our half of the connection.
task<result<void>> send(stdin_stream& input, tls::client_connection& peer) {
    co_await check(copy(input, peer));
    co_return co_await peer.shutdown_write();
}

task<result<void>> forward(scope& s, tls::client_connection& peer) {
    loop& owner = *(co_await this_env{}).owner;
    stdin_stream input{owner};
    stdout_stream output{owner};
    s.spawn(send, std::ref(input), std::ref(peer));
    const copy_result received = co_await copy(peer, output);
    s.request_stop();  // the peer has ended: what is typed now goes nowhere
    co_await s.join();
    co_return received.status();
}

task<result<void>> talk(tls::client_connection& peer, const options& o,
                        std::string_view request) {
    if (o.update_keys) co_await check(peer.update_keys());
    if (o.from_stdin) co_return co_await with_scope(forward, std::ref(peer));
    co_return co_await get(peer, request);
}

/// Sends what it may of the request ahead; `request` is what is left of it then.
task<result<tls::client_connection>> connect_with(std::string_view& request, tcp_stream tcp,
                                                  tls::client_options with) {
    tls::client_handshake handshake{std::move(tcp), std::move(with)};
    const auto ahead = co_await handshake.write_early_data(bytes_of(request));
    if (ahead.ec && ahead.ec != errc::not_supported) co_return fail(ahead.ec);
    auto peer = co_await check(handshake.finish());
    if (peer.early_data() == tls::early_data::accepted) request.remove_prefix(ahead.n);
    co_return std::move(peer);
}

task<result<tls::client_connection>> secure(std::string_view& request, const options& o,
                                            tcp_stream tcp, tls::client_options with) {
    if (o.from_stdin || !o.early_data)
        co_return co_await tls::connect(std::move(tcp), std::move(with));
    const auto patience = with.handshake_timeout;
    co_return co_await with_timeout(connect_with(request, std::move(tcp), std::move(with)),
                                    patience);
}

/// What a file holds that an earlier run kept; nothing if there is none yet.
result<std::optional<tls::session>> read_session(const std::string& path) {
    const auto kept = examples::read_file(path);
    if (!kept) return std::nullopt;
    auto session = tls::session::parse(bytes_of(*kept));
    if (!session) return fail(examples::about(path, session.error()));
    return *std::move(session);
}

}  // namespace

task<result<void>> async_main(args a) {
    options o;
    tls::client_options with;
    bool trace = false;
    examples::command_line line{"tls_client", usage};
    line.argument("a HOST:PORT", examples::into(o.to))
        .option("ca", "a FILE", examples::into(o.ca))
        .flag("insecure", o.insecure)
        .option("server-name", "a NAME", examples::into(with.server_name))
        .option("path", "a PATH", examples::into(o.path))
        .flag("stdin", o.from_stdin)
        .flag("update-keys", o.update_keys)
        .option("alpn", "a list", examples::into(with.alpn))
        .option("cert", "a FILE", examples::into(o.certs))
        .option("key", "a FILE", examples::into(o.keys))
        .flag("renegotiate", with.allow_renegotiation)
        .option("session", "a FILE", examples::into(o.session))
        .flag("early-data", o.early_data)
        .option("tls", "a version of TLS", examples::only_version(with.protocol))
        .option("groups", "a list of groups", examples::groups(with.protocol))
        .flag("trace", trace)
        .option("keylog", "a FILE", examples::into(o.key_log));
    if (!co_await check(line.parse(a))) co_return {};
    if (o.certs.size() != o.keys.size()) {
        std::fputs(usage, stderr);
        co_return fail(errc::usage);
    }

    if (with.server_name.empty()) with.server_name = o.to.host;
    const std::string host = with.server_name;
    if (!o.ca.empty()) with.roots = co_await check(examples::read_roots(o.ca));
    if (trace)
        with.trace = [](std::string_view told) {
            std::fprintf(stderr, "%.*s\n", static_cast<int>(told.size()), told.data());
        };
    if (o.insecure) with.verify = tls::verification::left_to_application;
    for (std::size_t i = 0; i < o.certs.size(); ++i) {
        auto identity = co_await check(examples::read_identity(o.certs[i], o.keys[i]));
        with.identities.push_back(std::move(identity));
    }
    if (!o.key_log.empty()) with.keys = co_await check(examples::log_keys(o.key_log));
    std::optional<tls::session> next;
    if (!o.session.empty()) {
        with.resume = co_await check(read_session(o.session));
        with.on_session = [&next](tls::session s) { next = std::move(s); };
    }

    auto tcp = co_await check(connect(o.to.host, o.to.port));
    const std::string whole_request = request_of(o, host);
    std::string_view request = whole_request;
    auto peer = co_await check(secure(request, o, std::move(tcp), std::move(with)));
    std::fputs(examples::negotiated(peer).c_str(), stderr);
    const auto done = co_await talk(peer, o, request);
    if (next) co_await check(examples::write_file(o.session, next->serialize()));
    co_await check(done);
    const auto closed = co_await peer.shutdown();
    static_cast<void>(closed);  // it has said all that it had to say
    co_return {};
}
