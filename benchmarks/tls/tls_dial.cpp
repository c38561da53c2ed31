// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The client's side of many handshakes: some connections at once, each a handshake with a verified
// server, one byte there and back, the end, and the next. Prints one line of JSON.
#include <copoll/clock.hpp>
#include <copoll/connect.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tls/client.hpp>

#include "../../examples/support/command_line.hpp"
#include "identity.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: tls_dial HOST:PORT [--connections N] [--milliseconds T] [--resume]\n"
    "\n"
    "Makes TLS 1.3 handshakes with an echo server until the time is over.\n"
    "\n"
    "  --connections N  at once (default 8)\n"
    "  --milliseconds T how long (default 1000); the first fifth does not count\n"
    "  --resume         each after the first of a connection with its session; only they count\n"
    "  --help           this text\n";

struct visits {
    host_port to{};
    tls::client_options with{};
    bool resume = false;
    clock::time_point counted_from{}, end{};
    std::uint64_t counted = 0;
    std::error_code error{};
};

task<result<void>> visit(visits& all, std::optional<tls::session>& session) {
    tls::client_options with = all.with;
    const bool resumes = session.has_value();
    if (all.resume) {
        with.resume = std::move(session);
        with.on_session = [&session](tls::session s) { session = std::move(s); };
    }
    auto tcp = co_await check(connect(all.to.host, all.to.port));
    auto peer = co_await check(tls::connect(std::move(tcp), std::move(with)));
    if (resumes && !peer.is_resumed()) co_return fail(tls::errc::session_malformed);
    const std::array sent{std::byte{'x'}};
    std::array<std::byte, 1> back{};
    co_await check(write_all(peer, sent));
    co_await check(read_exactly(peer, back));
    if (back != sent) co_return fail(std::make_error_code(std::errc::illegal_byte_sequence));
    if (clock::now() >= all.counted_from && resumes == all.resume) ++all.counted;
    co_return co_await peer.shutdown();
}

task<void> visit_on_and_on(visits& all) {
    std::optional<tls::session> session;
    while (!all.error && clock::now() < all.end) {
        const auto done = co_await visit(all, session);
        if (!done) all.error = done.error();
    }
}

task<result<void>> start_all(scope& s, visits& all, int connections) {
    for (int i = 0; i < connections; ++i) s.spawn(visit_on_and_on, std::ref(all));
    co_await s.join();
    co_return {};
}

}  // namespace

task<result<void>> async_main(args a) {
    visits all;
    int connections = 8;
    int milliseconds = 1000;
    examples::command_line line{"tls_dial", usage};
    line.argument("a HOST:PORT", examples::into(all.to))
        .option("connections", "a number", examples::into(connections, 1, 10'000))
        .option("milliseconds", "a number", examples::into(milliseconds, 10, 1'000'000))
        .flag("resume", all.resume);
    if (!co_await check(line.parse(a))) co_return {};
    all.with.server_name = bench::name;
    all.with.roots = co_await check(tls::trust_anchors::parse(bench::certificate));
    all.with.protocol.min_version = tls::protocol_version::tls1_3;
    all.with.protocol.groups = {tls::named_group::x25519};

    const std::chrono::milliseconds length{milliseconds};
    all.counted_from = clock::now() + length / 5;
    all.end = all.counted_from + length / 5 * 4;
    co_await check(with_scope(start_all, std::ref(all), connections));
    if (all.error) co_return fail(all.error);
    const std::chrono::duration<double> counted = clock::now() - all.counted_from;
    std::printf("{\"handshakes/s\": %.1f}\n", static_cast<double>(all.counted) / counted.count());
    co_return {};
}
