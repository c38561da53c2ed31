// SPDX-License-Identifier: MIT OR Apache-2.0
// A small curl: GET over HTTPS. What was negotiated goes to stderr, the answer to stdout.

#include <copoll/connect.hpp>
#include <copoll/run.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/tls/client.hpp>

#include "support/command_line.hpp"
#include "support/files.hpp"
#include "support/negotiated.hpp"

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: tls_client HOST:PORT [OPTIONS]\n"
    "\n"
    "Sends an HTTP GET over TLS and prints the answer; what was negotiated is printed on stderr.\n"
    "\n"
    "  --ca FILE            roots to trust, in PEM (default: those of the system)\n"
    "  --server-name NAME   whose certificate it must be (default: HOST)\n"
    "  --path PATH          what to get (default /)\n"
    "  --alpn ID            the application protocol to offer\n"
    "  --cert FILE          client certificate chain, for a server that asks for one\n"
    "  --key FILE           its private key\n"
    "  --help               this text\n";

}  // namespace

task<result<void>> async_main(args a) {
    host_port to;
    std::string ca, path = "/", alpn, cert, key;
    tls::client_options with;
    examples::command_line line{"tls_client", usage};
    line.argument("a HOST:PORT",
                  [&to](std::string_view text) {
                      auto parsed = host_port::parse(text);
                      if (parsed) to = *std::move(parsed);
                      return parsed.has_value();
                  })
        .option("ca", "a FILE", examples::into(ca))
        .option("server-name", "a NAME", examples::into(with.server_name))
        .option("path", "a PATH", examples::into(path))
        .option("alpn", "an ID", examples::into(alpn))
        .option("cert", "a FILE", examples::into(cert))
        .option("key", "a FILE", examples::into(key));
    if (!co_await check(line.parse(a))) co_return {};

    if (with.server_name.empty()) with.server_name = to.host;
    if (!alpn.empty()) with.alpn = {alpn};
    if (!ca.empty()) {
        const std::string roots = co_await check(examples::read_file(ca));
        with.roots = co_await check(tls::trust_anchors::parse(roots));
    }
    if (!cert.empty()) {
        const std::string chain = co_await check(examples::read_file(cert));
        const std::string secret = co_await check(examples::read_file(key));
        with.identities.push_back(co_await check(tls::private_identity::parse(secret, chain)));
    }
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + with.server_name +
                                "\r\nConnection: close\r\n\r\n";

    auto tcp = co_await check(connect(to.host, to.port));
    auto peer = co_await check(tls::connect(std::move(tcp), std::move(with)));
    std::fputs(examples::negotiated(peer).c_str(), stderr);
    co_await check(write_all(peer, bytes_of(request)));
    const env& here = co_await this_env{};
    stdout_stream output{*here.owner};
    co_return (co_await copy(peer, output)).status();
}
