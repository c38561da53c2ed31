// SPDX-License-Identifier: MIT OR Apache-2.0
// What peers do to harm, each under its usual name. Who is attacked gets a typed error, and another
// connection of the same loop does not notice.
#include <copoll/p2p/connection.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <copoll/event.hpp>
#include <copoll/when.hpp>

#include "p2p/peers.hpp"
#include "p2p/raw_peer.hpp"
#include "support/allocations.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;
using namespace p2p::yamux;
using p2p::yamux::reset_code;

namespace {

/// An honest pair that goes on echoing until the attack is over, and once more. What it holds
/// counts with what those who are attacked hold.
task<result<void>> stand_by(const event& over, std::shared_ptr<unread_budget> of_all) {
    const auto go_on = [&over](p2p::connection& c) {
        return [](p2p::connection& on, const event& until) -> task<result<void>> {
            for (bool last = false; !last;) {
                last = until.is_set();
                co_await check(sleep_for(5ms));
                auto s = co_await check(on.open("/echo/1.0.0"));
                co_await check(write_all(s, pattern(3000)));
                co_await check(s.shutdown_write());
                const auto got = co_await drain(s);
                CHECK(got.n == 3000);
                CHECK(got.intact);
                CHECK(got.end == errc::eof);
            }
            co_return {};
        }(c, over);
    };
    meeting m;
    m.dialers.yamux.unread_of_all = m.listeners.yamux.unread_of_all = std::move(of_all);
    co_return co_await meet_echo(std::move(m), go_on);
}

task<result<void>> be_attacked(tcp_stream tcp, p2p::connection_options options, event& over) {
    const p2p::identity own = new_identity();
    auto ended = co_await accept_and(std::move(tcp), own, std::move(options), serve_echo);
    over.set();
    co_return ended;
}

/// Leaves when the attack is done, or soon after the other side has gone: a component keeps the
/// socket of one that goes until what was written has been taken, and so a write to it may not end.
template <class F>
task<result<void>> attack_and_leave(tcp_stream tcp, F attack, event& over) {
    const auto soon_after = [](event& gone) -> task<result<void>> {
        co_await check(gone.wait());
        co_return co_await sleep_for(1s);
    };
    auto [first, results] = co_await first_done(attack(std::move(tcp)), soon_after(over));
    if (first == 0) co_return std::get<0>(std::move(results));
    co_return {};
}

/// What becomes of a node that accepts and echoes, and whose peer does `attack(tcp_stream)`.
template <class F>
task<result<std::error_code>> attacked(p2p::connection_options options, F attack) {
    auto [there, here] = co_await check(connected_pair());
    event over;
    auto of_all = options.yamux.unread_of_all;
    auto [attacker, ended, bystanders] = co_await when_all(
        attack_and_leave(std::move(there), attack, over),
        be_attacked(std::move(here), std::move(options), over), stand_by(over, std::move(of_all)));
    CHECK(error_of(attacker) == no_error);
    CHECK(error_of(bystanders) == no_error);
    co_return error_of(ended);
}

/// The same by one that has shaken hands, and does `attack(raw_peer&)`.
template <class F>
task<result<std::error_code>> attacked_by_peer(p2p::connection_options options, F attack) {
    const auto whole = [attack](tcp_stream tcp) {
        return [](tcp_stream t, F f) -> task<result<void>> {
            auto peer = co_await check(raw_peer::dial(std::move(t)));
            co_return co_await f(peer);
        }(std::move(tcp), attack);
    };
    co_return co_await attacked(std::move(options), whole);
}

/// Says `text` over and over until the other side has gone, and reads nothing.
task<result<void>> flood(raw_peer& p, std::string text) {
    for (int i = 0; i < 100'000; ++i) {
        const auto said = co_await p.say(text);
        if (!said) co_return {};
    }
    CHECK(false);  // it took all of it
    co_return {};
}

/// Drops frames until one of the type.
task<result<raw_peer::frame>> hear(raw_peer& p, frame_type type) {
    for (;;) {
        raw_peer::frame f = co_await check(p.hear());
        if (f.header.type == type) co_return f;
    }
}

/// How the connection ends of one that floods it with `text`, behind `first`.
task<result<std::error_code>> flooded(std::string text, std::string first = {}) {
    const auto attack = [text, first](raw_peer& p) {
        return [](raw_peer& on, std::string t, std::string f) -> task<result<void>> {
            if (!f.empty()) co_await check(on.say(f));
            co_return co_await flood(on, std::move(t));
        }(p, text, first);
    };
    co_return co_await attacked_by_peer(quiet(), attack);
}

/// How the connection ends of one that says `text`, and whether it is told `why`.
task<result<std::error_code>> told(std::string text, p2p::go_away_code why) {
    const auto attack = [text, why](raw_peer& p) {
        return [](raw_peer& on, std::string t, p2p::go_away_code w) -> task<result<void>> {
            co_await check(on.say(t));
            const auto last = co_await check(hear(on, frame_type::go_away));
            CHECK(last.header.length == static_cast<std::uint32_t>(w));
            co_return {};
        }(p, text, why);
    };
    co_return co_await attacked_by_peer(quiet(), attack);
}

const std::string syn = update_frame(1, 0, flag_syn);

}  // namespace

// ---- Frames that must not be

TEST_CASE("attack: a body of 262,145 bytes with SYN (CVE-2026-32314)") {
    run_in_worlds([]() -> task<result<void>> {
        const std::string frame = text_of_frame(frame_type::data, flag_syn, 1, initial_window + 1);
        const std::string text = frame + std::string(50'000, 'x');
        const auto end = co_await check(told(text, p2p::go_away_code::protocol_error));
        CHECK(end == p2p::errc::window_exceeded);
        co_return {};
    });
}

TEST_CASE("attack: a window that overflows (CVE-2026-31814)") {
    run_test([]() -> task<result<void>> {
        const std::string text = syn + update_frame(1, 0xffffffff);
        const auto end = co_await check(told(text, p2p::go_away_code::protocol_error));
        CHECK(end == p2p::errc::illegal_frame);
        co_return {};
    }());
}

TEST_CASE("attack: a length of 4 GiB") {
    run_test([]() -> task<result<void>> {
        const std::string text = syn + text_of_frame(frame_type::data, 0, 1, 0xffffffff);
        const auto end = co_await check(told(text, p2p::go_away_code::protocol_error));
        CHECK(end == p2p::errc::window_exceeded);
        co_return {};
    }());
}

TEST_CASE("attack: ids at the end of their range") {
    run_test([]() -> task<result<void>> {
        const auto attack = [](raw_peer& p) -> task<result<void>> {
            for (const std::uint32_t id : {0xffffffffu, 0xfffffffdu, 1u, 0xfffffffbu}) {
                const std::string request = data_frame(id, echo_request("hello"), flag_syn);
                co_await check(p.say(request));
                std::string heard;
                while (heard != echo_request("hello")) {
                    const raw_peer::frame f = co_await check(hear(p, frame_type::data));
                    CHECK(f.header.stream == id);
                    heard += f.body;
                    if (heard.size() > 100) break;
                }
                CHECK(heard == echo_request("hello"));
                co_await check(p.say(update_frame(id, 0, flag_fin)));
            }
            co_return {};
        };
        const auto end = co_await check(attacked_by_peer(quiet(), attack));
        CHECK(end == no_error);
        co_return {};
    }());
}

// ---- Too much of what is allowed

TEST_CASE("attack: streams that are opened and never ended (CVE-2022-23486, -23487, -23492)") {
    run_test([]() -> task<result<void>> {
        const auto attack = [](raw_peer& p) -> task<result<void>> {
            unsigned refused = 0;
            for (std::uint32_t id = 1; id < 2 * 600; id += 2) {
                co_await check(p.say(data_frame(id, echo_request(), flag_syn)));
                raw_peer::frame f;
                while (f.header.stream != id) f = co_await check(p.hear());
                if (f.header.has(flag_rst)) {
                    CHECK(f.header.length == static_cast<unsigned>(reset_code::resource_limit));
                    ++refused;
                } else {
                    CHECK(f.body == echo_request().substr(0, f.body.size()));
                }
            }
            CHECK(refused == 600 - 512);
            // those that there are go on
            co_await check(p.say(data_frame(1, "still here")));
            std::string heard;
            while (!heard.ends_with("still here")) {
                const raw_peer::frame f = co_await check(hear(p, frame_type::data));
                if (f.header.stream == 1) heard += f.body;
            }
            co_return {};
        };
        const auto end = co_await check(attacked_by_peer(quiet(), attack));
        CHECK(end == p2p::errc::truncated);  // it left without ending its streams
        co_return {};
    }());
}

TEST_CASE("attack: SYN flood") {
    run_test([]() -> task<result<void>> {
        const auto attack = [](raw_peer& p) -> task<result<void>> {
            for (std::uint32_t id = 1; id < 1'000'000;) {
                std::string many;
                for (int i = 0; i < 1000; ++i, id += 2) many += update_frame(id, 0, flag_syn);
                const auto said = co_await p.say(many);
                if (!said) co_return {};
            }
            CHECK(false);
            co_return {};
        };
        const auto end = co_await check(attacked_by_peer(quiet(), attack));
        CHECK(end == p2p::errc::too_much_work);
        co_return {};
    }());
}

TEST_CASE("attack: streams that are opened and reset at once (rapid reset)") {
    run_test([]() -> task<result<void>> {
        std::string churn;
        for (int i = 0; i < 100; ++i) churn += syn + update_frame(1, 0, flag_rst);
        const auto end = co_await check(flooded(churn));
        CHECK(end == p2p::errc::too_much_work);
        co_return {};
    }());
}

TEST_CASE("attack: streams that are opened and reset when they are being served") {
    run_test([]() -> task<result<void>> {
        const auto attack = [](raw_peer& p) -> task<result<void>> {
            for (std::uint32_t id = 1; id < 100'000; id += 2) {
                co_await check(sleep_for(0ms));  // it is accepted, and somebody reads
                const std::string one = update_frame(id, 0, flag_syn) +
                                        (id > 20 ? update_frame(id - 20, 0, flag_rst) : "");
                const auto said = co_await p.say(one);
                if (!said) co_return {};
            }
            CHECK(false);
            co_return {};
        };
        p2p::connection_options options = quiet();
        options.yamux.idle_burst = 500;
        options.yamux.idle_rate = 1;
        const auto end = co_await check(attacked_by_peer(std::move(options), attack));
        CHECK(end == p2p::errc::too_much_work);
        co_return {};
    }());
}

TEST_CASE("attack: streams that are opened and finished, and nothing else") {
    run_test([]() -> task<result<void>> {
        const auto attack = [](raw_peer& p) -> task<result<void>> {
            for (std::uint32_t id = 1; id < 1'000'000;) {
                std::string some;
                for (int i = 0; i < 100; ++i, id += 2)
                    some += update_frame(id, 0, flag_syn | flag_fin);
                const auto said = co_await p.say(some);
                if (!said) co_return {};
            }
            CHECK(false);
            co_return {};
        };
        const auto end = co_await check(attacked_by_peer(quiet(), attack));
        CHECK(end == p2p::errc::too_much_work);
        co_return {};
    }());
}

TEST_CASE("attack: tiny frames") {
    run_test([]() -> task<result<void>> {
        const std::string request = data_frame(1, echo_request(), flag_syn);
        for (const std::string& tiny : {data_frame(1, ""), update_frame(1, 0),
                                        update_frame(1, 0, flag_ack), update_frame(77, 1)}) {
            std::string many;
            for (int i = 0; i < 1000; ++i) many += tiny;
            const auto end = co_await check(flooded(many, request));
            CHECK(end == p2p::errc::too_much_work);
        }
        co_return {};
    }());
}

TEST_CASE("attack: ids of streams that are far apart") {
    run_in_worlds([]() -> task<result<void>> {
        const auto attack = [](raw_peer& p) -> task<result<void>> {
            for (std::uint32_t i = 0; i < 200; ++i) {
                const std::uint32_t id = 1 + 2 * i * 541 * 1024;
                co_await check(p.say(data_frame(id, echo_request("x"), flag_syn | flag_fin)));
            }
            for (unsigned ends = 0; ends < 200;) {
                const raw_peer::frame f = co_await check(p.hear());
                CHECK_FALSE(f.header.has(flag_rst));
                if (f.header.has(flag_fin)) ++ends;
            }
            co_return {};
        };
        const auto end = co_await check(attacked_by_peer(quiet(), attack));
        CHECK(end == no_error);
        co_return {};
    });
}

#if __has_include(<copoll/backend/sim.hpp>)
TEST_CASE("attack: frames of a byte, of data or of a window, take the time that they are allowed") {
    for (const std::string& tiny : {data_frame(1, "x"), update_frame(1, 1), data_frame(77, "x")}) {
        backend::world w;
        const auto run = [](std::string one) -> task<result<void>> {
            const auto attack = [one](raw_peer& p) {
                return [](raw_peer& on, std::string t) -> task<result<void>> {
                    std::string many;
                    for (int i = 0; i < 1000; ++i) many += t;
                    co_await check(on.say(data_frame(1, echo_request(), flag_syn)));
                    const auto begun = clock::now();
                    for (int i = 0; i < 21; ++i) co_await check(on.say(many));
                    co_await check(on.say(data_frame(3, echo_request("hello"), flag_syn)));
                    std::string heard;
                    while (!heard.ends_with("hello")) {  // it is not cut off either
                        const raw_peer::frame f = co_await check(hear(on, frame_type::data));
                        if (f.header.stream == 3) heard += f.body;
                    }
                    const auto took = clock::now() - begun;
                    CHECK(took >= 1400ms);  // what comes in one piece is taken whole
                    CHECK(took <= 2200ms);
                    co_await check(on.say(update_frame(3, 0, flag_fin)));
                    co_return co_await on.say(update_frame(1, 0, flag_fin));
                }(p, one);
            };
            p2p::connection_options options = quiet();
            options.yamux.frame_burst = 1000;
            options.yamux.frame_rate = 10'000;
            const auto end = co_await check(attacked_by_peer(std::move(options), attack));
            CHECK(end == no_error);
            co_return {};
        };
        run_test(run(tiny));
    }
}

TEST_CASE("attack: a peer that is heard later is not taken for a silent one") {
    backend::world w;
    run_test([]() -> task<result<void>> {
        const auto attack = [](raw_peer& p) -> task<result<void>> {
            std::string many;
            for (int i = 0; i < 1000; ++i) many += data_frame(77, "x");
            const auto begun = clock::now();
            co_await check(p.say(many));
            co_await check(sleep_for(100ms));
            co_await check(p.say(data_frame(1, echo_request("hello"), flag_syn | flag_fin)));
            std::string heard;
            while (!heard.ends_with("hello"))
                heard += (co_await check(hear(p, frame_type::data))).body;
            CHECK(clock::now() - begun > 9s);
            co_return {};
        };
        p2p::connection_options options;
        options.yamux.keep_alive = options.yamux.answer_within = 1s;
        options.yamux.frame_burst = 10;
        options.yamux.frame_rate = 100;
        const auto end = co_await check(attacked_by_peer(std::move(options), attack));
        CHECK(end == no_error);
        co_return {};
    }());
}
#endif

TEST_CASE("attack: Noise records of no bytes") {
    run_in_worlds([]() -> task<result<void>> {
        const auto end = co_await check(flooded({}));
        CHECK(end == p2p::errc::too_much_work);
        co_return {};
    });
}

// ---- Peers that do not read

TEST_CASE("attack: ping flood by a peer that never reads (yamux 0.13.2)") {
    run_test([]() -> task<result<void>> {
        std::string pings;
        for (std::uint32_t i = 0; i < 1000; ++i) pings += ping_frame(i);
        const auto end = co_await check(flooded(pings));
        CHECK(end == p2p::errc::too_much_work);
        co_return {};
    }());
}

#if __has_include(<copoll/backend/sim.hpp>)
TEST_CASE("attack: pings at a rate that is allowed, and answers that are never read") {
    backend::world w{{.capacity = 1000}};
    run_test([]() -> task<result<void>> {
        const auto attack = [](raw_peer& p) -> task<result<void>> {
            const auto begun = clock::now();
            for (std::uint32_t i = 0;; ++i) {
                const auto said = co_await p.say(ping_frame(i));
                if (!said) break;
                co_await check(sleep_for(10ms));
                if (clock::now() - begun > 5min) CHECK(false);
            }
            co_return {};
        };
        const p2p::connection_options options;
        const auto end = co_await check(attacked_by_peer(options, attack));
        CHECK(end == p2p::errc::ping_unanswered);
        co_return {};
    }());
}
#endif

TEST_CASE("attack: streams, data and pings of a peer that never reads fill no memory") {
    run_test([]() -> task<result<void>> {
        p2p::connection_options options;
        options.yamux.keep_alive = options.yamux.answer_within = 50ms;
        options.yamux.max_unread = 1024 * 1024;
        const auto kept = std::make_shared<unread_budget>(4 * 1024 * 1024);
        options.yamux.unread_of_all = kept;
        const std::uint64_t before = heap_bytes_in_use();
        std::uint64_t most = before;
        const auto attack = [&](raw_peer& p) {
            return [](raw_peer& on, std::uint64_t& m) -> task<result<void>> {
                for (std::uint32_t id = 1;; id += 2) {
                    const std::string request = echo_request(std::string(60'000, 'x'));
                    const std::string all = data_frame(id, request, flag_syn) + ping_frame(id);
                    const auto said = co_await on.say(all);
                    m = std::max(m, heap_bytes_in_use());
                    if (!said) co_return {};
                }
            }(p, most);
        };
        const auto end = co_await check(attacked_by_peer(options, attack));
        CHECK((end == p2p::errc::ping_unanswered || end == p2p::errc::too_much_work));
        CHECK(most > before + 60'000);
        // besides: spares, records and output on their way, and what the bystanders hold
        CHECK(most <= before + options.yamux.max_unread + 4 * 1024 * 1024);
        CHECK(kept->used == 0);
        co_return {};
    }());
}

TEST_CASE("attack: windows that are filled, beyond what all connections may hold") {
    run_test([]() -> task<result<void>> {
        p2p::connection_options options = quiet();
        const auto kept = std::make_shared<unread_budget>(600'000);
        options.yamux.unread_of_all = kept;
        const auto attack = [&](raw_peer& p) {
            return [](raw_peer& on, const unread_budget& b) -> task<result<void>> {
                unsigned reset = 0;
                const auto hear_all = [&](std::uint32_t number) -> task<result<void>> {
                    co_await check(on.say(ping_frame(number)));
                    for (bool answered = false; !answered;) {
                        const raw_peer::frame f = co_await check(on.hear());
                        if (f.header.has(flag_rst)) ++reset;
                        answered = f.header.type == frame_type::ping && f.header.has(flag_ack);
                    }
                    co_return {};
                };
                for (std::uint32_t id = 1; id < 20; id += 2) {  // nobody accepts them
                    for (int i = 0; i < 2; ++i) {
                        const std::string part(60'000, 'x');
                        co_await check(on.say(data_frame(id, part, i == 0 ? +flag_syn : 0u)));
                    }
                    co_await check(hear_all(id));
                    CHECK(b.used <= b.limit);
                }
                co_await check(hear_all(0));
                CHECK(reset >= 5);
                co_await check(sleep_for(100ms));  // and the bystanders go on
                co_return {};
            }(p, *kept);
        };
        const auto accept_nothing = [](tcp_stream tcp, p2p::connection_options o,
                                       event& over) -> task<result<void>> {
            auto c = co_await check(p2p::accept(std::move(tcp), new_identity(), std::move(o)));
            auto ended = co_await c.run();
            over.set();
            co_return ended;
        };
        auto [there, here] = co_await check(connected_pair());
        event over;
        auto dialled = co_await when_all(
            [](tcp_stream t, auto f) -> task<result<void>> {
                auto p = co_await check(raw_peer::dial(std::move(t)));
                co_return co_await f(p);
            }(std::move(there), attack),
            accept_nothing(std::move(here), options, over), stand_by(over, kept));
        CHECK(error_of(std::get<0>(dialled)) == no_error);
        CHECK(error_of(std::get<1>(dialled)) == p2p::errc::truncated);
        CHECK(error_of(std::get<2>(dialled)) == no_error);
        CHECK(kept->used == 0);
        co_return {};
    }());
}

// ---- Agreeing on protocols

TEST_CASE("attack: messages of multistream-select without a byte") {
    run_in_worlds([]() -> task<result<void>> {
        const auto while_upgrading = [](tcp_stream tcp) -> task<result<void>> {
            const std::string zeros(1000, '\0');
            const std::string first = "\x13/multistream/1.0.0\n" + zeros;
            static_cast<void>(co_await write_all(tcp, bytes_of(first)));
            static_cast<void>(co_await discard_to_end(tcp));
            co_return {};
        };
        const auto end = co_await check(attacked(quiet(), while_upgrading));
        CHECK(end == p2p::errc::malformed_negotiation);

        const auto on_a_stream = [](raw_peer& p) -> task<result<void>> {
            const std::string zeros(1000, '\0');
            const std::string first = "\x13/multistream/1.0.0\n" + zeros;
            co_await check(p.say(data_frame(1, first, flag_syn)));
            for (;;) {
                const raw_peer::frame f = co_await check(p.hear());
                if (!f.header.has(flag_rst)) continue;
                CHECK(f.header.length == static_cast<unsigned>(reset_code::negotiation_failed));
                break;
            }
            // the connection goes on
            co_await check(p.say(data_frame(3, echo_request(), flag_syn | flag_fin)));
            const raw_peer::frame f = co_await check(hear(p, frame_type::data));
            CHECK(f.header.stream == 3);
            co_return {};
        };
        const auto after = co_await check(attacked_by_peer(quiet(), on_a_stream));
        CHECK(after == no_error);
        co_return {};
    });
}

TEST_CASE("attack: a handshake byte by byte (slowloris)") {
    run_test([]() -> task<result<void>> {
        enum stage { nothing, negotiation, first_message, last_message, muxer };
        for (const stage slow : {nothing, negotiation, first_message, last_message, muxer}) {
            INFO("stage " << slow);
            const auto attack = [slow](tcp_stream tcp) {
                return [](tcp_stream t, stage at) -> task<result<void>> {
                    const auto drip = [](tcp_stream& to, std::string text) -> task<result<void>> {
                        for (const char& one : text) {
                            co_await check(sleep_for(20ms));
                            co_await check(write_all(to, bytes_of({&one, 1})));
                        }
                        co_return {};
                    };
                    const p2p::identity own = new_identity();
                    raw_handshake h{t};
                    result<void> went = co_await sleep_for(at == nothing ? 300ms : 0ms);
                    const std::string proposal = raw_handshake::proposal();
                    if (at == negotiation)
                        went = co_await drip(t, proposal);
                    else
                        went = (co_await write_all(t, bytes_of(proposal))).status();
                    if (!went) co_return {};
                    const std::string first = h.message({});
                    if (at == first_message)
                        went = co_await drip(t, first);
                    else
                        went = (co_await write_all(t, bytes_of(first))).status();
                    if (!went) co_return {};
                    const auto answered = co_await h.hear_answer();
                    if (!answered) co_return {};
                    const std::string last = h.message(raw_handshake::payload(
                        own.public_key().encode(), own.sign(h.statement()), {}));
                    if (at == last_message)
                        went = co_await drip(t, last);
                    else
                        went = (co_await write_all(t, bytes_of(last))).status();
                    if (!went) co_return {};
                    // a record of which no end comes
                    static_cast<void>(co_await drip(t, std::string(100, 'x')));
                    co_return {};
                }(std::move(tcp), slow);
            };
            p2p::connection_options options;
            options.timeout = 200ms;
            const auto end = co_await check(attacked(options, attack));
            CHECK(end == errc::timed_out);
        }
        co_return {};
    }());
}

TEST_CASE("attack: a listener that answers byte by byte") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        p2p::connection_options options;
        options.timeout = 200ms;
        auto [dialed, dripped] = co_await when_all(
            dial_and(std::move(client), new_identity(), options, serve_echo),
            [](tcp_stream t) -> task<result<void>> {
                for (const char& one : raw_handshake::proposal()) {
                    co_await check(sleep_for(20ms));
                    const auto r = co_await write_all(t, bytes_of({&one, 1}));
                    if (r.ec) break;
                }
                co_return {};
            }(std::move(server)));
        CHECK(error_of(dialed) == errc::timed_out);
        CHECK(error_of(dripped) == no_error);
        co_return {};
    }());
}

// ---- Noise

TEST_CASE("attack: records that are none, and what comes behind") {
    run_in_worlds([]() -> task<result<void>> {
        const std::string too_short("\0\x0f" "123456789012345", 17);
        const std::string forged = std::string("\0\x20", 2) + std::string(32, 'x');
        for (const std::string& record : {too_short, forged}) {
            const auto attack = [record](raw_peer& p) {
                return [](raw_peer& on, std::string r) -> task<result<void>> {
                    co_await check(on.say_unsealed(r));
                    static_cast<void>(co_await on.say(data_frame(1, echo_request(), flag_syn)));
                    for (;;) {
                        const auto f = co_await on.hear();
                        if (!f) break;
                        CHECK(f->header.type != frame_type::data);
                    }
                    co_return {};
                }(p, record);
            };
            const auto end = co_await check(attacked_by_peer(quiet(), attack));
            CHECK(end == p2p::errc::bad_record);
        }
        co_return {};
    });
}

TEST_CASE("attack: points of low order") {
    run_test([]() -> task<result<void>> {
        const std::string zeros(31, '\0'), ones(30, '\xff');
        const std::string points[] = {
            '\0' + zeros,
            '\1' + zeros,
            "\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a"
            "\xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8" + std::string(1, '\0'),
            "\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b"
            "\x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57",
            '\xec' + ones + '\x7f',
            '\xed' + ones + '\x7f',
            '\xee' + ones + '\x7f',
        };
        for (std::string point : points) {
            for (const char high_bit : {'\0', '\x80'}) {
                point[31] = static_cast<char>(point[31] | high_bit);
                const auto attack = [point](tcp_stream tcp) {
                    return [](tcp_stream t, std::string p) -> task<result<void>> {
                        const std::string first =
                            raw_handshake::proposal() + raw_handshake::framed(p);
                        co_await check(write_all(t, bytes_of(first)));
                        static_cast<void>(co_await discard_to_end(t));
                        co_return {};
                    }(std::move(tcp), point);
                };
                const auto end = co_await check(attacked(quiet(), attack));
                CHECK(end == p2p::errc::bad_handshake);
            }
        }
        co_return {};
    }());
}

namespace {

std::string der(char tag, const std::string& content) {
    const std::size_t size = content.size();
    std::string head{tag};
    if (size >= 256) head += {'\x82', static_cast<char>(size >> 8)};
    else if (size >= 128) head += '\x81';
    return head + static_cast<char>(size) + content;
}

/// An RSA key with a modulus of so many bytes, as a message.
std::vector<std::byte> rsa_key(std::size_t n) {
    const std::string modulus = std::string("\0\xc1", 2) + std::string(n - 1, '\x55');
    const std::string exponent("\x02\x03\1\0\1", 5);
    const std::string numbers = der('\x30', der('\x02', modulus) + exponent);
    const std::string algorithm("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15);
    const std::string info =
        der('\x30', algorithm + der('\x03', std::string(1, '\0') + numbers));
    p2p::protobuf::writer key;
    key.varint(1, 0).bytes(2, bytes_of(info));
    return key.take();
}

}  // namespace

TEST_CASE("attack: RSA keys of a size that takes long to verify with (CVE-2023-39533)") {
    run_test([]() -> task<result<void>> {
        const std::pair<std::size_t, p2p::errc> keys[] = {
            {128, p2p::errc::unsupported_key}, {256, p2p::errc::bad_identity},
            {1032, p2p::errc::malformed_key}, {60'000, p2p::errc::malformed_key}};
        for (const auto& [bytes, refusal] : keys) {
            const auto attack = [n = bytes](tcp_stream tcp) {
                return [](tcp_stream t, std::size_t size) -> task<result<void>> {
                    raw_handshake h{t};
                    const std::string first = raw_handshake::proposal() + h.message({});
                    co_await check(write_all(t, bytes_of(first)));
                    co_await check(h.hear_answer());
                    const std::vector<std::byte> proof(std::min<std::size_t>(size, 4096));
                    const std::string last =
                        h.message(raw_handshake::payload(rsa_key(size), proof, {}));
                    static_cast<void>(co_await write_all(t, bytes_of(last)));
                    static_cast<void>(co_await discard_to_end(t));
                    co_return {};
                }(std::move(tcp), n);
            };
            const auto end = co_await check(attacked(quiet(), attack));
            CHECK(end == refusal);
        }
        co_return {};
    }());
}
