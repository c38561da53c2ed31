// SPDX-License-Identifier: MIT OR Apache-2.0
// A netcat: standard input to a socket, the socket to standard output.

#include <copoll/connect.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>

#include "support/command_line.hpp"

#include <chrono>
#include <functional>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: tcp_client [--timeout SECONDS] HOST:PORT\n"
    "\n"
    "Sends standard input to HOST:PORT and prints what comes back, until the peer ends. HOST is a\n"
    "name or an address; one of IPv6 stands in brackets.\n"
    "\n"
    "  --timeout SECONDS  how long connecting may take (default 30)\n"
    "  --help             this text\n";

/// The end of the input is passed on as the end of our half of the connection.
task<result<void>> send(stdin_stream& input, tcp_stream& peer) {
    co_await check(copy(input, peer));
    co_return co_await peer.shutdown_write();
}

task<result<void>> converse(scope& s, tcp_stream& peer) {
    loop& owner = *(co_await this_env{}).owner;
    stdin_stream input{owner};
    stdout_stream output{owner};
    s.spawn(send, std::ref(input), std::ref(peer));
    const copy_result received = co_await copy(peer, output);
    s.request_stop();  // the peer has ended: what is typed now goes nowhere
    co_await s.join();
    co_return received.status();
}

}  // namespace

task<result<void>> async_main(args a) {
    host_port to;
    int seconds = 30;
    examples::command_line line{"tcp_client", usage};
    line.argument("a HOST:PORT", examples::into(to))
        .option("timeout", "a number of seconds", examples::into(seconds, 1, 1'000'000));
    if (!co_await check(line.parse(a))) co_return {};
    connect_options options;
    options.timeout = std::chrono::seconds{seconds};
    auto peer = co_await check(connect(to.host, to.port, options));
    co_return co_await with_scope(converse, peer);
}
