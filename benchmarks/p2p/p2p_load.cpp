// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The load of scenario `p2p`: a libp2p node that keeps another one busy and checks what it says.
// Takes part in bench.py as echo_load does: the same options for the time, the same phases, the
// same figures in JSON.
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/multiaddr.hpp>

#include <copoll/clock.hpp>
#include <copoll/connect.hpp>
#include <copoll/event.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>

#include "../../examples/support/command_line.hpp"
#include "../load/histogram.hpp"
#include "sealed_stream.hpp"
#include "transfers.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: p2p_load --connect ADDRESS --do WHAT [options]\n"
    "\n"
    "Keeps a libp2p node busy and checks every byte that comes back. Figures are those of the\n"
    "part of the run behind the warm-up.\n"
    "\n"
    "  --connect ADDRESS   a multiaddr; or ADDR:PORT of ceiling_sealed, for up and down\n"
    "  --do WHAT           visits: connect, one byte to the echo and back, close, again\n"
    "                      streams: on one connection open, one byte there and back, close, again\n"
    "                      down, up: bulk by /perf/1.0.0 on one stream; a message is 64 KiB\n"
    "                      echo: bulk there and back on one stream\n"
    "                      idle: streams that do nothing after one byte there and back, and\n"
    "                      must send one more at the end\n"
    "                      held: streams of /hold/1.0.0 that do nothing at all\n"
    "  --at-once N         visits or streams at a time (16)\n"
    "  --idle N            streams of idle and held (1000)\n"
    "  --per-connection N  of them on each connection, up to 500 (500)\n"
    "  --transfer MIB      bulk moves so much before a new stream does (256)\n"
    "  --echo PROTOCOL     the echo's name (/echo/1.0.0)\n"
    "  --seconds S         length of the run (5); the first fifth is warm-up\n"
    "  --patience S        how long idle streams may take to be open, and all to end (30)\n"
    "  --phases            say on stderr when counting begins and ends, and then wait for a line\n"
    "  --json              taken as given: figures are always one JSON object\n"
    "  --help              this text\n";

struct settings {
    std::string address{};
    std::string what{};
    std::string echo = "/echo/1.0.0";
    double seconds = 5;
    double patience = 30;
    std::size_t at_once = 16;
    std::size_t idle = 1000;
    std::size_t per_connection = 500;
    std::uint64_t transfer = 256;
    bool phases = false;
    bool json = false;

    bool is_idle() const { return what == "idle" || what == "held"; }
    bool is_bulk() const { return what == "down" || what == "up" || what == "echo"; }
};

/// What goes on, and came of it so far.
struct job {
    settings set{};
    p2p::identity own{p2p::private_key::generate_ed25519()};
    ip::endpoint at{};
    p2p::connection_options options{};  ///< with whom the peer must be
    bool is_sealed = false;

    bool counting = false;
    bool over = false;
    event begun{};  ///< what is to be there before the time runs is there
    event ended{};
    std::size_t opened = 0;  ///< of the idle ones
    std::uint64_t messages = 0;
    bench::transfer bulk{.moved = {.runs = false}};
    load::histogram latency{};
    clock::duration counted{};

    void count(clock::time_point from) {
        if (!counting) return;
        ++messages;
        const auto took = std::chrono::nanoseconds(clock::now() - from).count();
        latency.record(took);
    }
};

task<result<tcp_stream>> dial_tcp(const job& all) {
    std::vector<ip::endpoint> at{all.at};
    return connect(std::move(at));
}

task<result<p2p::connection>> dial(const job& all) {
    auto tcp = co_await check(dial_tcp(all));
    co_return co_await p2p::connect(std::move(tcp), all.own, all.options);
}

// ---- One byte there and back

task<result<void>> exchange_byte(p2p::stream& echo) {
    const std::array there{std::byte{7}};
    std::array<std::byte, 1> back{};
    co_await check(write_all(echo, there));
    co_await check(read_exactly(echo, back));
    if (back != there) co_return fail(bench::wrong_bytes());
    co_return {};
}

/// Nothing more may come.
task<result<void>> finish(p2p::stream& echo) {
    co_await check(echo.shutdown_write());
    std::array<std::byte, 1> more{};
    const io_result r = co_await echo.read_some(more);
    if (r.ec != errc::eof) co_return fail(r.ec ? r.ec : bench::wrong_bytes());
    co_return {};
}

task<result<void>> one_byte(p2p::connection& peer, job& all) {
    auto echo = co_await check(peer.open(all.set.echo));
    co_await check(exchange_byte(echo));
    co_return co_await finish(echo);
}

task<result<void>> visit_on_and_on(job& all) {
    while (!all.over) {
        const auto begun = clock::now();
        auto peer = co_await check(dial(all));
        co_await check(p2p::with_connection(peer, one_byte, all));
        all.count(begun);
    }
    co_return {};
}

task<result<void>> open_on_and_on(p2p::connection& peer, job& all) {
    while (!all.over) {
        const auto begun = clock::now();
        co_await check(one_byte(peer, all));
        all.count(begun);
    }
    co_return {};
}

// ---- Bulk

template <class S>
task<result<void>> move_bulk(S& s, job& all) {
    if (all.set.what == "down") co_return co_await bench::download(s, all.bulk);
    if (all.set.what == "up") co_return co_await bench::upload(s, all.bulk);
    co_return co_await bench::echo(s, all.bulk);
}

task<result<void>> move_sealed(job& all) {
    while (!all.over) {
        bench::sealed::stream s{co_await check(dial_tcp(all))};
        co_await check(move_bulk(s, all));
    }
    co_return {};
}

task<result<void>> move_on_streams(p2p::connection& peer, job& all) {
    const std::string protocol = all.set.what == "echo" ? all.set.echo : "/perf/1.0.0";
    while (!all.over) {
        auto s = co_await check(peer.open(protocol));
        co_await check(move_bulk(s, all));
    }
    co_return {};
}

// ---- Idle streams

task<result<void>> be_idle(p2p::connection& peer, job& all) {
    auto echo = co_await check(peer.open(all.set.echo));
    co_await check(exchange_byte(echo));
    if (++all.opened == all.set.idle) all.begun.set();
    co_await check(all.ended.wait());
    co_await check(exchange_byte(echo));
    co_return co_await finish(echo);
}

task<result<void>> be_held(p2p::connection& peer, job& all) {
    std::vector<std::string> protocols{"/hold/1.0.0"};
    auto held = co_await check(peer.open_first_of(std::move(protocols)));
    if (++all.opened == all.set.idle) all.begun.set();
    co_await check(all.ended.wait());
    if (held.reset_by_peer()) co_return fail(p2p::errc::stream_reset);
    co_return co_await held.shutdown_write();
}

task<result<void>> open_idle(scope& s, p2p::connection& peer, job& all, std::size_t count) {
    const auto be = all.set.what == "held" ? be_held : be_idle;
    for (std::size_t i = 0; i < count; ++i) s.spawn(be, std::ref(peer), std::ref(all));
    co_return {};
}

task<result<void>> hold_idle(p2p::connection& peer, job& all, std::size_t count) {
    co_return co_await with_scope(child_failure::stop_all, open_idle, peer, all, count);
}

task<result<void>> connect_idle(job& all, std::size_t count) {
    auto peer = co_await check(dial(all));
    co_return co_await p2p::with_connection(peer, hold_idle, all, count);
}

/// One connection after the other, as this is not about handshakes.
task<result<void>> connect_all_idle(scope& s, job& all) {
    for (std::size_t asked = 0; asked < all.set.idle;) {
        const std::size_t here = std::min(all.set.idle - asked, all.set.per_connection);
        s.spawn(connect_idle, std::ref(all), here);
        asked += here;
        while (all.opened < asked) co_await check(sleep_for(std::chrono::milliseconds{1}));
    }
    co_return {};
}

// ---- The run

task<result<void>> open_streams(scope& s, p2p::connection& peer, job& all) {
    for (std::size_t i = 0; i < all.set.at_once; ++i)
        s.spawn(open_on_and_on, std::ref(peer), std::ref(all));
    co_return {};
}

task<result<void>> on_one_connection(p2p::connection& peer, job& all) {
    if (all.set.is_bulk()) co_return co_await move_on_streams(peer, all);
    co_return co_await with_scope(child_failure::stop_all, open_streams, peer, all);
}

task<result<void>> visit_all(scope& s, job& all) {
    for (std::size_t i = 0; i < all.set.at_once; ++i) s.spawn(visit_on_and_on, std::ref(all));
    co_return {};
}

/// Until `all.over`, or what goes wrong.
task<result<void>> work(job& all) {
    const auto policy = child_failure::stop_all;
    if (all.set.is_idle()) co_return co_await with_scope(policy, connect_all_idle, all);
    all.begun.set();
    if (all.set.what == "visits") co_return co_await with_scope(policy, visit_all, all);
    if (all.is_sealed) co_return co_await move_sealed(all);
    auto peer = co_await check(dial(all));
    co_return co_await p2p::with_connection(peer, on_one_connection, all);
}

task<result<void>> read_line(loop& owner) {
    stdin_stream input{owner};
    std::array<std::byte, 1> c{};
    while (c[0] != std::byte{'\n'}) co_await check(input.read_some(c));
    co_return {};
}

/// Says when to count and when to end. *Errors:* `timed_out` if the work does not begin or end in
/// patience; there is no other completion, as it is the work that ends first.
task<result<void>> keep_time(job& all) {
    const auto patience =
        std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>{
            all.set.patience});
    co_await check(with_timeout(all.begun.wait(), patience));
    const std::chrono::duration<double> length{all.set.seconds};
    const auto fifth = std::chrono::duration_cast<clock::duration>(length / 5);
    co_await check(sleep_for(fifth));
    if (all.set.phases) std::fputs("phase counting\n", stderr);
    all.counting = all.bulk.moved.runs = true;
    const auto from = clock::now();
    co_await check(sleep_until(from + 4 * fifth));
    all.counting = all.bulk.moved.runs = false;
    all.counted = clock::now() - from;
    if (all.set.phases) {
        std::fputs("phase finishing\n", stderr);
        co_await check(read_line(*(co_await this_env{}).owner));
    }
    all.over = all.bulk.ends_early = true;
    all.ended.set();
    co_await check(sleep_for(patience));
    co_return fail(errc::timed_out);
}

void print(const job& all) {
    const double seconds = std::chrono::duration<double>(all.counted).count();
    const bool is_idle = all.set.is_idle();
    const auto messages = all.set.is_bulk() ? all.bulk.moved.bytes / bench::piece : all.messages;
    const auto percentile = [&all](double percent) {
        return static_cast<double>(all.latency.percentile(percent)) / 1e3;
    };
    std::printf("{\"connections\": %zu, \"idle\": %zu, \"seconds\": %.3f, \"messages\": %llu,"
                " \"messages_per_second\": %.1f, \"megabytes_per_second\": %.3f,"
                " \"messages_per_connection\": null",
                is_idle ? std::size_t{0} : std::size_t{1}, is_idle ? all.set.idle : 0, seconds,
                static_cast<unsigned long long>(messages),
                static_cast<double>(messages) / seconds,
                static_cast<double>(all.bulk.moved.bytes) / seconds / 1e6);
    if (all.latency.total() > 0) {
        std::printf(", \"latency_us\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f,"
                    " \"p99_9\": %.1f, \"max\": %.1f}",
                    percentile(50), percentile(90), percentile(99), percentile(99.9),
                    static_cast<double>(all.latency.max()) / 1e3);
    }
    std::puts("}");
}

/// Where to, by multiaddr or ADDR:PORT.
result<void> find_way(job& all) {
    if (const auto endpoint = ip::endpoint::parse(all.set.address)) {
        all.at = *endpoint;
        all.is_sealed = true;
        return {};
    }
    const auto to = p2p::multiaddr::parse(all.set.address);
    if (!to) return fail(to.error());
    const auto endpoint = to->tcp_endpoint();
    if (!endpoint) return fail(errc::not_supported);
    all.at = *endpoint;
    all.options.expected_peer = to->peer();
    return {};
}

bool is_known(std::string_view what) {
    constexpr std::array<std::string_view, 7> all{"visits", "streams", "down", "up",
                                                  "echo",   "idle",    "held"};
    return std::ranges::find(all, what) != all.end();
}

}  // namespace

task<result<void>> async_main(args a) {
    job all;
    settings& set = all.set;
    using examples::into;
    examples::command_line line{"p2p_load", usage};
    line.option("connect", "an address", into(set.address))
        .option("do", "something to do",
                [&set](std::string_view text) {
                    set.what = text;
                    return is_known(text);
                })
        .option("at-once", "a number", into<std::size_t>(set.at_once, 1, 250))
        .option("idle", "a number", into<std::size_t>(set.idle, 1, 1'000'000))
        .option("per-connection", "a number from 1 to 500",
                into<std::size_t>(set.per_connection, 1, 500))
        .option("transfer", "a number", into<std::uint64_t>(set.transfer, 1, 1 << 20))
        .option("echo", "a protocol", into(set.echo))
        .option("seconds", "a number", into(set.seconds, 0.1, 3600.0))
        .option("patience", "a number", into(set.patience, 0.1, 3600.0))
        .flag("phases", set.phases)
        .flag("json", set.json);
    if (!co_await check(line.parse(a))) co_return {};
    if (set.address.empty() || set.what.empty()) {
        std::fputs(usage, stderr);
        co_return fail(errc::usage);
    }
    co_await check(find_way(all));
    all.bulk.size = set.transfer * 1024 * 1024;
    if (all.is_sealed && set.what != "down" && set.what != "up") {
        std::fputs("p2p_load: the ceiling knows down and up only\n", stderr);
        co_return fail(errc::usage);
    }
    auto [first, results] = co_await first_done(work(all), keep_time(all));
    auto& [worked, timed] = results;
    if (first == 1) co_return timed;
    co_await check(std::move(worked));
    if (!set.is_idle() && all.messages + all.bulk.moved.bytes == 0) {
        std::fputs("p2p_load: nothing came back while counting\n", stderr);
        co_return fail(errc::timed_out);
    }
    print(all);
    co_return {};
}
