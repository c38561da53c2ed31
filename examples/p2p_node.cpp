// SPDX-License-Identifier: MIT OR Apache-2.0
// A libp2p node: listens and serves ping, echo and perf, or dials one and uses them.

#include <copoll/p2p/echo.hpp>
#include <copoll/p2p/host.hpp>
#include <copoll/p2p/perf.hpp>
#include <copoll/p2p/ping.hpp>
#include <copoll/run.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/command_line.hpp"
#include "support/p2p_key.hpp"
#include "support/transport_contract.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: p2p_node [--listen MULTIADDR]... [--perf-server]\n"
    "       p2p_node --dial MULTIADDR [--ping N | --echo TEXT | --perf UP DOWN]\n"
    "\n"
    "A libp2p node over TCP, Noise and Yamux. Listens, and answers pings and echoes; or dials\n"
    "another node and does one of these there. Says who it is talking to.\n"
    "\n"
    "  --listen MULTIADDR  where to listen (default /ip4/127.0.0.1/tcp/0 unless it dials)\n"
    "  --perf-server       serves /perf/1.0.0 too, by which anybody may have bytes sent\n"
    "  --dial MULTIADDR    whom to dial; checked to be the one behind /p2p, if that is there\n"
    "  --ping N            N pings (default: 1)\n"
    "  --echo TEXT         has TEXT echoed, and prints what comes back\n"
    "  --perf UP DOWN      sends UP bytes and has DOWN bytes sent, and prints how long it took\n"
    "  --key FILE          the node's key; a new one is written there if there is none\n"
    "  --help              this text\n"
    "\n"
    "With IS_DIALER in the environment it is a transport test app of libp2p's unified-testing.\n";

struct command {
    std::vector<std::string> listen{};
    std::string dial{};
    std::string key{};
    std::optional<std::string> echo{};
    std::uint32_t pings = 0;
    std::optional<std::uint64_t> upload{};
    std::uint64_t download = 0;
    bool serves_perf = false;
};

double milliseconds(clock::duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

double megabytes_a_second(std::uint64_t bytes, clock::duration d) {
    const double seconds = std::chrono::duration<double>(d).count();
    return seconds > 0 ? static_cast<double>(bytes) / 1e6 / seconds : 0;
}

task<result<void>> ping(p2p::host& node, p2p::peer_id peer, std::uint32_t n) {
    p2p::pinger pinger{co_await check(node.open(peer, p2p::ping_protocol))};
    for (std::uint32_t i = 0; i < n; ++i) {
        const auto took = co_await check(with_timeout(pinger.ping(), std::chrono::seconds{10}));
        std::printf("ping %u: %.3f ms\n", i + 1, milliseconds(took));
        std::fflush(stdout);
    }
    co_return co_await pinger.close();
}

task<result<void>> send_text(p2p::stream& to, const std::string& text) {
    co_await check(write_all(to, bytes_of(text)));
    co_return co_await to.shutdown_write();
}

/// What comes back is printed as it comes: it may be long.
task<result<void>> print_all(p2p::stream& from) {
    std::array<std::byte, 4096> part;
    for (;;) {
        const auto [ec, n] = co_await from.read_some(part);
        std::fwrite(part.data(), 1, n, stdout);
        if (ec == errc::eof) break;
        if (ec) co_return fail(ec);
    }
    std::fputs("\n", stdout);
    co_return {};
}

task<result<void>> echo(p2p::host& node, p2p::peer_id peer, std::string text) {
    auto s = co_await check(node.open(peer, p2p::echo_protocol));
    auto [sent, got] = co_await when_all(send_text(s, text), print_all(s));
    co_await check(std::move(sent));
    co_return got;
}

task<result<void>> perf(p2p::host& node, p2p::peer_id peer, std::uint64_t up, std::uint64_t down) {
    auto s = co_await check(node.open(peer, p2p::perf_protocol));
    const auto r = co_await check(p2p::measure(std::move(s), up, down));
    std::printf("upload: %llu bytes, %.3f ms, %.1f MB/s\n",
                static_cast<unsigned long long>(r.sent), milliseconds(r.upload),
                megabytes_a_second(r.sent, r.upload));
    std::printf("download: %llu bytes, %.3f ms, %.1f MB/s\n",
                static_cast<unsigned long long>(r.received), milliseconds(r.download),
                megabytes_a_second(r.received, r.download));
    co_return {};
}

task<result<void>> dial(p2p::host& node, const command& c) {
    const auto to = co_await check(p2p::multiaddr::parse(c.dial));
    const auto peer = co_await check(node.connect(to));
    std::printf("connected to %s\n", peer.to_string().c_str());
    std::fflush(stdout);
    if (c.upload) co_return co_await perf(node, peer, *c.upload, c.download);
    if (c.echo) co_return co_await echo(node, peer, *c.echo);
    co_return co_await ping(node, peer, c.pings > 0 ? c.pings : 1);
}

/// Serves until it is stopped.
task<result<void>> serve(p2p::host& node) {
    for (const auto& at : node.addresses())
        std::printf("listening on %s\n", at.to_string().c_str());
    std::fflush(stdout);
    co_return co_await sleep_until(clock::time_point::max());
}

task<result<void>> run_node(p2p::host& node, const command& c) {
    if (c.dial.empty()) co_return co_await serve(node);
    co_return co_await dial(node, c);
}

/// A multiaddr, as it is written.
examples::setter multiaddr_into(std::string& to) {
    return [&to](std::string_view text) {
        to = text;
        return p2p::multiaddr::parse(text).has_value();
    };
}

examples::setter multiaddr_into(std::vector<std::string>& all) {
    return [&all](std::string_view text) {
        all.emplace_back(text);
        return p2p::multiaddr::parse(text).has_value();
    };
}

/// The second number of `--perf UP DOWN` stands where an argument would.
result<bool> parse(args a, command& c) {
    constexpr std::uint64_t most = UINT64_MAX;
    examples::command_line line{"p2p_node", usage};
    std::uint64_t up = 0;
    bool measures = false;
    line.option("listen", "a multiaddr", multiaddr_into(c.listen))
        .option("dial", "a multiaddr", multiaddr_into(c.dial))
        .option("key", "a file", examples::into(c.key))
        .option("echo", "a text",
                [&](std::string_view text) {
                    c.echo = text;
                    return true;
                })
        .option("ping", "a number of pings", examples::into(c.pings, 1u, 1'000'000u))
        .option("perf", "a number of bytes",
                [&, set = examples::into(up, std::uint64_t{0}, most)](std::string_view text) {
                    measures = true;
                    return set(text);
                })
        .flag("perf-server", c.serves_perf)
        .argument_if_any("a number of bytes", examples::into(c.download, std::uint64_t{0}, most));
    const auto parsed = line.parse(a);
    if (!parsed || !*parsed) return parsed;
    const int uses = (c.pings > 0) + c.echo.has_value() + measures;
    if (measures) c.upload = up;
    if (measures != line.argument_given() || uses > 1 || (uses > 0 && c.dial.empty()))
        return line.misused();
    if (c.listen.empty() && c.dial.empty()) c.listen = {"/ip4/127.0.0.1/tcp/0"};
    return true;
}

}  // namespace

task<result<void>> async_main(args a) {
    if (std::getenv("IS_DIALER")) co_return co_await examples::run_transport_contract();
    command c;
    if (!co_await check(parse(a, c))) co_return {};
    p2p::host_options options;
    options.listen = c.listen;
    options.agent_version = "copoll-p2p-node";
    options.key = co_await check(examples::load_or_make_key(c.key));
    p2p::host node{std::move(options)};
    node.handle(p2p::echo_protocol, p2p::answer_echo);
    if (c.serves_perf) node.handle(p2p::perf_protocol, p2p::answer_perf);
    co_return co_await p2p::with_host(node, run_node, c);
}
