// SPDX-License-Identifier: MIT OR Apache-2.0
// A netcat: standard input to a socket, the socket to standard output.

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>

#include <getopt.h>

#include <chrono>
#include <cstdio>
#include <functional>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: tcp_client ADDR:PORT\n"
    "\n"
    "Sends standard input to ADDR:PORT and prints what comes back, until the peer ends.\n"
    "\n"
    "  --help  this text\n";

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

result<ip::endpoint> parse(args a, bool& help) {
    static constexpr option known[] = {{"help", no_argument, nullptr, 'h'}, {}};
    for (int c; (c = getopt_long(a.argc(), a.argv(), "", known, nullptr)) != -1;) {
        if (c != 'h') return fail(errc::usage);
        help = true;
        return ip::endpoint{};
    }
    if (optind + 1 != a.argc()) return fail(errc::usage);
    const auto to = ip::endpoint::parse(a.argv()[optind]);
    if (!to) {
        std::fprintf(stderr, "tcp_client: not an ADDR:PORT: %s\n", a.argv()[optind]);
        return fail(errc::usage);
    }
    return to;
}

}  // namespace

task<result<void>> async_main(args a) {
    bool help = false;
    const auto parsed = parse(a, help);
    if (!parsed || help) std::fputs(usage, help ? stdout : stderr);
    const ip::endpoint to = co_await check(parsed);
    if (help) co_return {};
    auto peer = co_await check(with_timeout(tcp_stream::connect(to), std::chrono::seconds{30}));
    co_return co_await with_scope(converse, peer);
}
