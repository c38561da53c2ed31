// SPDX-License-Identifier: MIT OR Apache-2.0
// Our node to test against others; peers/README.md says what it understands.

#include <copoll/p2p/echo.hpp>
#include <copoll/p2p/host.hpp>
#include <copoll/p2p/identify.hpp>
#include <copoll/p2p/perf.hpp>

#include <copoll/event.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace copoll;
using namespace std::chrono_literals;

namespace {

const std::string reset_protocol = "/reset/1.0.0";
const std::string slow_protocol = "/slow/1.0.0";
const std::string bench_protocol = "/bench/echo/1.0.0";
const std::string change_protocol = "/change/1.0.0";
const std::string pushed_protocol = "/pushed/1.0.0";

using bytes = std::vector<std::byte>;

bytes pattern(std::size_t n) {
    bytes made(n);
    std::uint32_t state = static_cast<std::uint32_t>(n) + 1;
    for (std::byte& b : made) {
        state = state * 1664525 + 1013904223;
        b = static_cast<std::byte>(state >> 24);
    }
    return made;
}

task<result<void>> send_all(p2p::stream& to, std::span<const std::byte> data) {
    co_await check(write_all(to, data));
    co_return co_await to.shutdown_write();
}

task<result<bytes>> receive_all(p2p::stream& from) {
    bytes all;
    std::array<std::byte, 16 * 1024> part;
    for (;;) {
        const io_result r = co_await from.read_some(part);
        all.insert(all.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(r.n));
        if (r.ec == errc::eof) co_return all;
        if (r.ec) co_return fail(r.ec);
    }
}

// ---- What happens

/// What the peer said of itself, on one line.
void tell_identity(const p2p::known_peer& said) {
    std::fprintf(stderr, "identified: %s%s, speaks", said.agent_version.c_str(),
                 said.record_sequence ? ", signed" : "");
    for (const std::string& protocol : said.protocols)
        std::fprintf(stderr, " %s", protocol.c_str());
    std::fputs(", at", stderr);
    for (const auto& at : said.addresses)
        std::fprintf(stderr, " %s", at.address.to_string().c_str());
    std::fputc('\n', stderr);
}

struct reporter {
    p2p::host*& node;
    event& identified;

    void operator()(const p2p::peer_connected& e) const {
        std::fprintf(stderr, "muxer: %s\n", e.early_muxer ? "early" : "negotiated");
    }
    void operator()(const p2p::peer_identified& e) const {
        if (const auto* said = node->peers().find(e.peer)) tell_identity(*said);
        identified.set();
    }
    void operator()(const p2p::peer_disconnected& e) const { tell("connection", e.reason); }
    void operator()(const p2p::incoming_failed& e) const { tell("connection", e.error); }
    void operator()(const p2p::handler_failed& e) const { tell(e.protocol.c_str(), e.error); }
    void operator()(const auto&) const {}

private:
    static void tell(const char* what, std::error_code why) {
        if (why) std::fprintf(stderr, "%s: %s\n", what, why.message().c_str());
    }
};

// ---- Listening

task<result<void>> reset_after_a_byte(p2p::stream peer) {
    std::byte first{};
    const io_result r = co_await peer.read_some(std::span(&first, 1));
    peer.reset();
    co_return r.status();
}

task<result<void>> echo_slowly(p2p::stream peer) {
    co_await check(sleep_for(3s));
    co_return co_await p2p::answer_echo(std::move(peer));
}

/// From now on this node speaks one protocol more, of which it tells its peers.
task<result<void>> change(p2p::host& node, p2p::stream peer) {
    node.handle(pushed_protocol, p2p::answer_echo);
    co_return co_await p2p::answer_echo(std::move(peer));
}

task<result<void>> until_input_ends(p2p::host& node) {
    std::printf("READY %s\n", node.addresses().front().to_string().c_str());
    std::fflush(stdout);
    stdin_stream input{*(co_await this_env{}).owner};
    std::array<std::byte, 64> ignored;
    io_result r;
    while (!r.ec) r = co_await input.read_some(ignored);
    co_return {};
}

// ---- Dialling

std::error_code failed(const char* why) {
    std::fprintf(stderr, "%s\n", why);
    return errc::invalid_state;
}

/// The node at the other end.
struct remote {
    p2p::host& node;
    p2p::peer_id id;
    event& identified;

    auto open(std::string protocol) { return node.open(id, std::move(protocol)); }
};

task<result<void>> ping(remote peer) {
    for (int i = 0; i < 3; ++i) co_await check(peer.node.ping(peer.id));
    co_return {};
}

/// What the host has learnt, and all of what the peer says when it is asked again.
task<result<void>> identify(remote peer) {
    co_await check(peer.identified.wait());
    auto s = co_await check(peer.open(p2p::identify_protocol));
    const auto said = co_await check(p2p::receive_identify(s));
    const auto* known = peer.node.peers().find(peer.id);
    if (!known || said.agent_version.empty() || known->agent_version != said.agent_version)
        co_return fail(failed("the peer does not say what it is"));
    if (said.protocols.empty() || known->protocols != said.protocols)
        co_return fail(failed("the peer does not say what it speaks"));
    if (!said.key || p2p::peer_id::of(*said.key) != peer.id)
        co_return fail(failed("the peer does not say which key it has"));
    const auto seen = said.observed_address ? said.observed_address->tcp_endpoint() : std::nullopt;
    if (!seen || !seen->address.is_loopback() || seen->port == 0)
        co_return fail(failed("the peer does not say where it sees us"));
    co_return {};
}

/// Our protocols change while the connection stands: the peer is told.
task<result<void>> push(remote peer) {
    peer.node.handle(pushed_protocol, p2p::answer_echo);
    co_await check(sleep_for(1s));
    co_return co_await ping(peer);
}

task<result<void>> echo_test(remote peer, std::string protocol, std::size_t size) {
    auto s = co_await check(peer.open(protocol));
    const bytes sent = pattern(size);
    auto [wrote, got] = co_await when_all(send_all(s, sent), receive_all(s));
    co_await check(std::move(wrote));
    const bytes came = co_await check(std::move(got));
    if (came != sent) co_return fail(failed("the bytes came back changed"));
    co_return {};
}

task<result<void>> half_close(remote peer) {
    auto s = co_await check(peer.open(p2p::perf_protocol));
    co_await check(p2p::measure(std::move(s), 0, 100'000));
    co_return {};
}

/// So much each way, which is kept nowhere.
task<result<void>> perf(remote peer, std::uint64_t size) {
    auto s = co_await check(peer.open(p2p::perf_protocol));
    const auto done = co_await check(p2p::measure(std::move(s), size, size));
    if (done.sent != size || done.received != size) co_return fail(failed("some of it is lost"));
    co_return {};
}

task<result<void>> reset(remote peer) {
    auto s = co_await check(peer.open(reset_protocol));
    const std::byte one{1};
    co_await check(write_all(s, std::span(&one, 1)));
    const auto got = co_await receive_all(s);
    if (got || got.error() != p2p::errc::stream_reset) co_return fail(failed("not a reset"));
    co_return {};
}

/// As one echo, of a peer that drops some of the streams that come together: those are tried again.
task<result<void>> echo_until_taken(remote peer, std::string protocol, std::size_t size) {
    for (;;) {
        const auto done = co_await echo_test(peer, protocol, size);
        if (done || done.error() != p2p::errc::stream_reset) co_return done;
        co_await check(sleep_for(1ms));
    }
}

task<result<void>> streams(remote peer, std::size_t count, bool again) {
    const auto all = [](scope& s, remote on, std::size_t n, bool retry) -> task<result<void>> {
        const auto one = retry ? echo_until_taken : echo_test;
        while (n-- > 0) s.spawn(one(on, p2p::echo_protocol, 1000));
        co_await s.join();
        if (s.failed() > 0) co_return fail(s.first_error());
        co_return {};
    };
    co_return co_await with_scope(all, peer, count, again);
}

task<result<void>> run_test(remote peer, std::string_view name, std::size_t n) {
    if (name == "ping") co_return co_await ping(peer);
    if (name == "identify") co_return co_await identify(peer);
    if (name == "push") co_return co_await push(peer);
    if (name == "echo") co_return co_await echo_test(peer, p2p::echo_protocol, n);
    if (name == "bench-echo") co_return co_await echo_test(peer, bench_protocol, n);
    if (name == "perf") co_return co_await perf(peer, n);
    if (name == "half-close") co_return co_await half_close(peer);
    if (name == "reset") co_return co_await reset(peer);
    if (name == "slow") co_return co_await echo_test(peer, slow_protocol, 4 << 20);
    if (name == "streams") co_return co_await streams(peer, n, false);
    if (name == "dropped-streams") co_return co_await streams(peer, n, true);
    co_return fail(failed("no such test"));
}

task<result<void>> dial(p2p::host& node, const p2p::multiaddr& to, event& identified,
                        const std::vector<std::string>& tests) {
    const remote peer{node, co_await check(node.connect(to)), identified};
    for (const std::string& test : tests) {
        const std::size_t colon = std::min(test.find(':'), test.size());
        const std::string_view name = std::string_view(test).substr(0, colon);
        std::size_t n = 0;
        std::from_chars(test.data() + std::min(colon + 1, test.size()), test.data() + test.size(),
                        n);
        const auto patience = 60s + std::chrono::seconds{n >> 22};  // at 4 MiB a second, or more
        const auto done = co_await with_timeout(run_test(peer, name, n), patience);
        if (!done) {
            std::fprintf(stderr, "peer: %s: %s\n", test.c_str(), done.error().message().c_str());
            co_return done;
        }
        std::printf("OK %s\n", test.c_str());
        std::fflush(stdout);
    }
    co_return {};
}

// ---- The command line

/// What comes before the verb.
struct settings {
    std::size_t verb_at = 0;
    p2p::connection_options connection{};
};

result<settings> read_settings(const args& a) {
    settings s;
    for (; s.verb_at < a.size() && a[s.verb_at].starts_with("--"); ++s.verb_at) {
        const std::string_view option = a[s.verb_at];
        if (option == "--no-early-muxer") {
            s.connection.early_muxer = false;
        } else if (option == "--no-lazy") {
            s.connection.lazy_negotiation = false;
        } else if (option == "--key" && s.verb_at + 1 < a.size()) {
            const std::string kind{a[++s.verb_at]};
            if (kind == "ed25519") continue;
            std::fprintf(stderr, "peer: makes no key of that kind: %s\n", kind.c_str());
            return fail(errc::not_supported);
        } else {
            return fail(errc::usage);
        }
    }
    return s;
}

std::error_code usage() {
    std::fputs("usage: p2p_peer [--key ed25519] [--no-early-muxer] [--no-lazy]\n"
               "                listen | dial ADDR TEST...\n", stderr);
    return errc::usage;
}

}  // namespace

task<result<void>> async_main(args a) {
    const auto read = read_settings(a);
    if (!read) co_return fail(read.error() == errc::usage ? usage() : read.error());
    const std::size_t first = read->verb_at;
    const bool listens = a.size() == first + 1 && a[first] == "listen";
    if (!listens && (a.size() < first + 2 || a[first] != "dial")) co_return fail(usage());
    event identified;
    p2p::host* self = nullptr;
    p2p::host_options options;
    options.agent_version = "copoll-test";
    options.limits.incoming_streams_of_peer = 1000;
    options.transport.connection = read->connection;
    options.on_event = [report = reporter{self, identified}](const p2p::host_event& e) {
        std::visit(report, e);
    };
    if (listens) options.listen = {"/ip4/127.0.0.1/tcp/0"};
    p2p::host node{std::move(options)};
    self = &node;
    node.handle(p2p::echo_protocol, p2p::answer_echo);
    node.handle(p2p::perf_protocol, p2p::answer_perf);
    node.handle(reset_protocol, reset_after_a_byte);
    node.handle(slow_protocol, echo_slowly);
    node.handle(bench_protocol, p2p::answer_echo);
    node.handle(change_protocol, [&node](p2p::stream s) { return change(node, std::move(s)); });
    if (listens) co_return co_await p2p::with_host(node, until_input_ends);
    const auto to = co_await check(p2p::multiaddr::parse(a[first + 1]));
    std::vector<std::string> tests;
    for (std::size_t i = first + 2; i < a.size(); ++i) tests.emplace_back(a[i]);
    co_return co_await p2p::with_host(node, dial, to, identified, tests);
}
