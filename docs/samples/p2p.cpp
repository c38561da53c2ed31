// SPDX-License-Identifier: MIT OR Apache-2.0
// The code of docs/p2p.md, so that it compiles. A test holds each block there against this file.

#include <copoll/buffered.hpp>
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/echo.hpp>
#include <copoll/p2p/host.hpp>
#include <copoll/p2p/memory.hpp>
#include <copoll/p2p/noise.hpp>
#include <copoll/p2p/perf.hpp>
#include <copoll/p2p/ping.hpp>
#include <copoll/p2p/request_response.hpp>
#include <copoll/p2p/transport.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/tls/client.hpp>
#include <copoll/when.hpp>

#include <cstdio>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace copoll;
using namespace std::chrono_literals;

std::vector<std::byte> read_file(const char* name);
void write_secret_file(const char* name, std::span<const std::byte> bytes);

/// A node
task<result<void>> serve(p2p::host& node) {
    for (const auto& at : node.addresses()) std::printf("%s\n", at.to_string().c_str());
    co_return co_await sleep_until(clock::time_point::max());
}

task<result<void>> run_a_node() {
    p2p::host_options options;
    options.listen = {"/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001"};
    p2p::host node{std::move(options)};
    node.handle(p2p::echo_protocol, p2p::answer_echo);
    co_return co_await p2p::with_host(node, serve);
}

/// Dialling
task<result<void>> greet(p2p::host& node, std::string address) {
    auto s = co_await check(node.open(address, p2p::echo_protocol));
    co_await check(write_all(s, bytes_of("hello")));
    co_await check(s.shutdown_write());
    buffer answer;
    co_await check(read_to_end(s, answer));
    std::printf("%s\n", std::string(answer.text()).c_str());
    co_return {};
}

task<result<void>> greet_from_a_node_of_its_own() {
    p2p::host node;
    co_return co_await p2p::with_host(
        node, greet, std::string("/dns4/example.com/tcp/4001/p2p/"
                                 "12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust"));
}

/// Handlers
struct guest_book {
    std::map<p2p::peer_id, std::string> entries;
};

task<result<void>> sign(p2p::stream s, guest_book& book) {
    const p2p::peer_id who = s.remote_peer();  // has proved it
    buffered_reader in{s};
    const std::string text{co_await check(with_timeout(in.read_line(), 30s))};
    book.entries.insert_or_assign(who, text);
    co_await check(write_all(s, bytes_of("thank you\n")));
    co_return co_await s.shutdown_write();
}

void offer(p2p::host& node, guest_book& book) {
    p2p::handler_options options;
    options.streams_of_peer = 1;
    node.handle("/guest-book/1.0.0", [&](p2p::stream s) { return sign(std::move(s), book); },
                options);
}

/// Identity
result<p2p::private_key> load_key() {
    return p2p::private_key::decode(read_file("node.key"));
}

void make_key() {
    const auto key = p2p::private_key::generate_ed25519();
    write_secret_file("node.key", key.encode());
    std::printf("%s\n", p2p::peer_id::of(key.public_key()).to_string().c_str());
}

/// Requests
task<result<std::vector<std::byte>>> reverse(std::vector<std::byte> bytes) {
    co_return std::vector<std::byte>(bytes.rbegin(), bytes.rend());
}

void offer_reversing(p2p::host& node) {
    node.handle("/reverse/1.0.0",
                [](p2p::stream s) { return p2p::answer_request(std::move(s), reverse); });
}

task<result<void>> ask(p2p::host& node, p2p::peer_id peer) {
    auto s = co_await check(node.open(peer, "/reverse/1.0.0"));
    p2p::request_options options;
    options.max_response = 100;
    const auto answer = co_await check(p2p::request(s, bytes_of("desserts"), options));
    std::printf("%s\n", std::string(text_of(answer)).c_str());
    co_return {};
}

/// Ping and perf
task<result<void>> how_far_and_how_fast(p2p::host& node, p2p::peer_id peer) {
    const auto round_trip = co_await check(node.ping(peer));
    auto s = co_await check(node.open(peer, p2p::perf_protocol));
    const auto measured = co_await check(p2p::measure(std::move(s), 10'000'000, 10'000'000));
    std::printf("%.1f ms; up %.3f s, down %.3f s\n",
                std::chrono::duration<double, std::milli>(round_trip).count(),
                std::chrono::duration<double>(measured.upload).count(),
                std::chrono::duration<double>(measured.download).count());
    co_return {};
}

/// Events
struct journal {
    void operator()(const p2p::peer_connected& e) const {
        std::printf("%s is connected\n", e.peer.to_string().c_str());
    }
    void operator()(const p2p::peer_disconnected& e) const {
        std::printf("%s has gone%s%s\n", e.peer.to_string().c_str(), e.reason ? ": " : "",
                    e.reason ? e.reason.message().c_str() : "");
    }
    void operator()(const p2p::incoming_failed& e) const {
        std::printf("%s was not let in: %s\n", e.remote.to_string().c_str(),
                    e.error.message().c_str());
    }
    void operator()(const auto&) const {}
};

void keep_a_journal(p2p::host_options& options) {
    options.on_event = [](const p2p::host_event& e) { std::visit(journal{}, e); };
}

/// Peers
task<result<void>> remember(p2p::host& node, p2p::peer_id peer, p2p::multiaddr at) {
    node.peers().add_address(peer, at, p2p::address_source::given, clock::now());
    co_await check(node.connect(peer));
    if (const auto* known = node.peers().find(peer))
        for (const std::string& protocol : known->protocols) std::puts(protocol.c_str());
    co_return {};
}

/// Limits
void limit(p2p::host_options& options, std::set<p2p::peer_id> friends) {
    options.limits.connections = 20;
    options.limits.incoming_streams_of_peer = 16;
    options.limits.unread = 8 * 1024 * 1024;
    options.admits = [friends = std::move(friends)](const p2p::peer_id& who,
                                                    const p2p::multiaddr&) {
        return friends.contains(who);
    };
}

void patient(p2p::host_options& options) {
    options.idle_connection = 10min;
    options.limits.idle_stream = {};  // never
}

/// Two nodes in one program
p2p::host_options node_in(p2p::memory_network& memory) {
    p2p::host_options options;
    options.listen = {"/memory/0"};
    options.transport.memory = &memory;
    return options;
}

task<result<void>> two_nodes() {
    p2p::memory_network memory;
    p2p::host asks{node_in(memory)}, answers{node_in(memory)};
    answers.handle(p2p::echo_protocol, p2p::answer_echo);
    const auto both_run = [](p2p::host& to, p2p::host& from) -> task<result<void>> {
        const std::string address = to.addresses().front().to_string();
        co_return co_await p2p::with_host(from, greet, address);
    };
    co_return co_await p2p::with_host(answers, both_run, asks);
}

/// A transport
task<result<void>> secure_and_drop(p2p::transport& t, p2p::incoming from) {
    auto connection = co_await check(t.accept(std::move(from)));
    std::printf("%s\n", connection.remote_peer().to_string().c_str());
    co_return {};
}

task<result<void>> take_events(scope& tasks, p2p::transport& t) {
    tasks.spawn(t.run());
    co_await check(t.listen(co_await check(p2p::multiaddr::parse("/ip4/127.0.0.1/tcp/0"))));
    for (;;) {
        auto event = co_await check(t.next_event());
        if (auto* at = std::get_if<p2p::new_address>(&event))
            std::printf("%s\n", at->address.to_string().c_str());
        else if (auto* from = std::get_if<p2p::incoming>(&event))
            tasks.spawn(secure_and_drop, std::ref(t), std::move(*from));
        else if (auto* closed = std::get_if<p2p::listener_closed>(&event))
            co_return fail(closed->reason);
    }
}

task<result<void>> watch_a_transport() {
    p2p::transport t{p2p::identity{p2p::private_key::generate_ed25519()}};
    co_return co_await with_scope(take_events, t);
}

/// A connection without a host
task<result<void>> use(p2p::connection& peer) {
    p2p::pinger pinger{co_await check(peer.open(p2p::ping_protocol))};
    co_await check(with_timeout(pinger.ping(), 10s));
    co_return co_await pinger.close();
}

task<result<void>> over_tls(tls::client_connection transport, p2p::identity me) {
    auto connection = co_await check(p2p::connect(std::move(transport), std::move(me)));
    co_return co_await p2p::with_connection(connection, use);
}

/// An engine
struct wire {
    void send(std::span<const std::byte> bytes);
    bool receive(buffer& into);  // false: it has ended
};

result<p2p::noise::session> shake_hands(const p2p::identity& me, wire& to) {
    p2p::noise::handshake handshake{p2p::role::dialer, me};
    buffer in, out;
    for (;;) {
        const auto done = handshake.advance(in, out);
        to.send(std::as_const(out).data());
        out.clear();
        if (!done) return fail(done.error());
        if (*done == p2p::progress::complete) return handshake.start_session();
        if (!to.receive(in)) return fail(p2p::errc::truncated);
    }
}

/// Errors
void explain(std::error_code ec) {
    if (ec == p2p::errc::wrong_peer)
        std::puts("somebody else is there");
    else if (ec == p2p::errc::protocol_not_supported)
        std::puts("the peer does not speak that");
    else if (ec == p2p::errc::stream_reset)
        std::puts("the peer gave up the stream");
    else if (ec.category() == p2p::category())
        std::puts("the peer, or a text, is to blame");
    else
        std::puts("the transport failed, or time was up");
}
