// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What TLS costs without a network: both ends of a connection in memory, by this library's engine
// and by mbedTLS alone. Handshakes are timed on the server's side, bulk on both. Prints one line of
// JSON: {"name": microseconds or MB/s, …}.
#include <copoll/run.hpp>
#include <copoll/tls/engine.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "identity.hpp"
#include "raw_tls.hpp"

using namespace copoll;

namespace {

using timer = std::chrono::steady_clock;
using bytes = std::vector<std::byte>;

constexpr int handshakes = 200;
constexpr std::size_t record = 16 * 1024 - 1;  // what fits into one record of TLS 1.3
constexpr std::size_t bulk = 16 * 1024 * 1024;

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
    void receive(bytes&& in) {
        in_ = std::move(in);
        if (!in_.empty()) engine_.input(in_);
    }
    bytes take_output() {
        const auto data = std::as_const(engine_.output()).data();
        bytes taken{data.begin(), data.end()};
        engine_.output().clear();
        return taken;
    }
    bool is_resumed() const { return engine_.is_resumed(); }

private:
    tls::engine engine_;
    bytes in_;
};

/// Time of the server, and that it took.
template <class Side>
timer::duration shake_hands(Side& client, Side& server) {
    timer::duration spent{};
    for (bool c = false, s = false; !c || !s;) {
        if (!c) c = client.shake_hands();
        server.receive(client.take_output());
        const auto begin = timer::now();
        if (!s) s = server.shake_hands();
        spent += timer::now() - begin;
        client.receive(server.take_output());
    }
    return spent;
}

/// MB/s of a sender and a receiver together.
template <class Side>
double throughput(Side& client, Side& server) {
    const bytes data(record, std::byte{'x'});
    bytes into(record);
    const auto begin = timer::now();
    for (std::size_t sent = 0; sent < bulk; sent += record) {
        client.write(data);
        server.receive(client.take_output());
        for (std::size_t n = 0; n < record;) n += server.read(into);
    }
    const std::chrono::duration<double> spent = timer::now() - begin;
    return static_cast<double>(bulk) / 1e6 / spent.count();
}

double microseconds_each(timer::duration d) {
    return std::chrono::duration<double, std::micro>(d).count() / handshakes;
}

tls::client_options client_options(const tls::trust_anchors& roots, tls::cipher_suite suite) {
    tls::client_options options;
    options.server_name = bench::name;
    options.roots = roots;
    options.protocol.cipher_suites = {suite};
    return options;
}

struct suite_row {
    const char* name;
    tls::cipher_suite suite;
};
constexpr suite_row suites[] = {
    {"chacha20", tls::cipher_suite::chacha20_poly1305_sha256},
    {"aes_128_gcm", tls::cipher_suite::aes_128_gcm_sha256},
};

class report {
public:
    void add(const char* name, const char* what, double value) {
        std::printf("%s\"%s %s\": %.3f", first_ ? "{" : ", ", name, what, value);
        first_ = false;
    }
    ~report() { std::puts("}"); }

private:
    bool first_ = true;
};

}  // namespace

task<result<void>> async_main(args) {
    bench::raw_identity raw;
    const auto identity =
        co_await check(tls::private_identity::parse(bench::key, bench::certificate));
    const auto roots = co_await check(tls::trust_anchors::parse(bench::certificate));
    tls::server_options serving;
    serving.identities.push_back(identity);
    report out;

    timer::duration by_raw{}, by_engine{}, resumed{};
    for (int i = 0; i < handshakes; ++i) {  // in turns: what disturbs one disturbs the other
        const int suite = static_cast<int>(suites[0].suite);
        bench::raw_side raw_client{false, raw, suite}, raw_server{true, raw, suite};
        by_raw += shake_hands(raw_client, raw_server);
        engine_side client{tls::engine{client_options(roots, suites[0].suite)}};
        engine_side server{tls::engine{serving}};
        by_engine += shake_hands(client, server);
    }
    out.add("raw", "full handshake us", microseconds_each(by_raw));
    out.add("engine", "full handshake us", microseconds_each(by_engine));

    serving.tickets = tls::ticket_keys{};
    auto resuming = client_options(roots, suites[0].suite);
    resuming.on_session = [&resuming](tls::session s) { resuming.resume = std::move(s); };
    for (int i = 0; i <= handshakes; ++i) {
        engine_side client{tls::engine{resuming}};
        engine_side server{tls::engine{serving}};
        const auto spent = shake_hands(client, server);
        std::byte none[1];
        client.read(none);  // the ticket
        if (i == 0) continue;
        if (!server.is_resumed()) give_up("a session was not resumed");
        resumed += spent;
    }
    out.add("engine", "resumed handshake us", microseconds_each(resumed));

    for (const auto& [name, suite] : suites) {
        bench::raw_side raw_client{false, raw, static_cast<int>(suite)};
        bench::raw_side raw_server{true, raw, static_cast<int>(suite)};
        shake_hands(raw_client, raw_server);
        engine_side client{tls::engine{client_options(roots, suite)}};
        tls::server_options plain = serving;
        plain.protocol.cipher_suites = {suite};
        engine_side server{tls::engine{plain}};
        shake_hands(client, server);
        out.add("raw", (std::string(name) + " MB/s").c_str(), throughput(raw_client, raw_server));
        out.add("engine", (std::string(name) + " MB/s").c_str(), throughput(client, server));
    }
    co_return {};
}
