// SPDX-License-Identifier: MIT OR Apache-2.0
// Sends each datagram back to where it came from.

#include <copoll/run.hpp>
#include <copoll/udp.hpp>

#include <getopt.h>

#include <cstddef>
#include <cstdio>
#include <vector>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: udp_echo [--listen ADDR:PORT]\n"
    "\n"
    "Sends each datagram back to where it came from.\n"
    "\n"
    "  --listen ADDR:PORT  where to receive (default 127.0.0.1:8080); port 0 takes a free one\n"
    "  --help              this text\n";

task<result<void>> serve(udp_socket& socket) {
    std::vector<std::byte> buffer(64 * 1024);
    for (;;) {
        const auto question = co_await check(socket.receive_from(buffer));
        // One that cannot be answered is the affair of its sender.
        (void)co_await socket.send_to(question.bytes(), question.from);
    }
}

struct options {
    ip::endpoint listen{ip::loopback_v4, 8080};
    bool help = false;
};

result<options> parse(args a) {
    static constexpr option known[] = {
        {"listen", required_argument, nullptr, 'l'}, {"help", no_argument, nullptr, 'h'}, {}};
    options o;
    for (int c; (c = getopt_long(a.argc(), a.argv(), "", known, nullptr)) != -1;) {
        if (c == 'h') {
            o.help = true;
        } else if (c == 'l') {
            const auto at = ip::endpoint::parse(optarg);
            if (!at) {
                std::fprintf(stderr, "udp_echo: not an ADDR:PORT: %s\n", optarg);
                return fail(errc::usage);
            }
            o.listen = *at;
        } else {
            return fail(errc::usage);
        }
    }
    if (optind < a.argc()) {
        std::fprintf(stderr, "udp_echo: unexpected argument: %s\n", a.argv()[optind]);
        return fail(errc::usage);
    }
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
    auto socket = co_await check(udp_socket::bind(chosen.listen));
    const auto at = co_await check(socket.local_endpoint());
    std::printf("listening on %s\n", ip::to_string(at).c_str());
    std::fflush(stdout);
    co_return co_await serve(socket);
}
