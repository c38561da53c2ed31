// SPDX-License-Identifier: MIT OR Apache-2.0
// A netcat: standard input to a socket, the socket to standard output.

#include <copoll/connect.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>

#include <getopt.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string_view>

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

struct options {
    host_port to{};
    connect_options connecting{};
    bool help = false;
};

result<std::chrono::seconds> parse_seconds(std::string_view text) {
    constexpr int most = 1'000'000;
    int seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds < 1 || seconds > most)
        return fail(errc::parse_error);
    return std::chrono::seconds{seconds};
}

result<options> parse(args a) {
    static constexpr option known[] = {
        {"timeout", required_argument, nullptr, 't'}, {"help", no_argument, nullptr, 'h'}, {}};
    options o;
    for (int c; (c = getopt_long(a.argc(), a.argv(), "", known, nullptr)) != -1;) {
        if (c == 'h') {
            o.help = true;
            return o;
        }
        if (c != 't') return fail(errc::usage);
        const auto timeout = parse_seconds(optarg);
        if (!timeout) {
            std::fprintf(stderr, "tcp_client: not a number of seconds: %s\n", optarg);
            return fail(errc::usage);
        }
        o.connecting.timeout = *timeout;
    }
    if (optind + 1 != a.argc()) return fail(errc::usage);
    auto to = host_port::parse(a.argv()[optind]);
    if (!to) {
        std::fprintf(stderr, "tcp_client: not a HOST:PORT: %s\n", a.argv()[optind]);
        return fail(errc::usage);
    }
    o.to = *std::move(to);
    return o;
}

}  // namespace

task<result<void>> async_main(args a) {
    const auto o = parse(a);
    if (!o) std::fputs(usage, stderr);
    const options chosen = co_await check(o);
    if (chosen.help) {
        std::fputs(usage, stdout);
        co_return {};
    }
    auto peer = co_await check(connect(chosen.to.host, chosen.to.port, chosen.connecting));
    co_return co_await with_scope(converse, peer);
}
