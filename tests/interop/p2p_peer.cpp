// SPDX-License-Identifier: MIT OR Apache-2.0
// Our node to test against others; peers/README.md says what it understands.

#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/multiaddr.hpp>

#include <copoll/connect.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
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
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace copoll;
using namespace std::chrono_literals;

namespace {

const std::string ping_protocol = "/ipfs/ping/1.0.0";
const std::string echo_protocol = "/echo/1.0.0";
const std::string perf_protocol = "/perf/1.0.0";
const std::string reset_protocol = "/reset/1.0.0";
const std::string slow_protocol = "/slow/1.0.0";
const std::vector<std::string> served{ping_protocol, echo_protocol, perf_protocol, reset_protocol,
                                      slow_protocol};

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

// ---- Listening

task<result<void>> echo(p2p::stream& peer) {
    co_await check((co_await copy(peer, peer)).status());
    co_return co_await peer.shutdown_write();
}

task<result<void>> perf(p2p::stream& peer) {
    std::array<std::byte, 8> head;
    co_await check(read_exactly(peer, head));
    std::uint64_t wanted = 0;
    for (const std::byte b : head) wanted = wanted << 8 | std::to_integer<std::uint64_t>(b);
    const auto rest = co_await receive_all(peer);
    if (!rest) co_return fail(rest.error());
    const bytes zeros(64 * 1024);
    while (wanted > 0) {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, zeros.size()));
        co_await check(write_all(peer, std::span(zeros).first(n)));
        wanted -= n;
    }
    co_return co_await peer.shutdown_write();
}

task<result<void>> answer(p2p::stream& peer) {
    co_await check(peer.negotiate(served));
    if (peer.protocol() == perf_protocol) co_return co_await perf(peer);
    if (peer.protocol() == slow_protocol) co_await check(sleep_for(3s));
    if (peer.protocol() != reset_protocol) co_return co_await echo(peer);
    std::byte first{};
    const io_result r = co_await peer.read_some(std::span(&first, 1));
    peer.reset();
    co_return r.ec ? fail(r.ec) : result<void>{};
}

task<void> serve_stream(p2p::stream peer) {
    const auto done = co_await answer(peer);
    if (!done) std::fprintf(stderr, "stream: %s\n", done.error().message().c_str());
}

task<result<void>> accept_streams(scope& streams, p2p::connection& peer) {
    for (;;) {
        auto s = co_await peer.accept();
        if (!s && s.error() == errc::eof) co_return {};
        streams.spawn(serve_stream, co_await check(std::move(s)));
    }
}

task<result<void>> serve(p2p::connection& peer) {
    co_return co_await with_scope(accept_streams, std::ref(peer));
}

task<void> serve_connection(tcp_stream tcp, p2p::identity own) {
    auto peer = co_await p2p::accept(std::move(tcp), own);
    const auto done = peer ? co_await p2p::with_connection(*peer, serve) : fail(peer.error());
    if (!done) std::fprintf(stderr, "connection: %s\n", done.error().message().c_str());
}

task<result<void>> accept_connections(scope& connections, tcp_listener& listener,
                                      p2p::identity own) {
    for (;;) {
        auto tcp = co_await check(listener.accept());
        connections.spawn(serve_connection, std::move(tcp), own);
    }
}

task<result<void>> until_input_ends(scope& s, tcp_listener& listener, p2p::identity own) {
    s.spawn(with_scope(accept_connections, std::ref(listener), own));
    stdin_stream input{*(co_await this_env{}).owner};
    std::array<std::byte, 64> ignored;
    io_result r;
    while (!r.ec) r = co_await input.read_some(ignored);
    s.request_stop();
    co_await s.join();
    co_return {};
}

task<result<void>> listen(p2p::identity own) {
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
    const auto at = co_await check(listener.local_endpoint());
    const auto address = p2p::multiaddr::tcp(at).encapsulate(p2p::multiaddr::p2p(own.id()));
    std::printf("READY %s\n", address.to_string().c_str());
    std::fflush(stdout);
    co_return co_await with_scope(until_input_ends, std::ref(listener), own);
}

// ---- Dialling

std::error_code failed(const char* why) {
    std::fprintf(stderr, "%s\n", why);
    return errc::invalid_state;
}

task<result<void>> ping(p2p::connection& peer) {
    auto s = co_await check(peer.open(ping_protocol));
    const bytes sent = pattern(32);
    bytes got(sent.size());
    for (int i = 0; i < 3; ++i) {
        co_await check(write_all(s, sent));
        co_await check(read_exactly(s, got));
        if (got != sent) co_return fail(failed("another ping came back"));
    }
    co_return co_await s.shutdown_write();
}

task<result<void>> echo_test(p2p::connection& peer, const std::string& protocol,
                             std::size_t size) {
    auto s = co_await check(peer.open(protocol));
    const bytes sent = pattern(size);
    auto [wrote, got] = co_await when_all(send_all(s, sent), receive_all(s));
    co_await check(std::move(wrote));
    const bytes came = co_await check(std::move(got));
    if (came != sent) co_return fail(failed("the bytes came back changed"));
    co_return {};
}

task<result<void>> half_close(p2p::connection& peer) {
    constexpr std::size_t size = 100'000;
    constexpr std::array wanted{std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
                                std::byte{0}, std::byte{1}, std::byte{0x86}, std::byte{0xa0}};
    auto s = co_await check(peer.open(perf_protocol));
    co_await check(send_all(s, wanted));
    const bytes got = co_await check(receive_all(s));
    if (got.size() != size) co_return fail(failed("too little came after the end of the request"));
    co_return {};
}

task<result<void>> reset(p2p::connection& peer) {
    auto s = co_await check(peer.open(reset_protocol));
    const std::byte one{1};
    co_await check(write_all(s, std::span(&one, 1)));
    const auto got = co_await receive_all(s);
    if (got || got.error() != p2p::errc::stream_reset) co_return fail(failed("not a reset"));
    co_return {};
}

task<result<void>> streams(p2p::connection& peer, std::size_t count) {
    const auto all = [](scope& s, p2p::connection& on, std::size_t n) -> task<result<void>> {
        while (n-- > 0) s.spawn(echo_test(on, echo_protocol, 1000));
        co_await s.join();
        co_return {};
    };
    co_return co_await with_scope(all, std::ref(peer), count);
}

task<result<void>> run_test(p2p::connection& peer, std::string_view name, std::size_t n) {
    if (name == "ping") co_return co_await ping(peer);
    if (name == "echo") co_return co_await echo_test(peer, echo_protocol, n);
    if (name == "half-close") co_return co_await half_close(peer);
    if (name == "reset") co_return co_await reset(peer);
    if (name == "slow") co_return co_await echo_test(peer, slow_protocol, 4 << 20);
    if (name == "streams") co_return co_await streams(peer, n);
    co_return fail(failed("no such test"));
}

task<result<void>> run_tests(p2p::connection& peer, const std::vector<std::string>& tests) {
    for (const std::string& test : tests) {
        const std::size_t colon = std::min(test.find(':'), test.size());
        const std::string_view name = std::string_view(test).substr(0, colon);
        std::size_t n = 0;
        std::from_chars(test.data() + std::min(colon + 1, test.size()), test.data() + test.size(),
                        n);
        const auto done = co_await with_timeout(run_test(peer, name, n), 60s);
        if (!done) {
            std::fprintf(stderr, "peer: %s: %s\n", test.c_str(), done.error().message().c_str());
            co_return done;
        }
        std::printf("OK %s\n", test.c_str());
        std::fflush(stdout);
    }
    co_return {};
}

task<result<void>> dial(p2p::identity own, std::string_view address,
                        std::vector<std::string> tests) {
    const auto to = co_await check(p2p::multiaddr::parse(address));
    const auto endpoint = to.tcp_endpoint();
    if (!endpoint) co_return fail(errc::not_supported);
    p2p::connection_options options;
    options.expected_peer = to.peer();
    std::vector<ip::endpoint> at{*endpoint};
    auto tcp = co_await check(connect(std::move(at)));
    auto peer = co_await check(p2p::connect(std::move(tcp), own, options));
    co_return co_await p2p::with_connection(peer, run_tests, tests);
}

}  // namespace

task<result<void>> async_main(args a) {
    const p2p::identity own{p2p::private_key::generate_ed25519()};
    if (a.size() == 1 && a[0] == "listen") co_return co_await listen(own);
    if (a.size() < 2 || a[0] != "dial") {
        std::fputs("usage: p2p_peer listen | dial ADDR TEST...\n", stderr);
        co_return fail(errc::usage);
    }
    std::vector<std::string> tests;
    for (std::size_t i = 2; i < a.size(); ++i) tests.emplace_back(a[i]);
    co_return co_await dial(own, a[1], std::move(tests));
}
