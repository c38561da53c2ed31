// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Connects to a libp2p node, sends one byte to its echo and says so when it is back: what scenario
// `p2p` counts the round trips of.
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/multiaddr.hpp>

#include <copoll/connect.hpp>
#include <copoll/run.hpp>
#include <copoll/stream.hpp>

#include "../../examples/support/command_line.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: p2p_dial MULTIADDR\n"
    "\n"
    "Connects to a libp2p node, sends one byte on /echo/1.0.0, and prints 'OK byte' when it is\n"
    "back.\n"
    "\n"
    "  --help  this text\n";

task<result<void>> send_byte(p2p::connection& peer) {
    auto echo = co_await check(peer.open("/echo/1.0.0"));
    const std::array there{std::byte{7}};
    std::array<std::byte, 1> back{};
    co_await check(write_all(echo, there));
    co_await check(read_exactly(echo, back));
    if (back != there) co_return fail(std::make_error_code(std::errc::illegal_byte_sequence));
    std::puts("OK byte");
    std::fflush(stdout);
    co_return co_await echo.shutdown_write();
}

}  // namespace

task<result<void>> async_main(args a) {
    std::string address;
    examples::command_line line{"p2p_dial", usage};
    line.argument("a multiaddr", examples::into(address));
    if (!co_await check(line.parse(a))) co_return {};
    const auto to = co_await check(p2p::multiaddr::parse(address));
    const auto endpoint = to.tcp_endpoint();
    if (!endpoint) co_return fail(errc::not_supported);
    p2p::connection_options options;
    options.expected_peer = to.peer();
    std::vector<ip::endpoint> at{*endpoint};
    const p2p::identity own{p2p::private_key::generate_ed25519()};
    auto tcp = co_await check(connect(std::move(at)));
    auto peer = co_await check(p2p::connect(std::move(tcp), own, options));
    co_return co_await p2p::with_connection(peer, send_byte);
}
