// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A libp2p node that answers `/echo/1.0.0` and `/perf/1.0.0` wrongly: for tests that `p2p_load`
// finds each kind of fault.
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/echo.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/p2p/perf.hpp>

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>

#include "../../examples/support/command_line.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: p2p_faulty [--listen ADDR:PORT] [--fault KIND]\n"
    "\n"
    "A libp2p node that answers /echo/1.0.0 and /perf/1.0.0 wrongly.\n"
    "\n"
    "  --listen ADDR:PORT  where to listen (default 127.0.0.1:0); port 0 takes a free one\n"
    "  --fault KIND        wrong-byte, missing-byte or extra-byte (default wrong-byte)\n"
    "  --help              this text\n";

const std::vector<std::string> served{p2p::echo_protocol, p2p::perf_protocol};

enum class fault { wrong_byte, missing_byte, extra_byte };

bool set_fault(fault& to, std::string_view text) {
    if (text == "wrong-byte") to = fault::wrong_byte;
    else if (text == "missing-byte") to = fault::missing_byte;
    else if (text == "extra-byte") to = fault::extra_byte;
    else return false;
    return true;
}

/// At the end of `bytes`; there is none to change or to leave out if they are empty.
void spoil(std::vector<std::byte>& bytes, fault how) {
    if (how == fault::extra_byte) bytes.push_back({});
    else if (bytes.empty()) return;
    else if (how == fault::missing_byte) bytes.pop_back();
    else bytes.back() ^= std::byte{1};
}

task<result<void>> answer_echo(p2p::stream peer, fault how) {
    for (;;) {
        const auto got = co_await peer.read_chunk();
        if (!got && got.error() == errc::eof) co_return co_await peer.shutdown_write();
        if (!got) co_return fail(got.error());
        const std::span<const std::byte> came{*got};
        std::vector<std::byte> back{came.begin(), came.end()};
        spoil(back, how);
        co_await check(write_all(peer, back));
    }
}

task<result<void>> answer_perf(p2p::stream peer, fault how) {
    std::array<std::byte, 8> wanted{};
    co_await check(read_exactly(peer, wanted));
    std::uint64_t size = 0;
    for (const std::byte b : wanted) size = size << 8 | std::to_integer<std::uint64_t>(b);
    for (;;) {
        const auto got = co_await peer.read_chunk();
        if (!got && got.error() == errc::eof) break;
        if (!got) co_return fail(got.error());
    }
    std::vector<std::byte> zeros(static_cast<std::size_t>(size));
    spoil(zeros, how);
    co_await check(write_all(peer, zeros));
    co_return co_await peer.shutdown_write();
}

task<result<void>> serve_stream(p2p::stream peer, fault how) {
    co_await check(peer.negotiate(served));
    if (peer.protocol() == p2p::perf_protocol) co_return co_await answer_perf(std::move(peer), how);
    co_return co_await answer_echo(std::move(peer), how);
}

task<result<void>> accept_streams(scope& streams, p2p::connection& peer, fault how) {
    for (;;) {
        auto s = co_await peer.accept();
        if (!s && s.error() == errc::eof) co_return {};
        streams.spawn(serve_stream, co_await check(std::move(s)), how);
    }
}

task<result<void>> serve(p2p::connection& peer, fault how) {
    co_return co_await with_scope(accept_streams, peer, how);
}

task<void> serve_connection(tcp_stream tcp, p2p::identity own, fault how) {
    auto peer = co_await p2p::accept(std::move(tcp), own);
    const auto done = peer ? co_await p2p::with_connection(*peer, serve, how) : fail(peer.error());
    if (!done) std::fprintf(stderr, "connection: %s\n", done.error().message().c_str());
}

task<result<void>> accept_connections(scope& connections, tcp_listener& listener,
                                      p2p::identity own, fault how) {
    for (;;) {
        auto tcp = co_await check(listener.accept());
        connections.spawn(serve_connection, std::move(tcp), own, how);
    }
}

}  // namespace

task<result<void>> async_main(args a) {
    ip::endpoint listen{ip::loopback_v4, 0};
    fault how = fault::wrong_byte;
    examples::command_line line{"p2p_faulty", usage};
    line.option("listen", "an ADDR:PORT", examples::into(listen))
        .option("fault", "a kind of fault",
                [&how](std::string_view text) { return set_fault(how, text); });
    if (!co_await check(line.parse(a))) co_return {};
    const p2p::identity own{p2p::private_key::generate_ed25519()};
    auto listener = co_await check(tcp_listener::bind(listen));
    const auto at = co_await check(listener.local_endpoint());
    const auto address = p2p::multiaddr::tcp(at).encapsulate(p2p::multiaddr::p2p(own.id()));
    std::printf("listening on %s\n", address.to_string().c_str());
    std::fflush(stdout);
    co_return co_await with_scope(accept_connections, std::ref(listener), own, how);
}
