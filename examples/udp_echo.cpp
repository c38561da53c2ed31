// SPDX-License-Identifier: MIT OR Apache-2.0
// Sends each datagram back to where it came from.

#include <copoll/run.hpp>
#include <copoll/udp.hpp>

#include "support/command_line.hpp"

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

}  // namespace

task<result<void>> async_main(args a) {
    ip::endpoint listen{ip::loopback_v4, 8080};
    examples::command_line line{"udp_echo", usage};
    line.option("listen", "an ADDR:PORT", examples::into(listen));
    if (!co_await check(line.parse(a))) co_return {};
    auto socket = co_await check(udp_socket::bind(listen));
    const auto at = co_await check(socket.local_endpoint());
    std::printf("listening on %s\n", ip::to_string(at).c_str());
    std::fflush(stdout);
    co_return co_await serve(socket);
}
