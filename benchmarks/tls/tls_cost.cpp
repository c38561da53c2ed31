// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What TLS costs without a network: both ends of a connection in memory, by this library's engine
// and by mbedTLS alone. Handshakes are timed on the server's side, bulk on both. Prints one line of
// JSON: {"name": microseconds or MB/s, …}.
#include <copoll/run.hpp>
#include <copoll/tls/engine.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>

#include "both_ends.hpp"
#include "identity.hpp"
#include "raw_tls.hpp"

using namespace copoll;

namespace {

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "tls_cost: %s\n", what);
    std::exit(1);
}

/// The engine with the face of `bench::raw_side`.
class engine_side {
public:
    explicit engine_side(tls::engine e) : engine_(std::move(e)) {}

    bool shake_hands() {
        const auto p = engine_.advance(tls::milestone::complete);
        if (p == tls::progress::failed) give_up(engine_.error().message().c_str());
        return p == tls::progress::reached;
    }
    void write(std::span<const std::byte> data) {
        while (!data.empty()) {
            const io_result r = engine_.write(data);
            if (r.ec) give_up("write");
            data = data.subspan(r.n);
        }
    }
    std::size_t read(std::span<std::byte> into) {
        const auto r = engine_.read(into);
        if (r.ec) give_up("read");
        return r.n;
    }
    void receive(bench::octets&& in) {
        in_ = std::move(in);
        if (!in_.empty()) engine_.input(in_);
    }
    bench::octets take_output() {
        const auto data = std::as_const(engine_.output()).data();
        bench::octets taken{data.begin(), data.end()};
        engine_.output().clear();
        return taken;
    }
    bool is_resumed() const { return engine_.is_resumed(); }

private:
    tls::engine engine_;
    bench::octets in_;
};

tls::client_options client_options(const tls::trust_anchors& roots, int suite) {
    tls::client_options options;
    options.server_name = bench::name;
    options.roots = roots;
    options.protocol.cipher_suites = {static_cast<tls::cipher_suite>(suite)};
    return options;
}

}  // namespace

task<result<void>> async_main(args a) {
    const bench::amount of{a.argc(), a.argv()};
    bench::raw_identity raw;
    const auto identity =
        co_await check(tls::private_identity::parse(bench::key, bench::certificate));
    const auto roots = co_await check(tls::trust_anchors::parse(bench::certificate));
    tls::server_options serving;
    serving.identities.push_back(identity);
    bench::json_line out;

    bench::timer::duration by_raw{}, by_engine{}, resumed{};
    const int chacha20 = bench::suites[0].number;
    // In turns: what disturbs one disturbs the other. The first of each fills tables and caches.
    for (int i = 0; i <= of.handshakes; ++i) {
        bench::raw_side raw_client{false, raw, chacha20}, raw_server{true, raw, chacha20};
        const auto raw_spent = bench::shake_hands(raw_client, raw_server);
        engine_side client{tls::engine{client_options(roots, chacha20)}};
        engine_side server{tls::engine{serving}};
        const auto engine_spent = bench::shake_hands(client, server);
        if (i == 0) continue;
        by_raw += raw_spent;
        by_engine += engine_spent;
    }
    out.add("raw full handshake us", bench::microseconds_each(by_raw, of.handshakes));
    out.add("engine full handshake us", bench::microseconds_each(by_engine, of.handshakes));

    serving.tickets = tls::ticket_keys{};
    auto resuming = client_options(roots, chacha20);
    resuming.on_session = [&resuming](tls::session s) { resuming.resume = std::move(s); };
    for (int i = 0; i <= of.handshakes; ++i) {
        engine_side client{tls::engine{resuming}};
        engine_side server{tls::engine{serving}};
        const auto spent = bench::shake_hands(client, server);
        std::byte none[1];
        client.read(none);  // the ticket
        if (i == 0) continue;
        if (!server.is_resumed()) give_up("a session was not resumed");
        resumed += spent;
    }
    out.add("engine resumed handshake us", bench::microseconds_each(resumed, of.handshakes));

    for (const auto& [name, suite] : bench::suites) {
        bench::raw_side raw_client{false, raw, suite};
        bench::raw_side raw_server{true, raw, suite};
        bench::shake_hands(raw_client, raw_server);
        engine_side client{tls::engine{client_options(roots, suite)}};
        tls::server_options plain = serving;
        plain.protocol.cipher_suites = {static_cast<tls::cipher_suite>(suite)};
        engine_side server{tls::engine{plain}};
        bench::shake_hands(client, server);
        const std::string row = std::string(name) + " MB/s";
        out.add("raw " + row, bench::throughput(raw_client, raw_server, of.bytes));
        out.add("engine " + row, bench::throughput(client, server, of.bytes));
    }
    co_return {};
}
