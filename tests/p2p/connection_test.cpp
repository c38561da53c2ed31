// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/connection.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "p2p/peers.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Sends `n` bytes to the echo and gets them back.
task<result<void>> echoes(p2p::connection& peer, std::uint64_t n) {
    auto s = co_await check(peer.open("/echo/1.0.0"));
    auto [sent, got] = co_await when_all(
        [](p2p::stream& to, std::uint64_t count) -> task<result<void>> {
            const auto fed = co_await feed(to, count);
            co_await check(fed.status());
            co_return co_await to.shutdown_write();
        }(s, n),
        drain(s));
    CHECK(error_of(sent) == no_error);
    CHECK(got.n == n);
    CHECK(got.intact);
    CHECK(got.no_empty);
    CHECK(got.end == errc::eof);
    co_return {};
}

}  // namespace

TEST_CASE("connection: a stream is opened, and echoes") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await meet_echo([](p2p::connection& c) -> task<result<void>> {
            co_await check(echoes(c, 0));
            co_await check(echoes(c, 1));
            co_return co_await echoes(c, 100'000);
        });
    });
}

namespace {

/// A transport that remembers how much each write took, and counts the reads.
struct counting_stream {
    any_stream inner;
    std::vector<std::size_t>* writes;

    task<io_result> read_some(std::span<std::byte> into) {
        co_return co_await inner.read_some(into);
    }
    task<io_result> write_some(std::span<const std::byte> bytes) {
        const io_result r = co_await inner.write_some(bytes);
        writes->push_back(r.n);
        co_return r;
    }
    task<result<void>> shutdown_write() { co_return co_await inner.shutdown_write(); }
};

/// One byte there and back, on a stream of its own.
task<result<void>> one_byte(p2p::connection& peer) {
    auto s = co_await check(peer.open("/echo/1.0.0"));
    std::byte there{7}, back{};
    co_await check(write_all(s, std::span(&there, 1)));
    co_await check(read_exactly(s, std::span(&back, 1)));
    CHECK(back == there);
    co_await check(s.shutdown_write());
    co_return {};
}

/// Holds the connection until it ends.
task<result<void>> just_listen(p2p::connection& peer) {
    for (;;) {
        auto accepted = co_await peer.accept();
        if (accepted) continue;
        if (accepted.error() == errc::eof) co_return {};
        co_return fail(accepted.error());
    }
}

/// Accepts one stream and hands it to `f`; the connection is held until its peer closes it.
template <class F>
task<result<void>> serve_one(p2p::connection& peer, F f) {
    auto s = co_await check(peer.accept());
    co_await check(s.negotiate(echo_protocols()));
    co_await check(f(s));
    co_return co_await just_listen(peer);
}

}  // namespace

namespace {

/// How often each side writes until one byte has gone there and back on a new connection.
struct writes {
    std::size_t by_dialer = 0, by_listener = 0;
};

task<result<writes>> writes_of_one_byte(p2p::connection_options options) {
    std::vector<std::size_t> by_dialer, by_listener;
    auto [client, server] = co_await check(connected_pair());
    any_stream at_dialer{counting_stream{std::move(client), &by_dialer}};
    any_stream at_listener{counting_stream{std::move(server), &by_listener}};
    writes until_then;
    const auto body = [&](p2p::connection& c) {
        return [](p2p::connection& on, std::vector<std::size_t>& d, std::vector<std::size_t>& l,
                  writes& n) -> task<result<void>> {
            co_await check(one_byte(on));
            n = {d.size(), l.size()};
            co_return {};
        }(c, by_dialer, by_listener, until_then);
    };
    auto [d, l] = co_await when_all(
        dial_and(std::move(at_dialer), new_identity(), options, body),
        accept_and(std::move(at_listener), new_identity(), options, serve_echo));
    CHECK(error_of(d) == no_error);
    CHECK(error_of(l) == no_error);
    co_return until_then;
}

}  // namespace

TEST_CASE("connection: connecting and one byte there and back take two writes of each side") {
    run_test([]() -> task<result<void>> {
        for (const bool early_muxer : {true, false}) {
            p2p::connection_options options;
            options.early_muxer = early_muxer;
            const writes n = co_await check(writes_of_one_byte(options));
            // TCP is one round trip, and these are the two others
            CHECK(n.by_dialer == 2);
            CHECK(n.by_listener == 2);
        }
        co_return {};
    }());
}

TEST_CASE("connection: who is not lazy waits for the answer to each proposal") {
    run_test([]() -> task<result<void>> {
        p2p::connection_options options;
        options.lazy_negotiation = false;
        // Noise, its first message, its last and the stream's protocol, the byte
        const writes early = co_await check(writes_of_one_byte(options));
        CHECK(early.by_dialer == 4);
        CHECK(early.by_listener == 4);
        options.early_muxer = false;
        const writes behind = co_await check(writes_of_one_byte(options));
        CHECK(behind.by_dialer == 5);
        CHECK(behind.by_listener == 5);
        co_return {};
    }());
}

TEST_CASE("connection: who is not lazy is told at once that the peer does not take a protocol") {
    run_in_worlds([]() -> task<result<void>> {
        meeting m;
        m.dialers.lazy_negotiation = false;
        co_return co_await meet_echo(std::move(m), [](p2p::connection& c) -> task<result<void>> {
            const auto none = co_await c.open("/nobody/knows/1.0.0");
            CHECK(error_of(none) == p2p::errc::protocol_not_supported);
            co_return co_await echoes(c, 1000);  // the connection goes on
        });
    });
}

TEST_CASE("connection: the muxer is agreed on in all ways") {
    run_in_worlds([]() -> task<result<void>> {
        for (unsigned way = 0; way < 8; ++way) {
            const bool by_dialer = way & 1, by_listener = way & 2;
            meeting m;
            m.dialers.early_muxer = by_dialer;
            m.listeners.early_muxer = by_listener;
            m.dialers.lazy_negotiation = m.listeners.lazy_negotiation = way & 4;
            const bool early = by_dialer && by_listener;
            const auto both = co_await check(meet(
                std::move(m),
                [early](p2p::connection& c) {
                    CHECK(c.early_muxer() == early);
                    return echoes(c, 10'000);
                },
                [early](p2p::connection& c) {
                    CHECK(c.early_muxer() == early);
                    return serve_echo(c);
                }));
            co_await check(both.dialer);
            co_await check(both.listener);
        }
        co_return {};
    });
}

TEST_CASE("connection: each side knows the other") {
    run_test([]() -> task<result<void>> {
        meeting m;
        m.dialers.expected_peer = m.listener.id();
        const p2p::identity dialer = m.dialer, listener = m.listener;
        int seen = 0;
        const auto both = co_await check(meet(
            std::move(m),
            [&](p2p::connection& c) {
                CHECK(c.remote_peer() == listener.id());
                CHECK(c.own_role() == p2p::role::dialer);
                CHECK(p2p::peer_id::of(c.remote_key()) == c.remote_peer());
                ++seen;
                return []() -> task<result<void>> { co_return {}; }();
            },
            [&](p2p::connection& c) {
                CHECK(c.remote_peer() == dialer.id());
                CHECK(c.own_role() == p2p::role::listener);
                ++seen;
                return just_listen(c);
            }));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == no_error);
        CHECK(seen == 2);
        co_return {};
    }());
}

TEST_CASE("connection: another peer than the expected one is not connected to") {
    run_in_worlds([]() -> task<result<void>> {
        meeting m;
        m.dialers.expected_peer = new_identity().id();
        const auto both = co_await check(meet(std::move(m), just_listen, just_listen));
        CHECK(error_of(both.dialer) == p2p::errc::wrong_peer);
        CHECK(error_of(both.listener) == p2p::errc::truncated);
        co_return {};
    });
}

TEST_CASE("connection: a peer that does not go on is given up in time") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        p2p::connection_options options;
        options.timeout = 50ms;
        const auto dialed =
            co_await p2p::connect(std::move(client), new_identity(), options);
        CHECK(error_of(dialed) == errc::timed_out);
        const auto accepted =
            co_await p2p::accept(std::move(server), new_identity(), options);
        CHECK(error_of(accepted) == p2p::errc::truncated);  // the dialer has left
        co_return {};
    }());
}

TEST_CASE("connection: a protocol that the peer does not take is told by the first read") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await meet_echo([](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.open("/nobody/knows/1.0.0"));
            CHECK(s.protocol() == "/nobody/knows/1.0.0");
            std::byte one[1];
            const auto r = co_await s.read_some(one);
            CHECK(r.ec == p2p::errc::protocol_not_supported);
            co_return co_await echoes(c, 1000);  // the connection goes on
        });
    });
}

namespace {

meeting with_little_time() {
    meeting m;
    m.dialers.negotiation_timeout = m.listeners.negotiation_timeout = 50ms;
    return m;
}

}  // namespace

TEST_CASE("connection: a peer that does not answer a proposal is given up in time") {
    run_test([]() -> task<result<void>> {
        meeting m = with_little_time();
        const auto both = co_await check(meet(
            std::move(m),
            [](p2p::connection& c) -> task<result<void>> {
                const auto proposed_at = clock::now();
                auto s = co_await check(c.open("/echo/1.0.0"));
                co_await check(write_all(s, bytes_of("request")));
                co_await check(sleep_for(20ms));
                auto [ended, read] = co_await when_all(s.shutdown_write(), drain(s));
                CHECK(is_ago(50ms, proposed_at));
                CHECK(error_of(ended) == errc::timed_out);
                CHECK(read.end == errc::timed_out);
                const auto again = co_await s.shutdown_write();
                CHECK(error_of(again) == errc::timed_out);
                const auto more = co_await s.write_some(bytes_of("x"));
                CHECK(more.ec == p2p::errc::stream_reset);

                std::vector<std::string> any{"/echo/1.0.0", "/echo/2.0.0"};
                const auto none = co_await c.open_first_of(std::move(any));
                CHECK(error_of(none) == errc::timed_out);
                co_return co_await echoes(c, 1000);  // the connection goes on
            },
            [](p2p::connection& c) -> task<result<void>> {
                auto silent = co_await check(c.accept());
                auto silent_too = co_await check(c.accept());
                auto s = co_await check(c.accept());
                co_await check(echo_stream(std::move(s)));
                CHECK(silent.reset_by_peer() == p2p::reset_code::negotiation_failed);
                co_return co_await just_listen(c);
            }));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == no_error);
        co_return {};
    }());
}

TEST_CASE("connection: who is not lazy gives up in time a peer that does not answer") {
    run_test([]() -> task<result<void>> {
        meeting m = with_little_time();
        m.dialers.lazy_negotiation = false;
        const auto both = co_await check(meet(
            std::move(m),
            [](p2p::connection& c) -> task<result<void>> {
                const auto proposed_at = clock::now();
                const auto none = co_await c.open("/echo/1.0.0");
                CHECK(error_of(none) == errc::timed_out);
                CHECK(is_ago(50ms, proposed_at));
                co_return co_await echoes(c, 1000);  // the connection goes on
            },
            [](p2p::connection& c) -> task<result<void>> {
                auto silent = co_await check(c.accept());
                auto s = co_await check(c.accept());
                CHECK(silent.reset_by_peer() == p2p::reset_code::negotiation_failed);
                co_await check(echo_stream(std::move(s)));
                co_return co_await just_listen(c);
            }));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == no_error);
        co_return {};
    }());
}

TEST_CASE("connection: a peer that proposes byte by byte is given up in time") {
    run_test([]() -> task<result<void>> {
        meeting m = with_little_time();
        const auto both = co_await check(meet(
            std::move(m),
            [](p2p::connection& c) -> task<result<void>> {
                auto s = co_await check(c.open_raw());
                io_result written;
                for (const char one : std::string("\x13/multistream/1.0.0\n")) {
                    if (written.ec) break;
                    written = co_await write_all(s, bytes_of({&one, 1}));
                    co_await check(sleep_for(5ms));
                }
                CHECK(written.ec == p2p::errc::stream_reset);
                CHECK(s.reset_by_peer() == p2p::reset_code::negotiation_failed);
                co_return co_await echoes(c, 1000);
            },
            [](p2p::connection& c) -> task<result<void>> {
                {
                    auto slow = co_await check(c.accept());
                    const auto accepted_at = clock::now();
                    const auto agreed = co_await slow.negotiate(echo_protocols());
                    CHECK(error_of(agreed) == errc::timed_out);
                    CHECK(is_ago(50ms, accepted_at));
                }
                co_return co_await serve_echo(c);
            }));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == no_error);
        co_return {};
    }());
}

TEST_CASE("connection: an answer that came in time may be read late") {
    run_in_worlds([]() -> task<result<void>> {
        meeting m = with_little_time();
        co_return co_await meet_echo(std::move(m), [](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.open("/echo/1.0.0"));
            co_await check(write_all(s, bytes_of("x")));
            co_await check(sleep_for(200ms));
            std::byte back[1];
            co_await check(read_exactly(s, back));
            co_return co_await s.shutdown_write();
        });
    });
}

TEST_CASE("connection: the first protocol that the peer takes") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await meet_echo([](p2p::connection& c) -> task<result<void>> {
            std::vector<std::string> protocols{"/echo/2.0.0", "/echo/1.0.0"};
            auto s = co_await check(c.open_first_of(std::move(protocols)));
            CHECK(s.protocol() == "/echo/1.0.0");
            co_await check(write_all(s, bytes_of("hello")));
            co_await check(s.shutdown_write());
            buffer back;
            const auto end = co_await read_to_end(s, back);
            CHECK(end.ec == no_error);
            CHECK(back.text() == "hello");

            std::vector<std::string> unknown{"/a", "/b"};
            const auto none = co_await c.open_first_of(std::move(unknown));
            CHECK(error_of(none) == p2p::errc::protocol_not_supported);
            co_return {};
        });
    });
}

TEST_CASE("connection: many streams at a time") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await meet_echo([](p2p::connection& c) -> task<result<void>> {
            std::vector<task<result<void>>> all;
            for (int i = 0; i < 300; ++i) all.push_back(echoes(c, 500));
            const auto ended = co_await when_all(std::move(all));
            for (const auto& r : ended) CHECK(error_of(r) == no_error);
            co_return {};
        });
    });
}

TEST_CASE("connection: both sides open streams") {
    run_in_worlds([]() -> task<result<void>> {
        const auto talk = [](p2p::connection& c) -> task<result<void>> {
            auto [echoed, served] = co_await when_all(
                [](p2p::connection& on) -> task<result<void>> {
                    co_await check(echoes(on, 10'000));
                    co_return {};
                }(c),
                [](p2p::connection& on) -> task<result<void>> {
                    auto s = co_await check(on.accept());
                    co_return co_await echo_stream(std::move(s));
                }(c));
            co_await check(std::move(echoed));
            co_return served;
        };
        meeting m;
        const auto both = co_await check(meet(std::move(m), talk, talk));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("connection: a reader that does not read stops its own stream only") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await meet_echo([](p2p::connection& c) -> task<result<void>> {
            // its echo is not read, so that it stops reading as well
            auto stuck = co_await check(c.open("/echo/1.0.0"));
            std::uint64_t taken = 0;
            for (;;) {
                const auto bytes = pattern(50'000, taken);
                const auto r = co_await with_timeout(stuck.write_some(bytes), 200ms);
                taken += r.n;
                if (r.ec == errc::timed_out) break;
                if (r.ec) co_return fail(r.ec);
                if (taken > 100'000'000) break;
            }
            CHECK(taken >= 256 * 1024);
            CHECK(taken <= 64 * 1024 * 1024);
            co_await check(echoes(c, 300'000));
            auto [ended, got] = co_await when_all(stuck.shutdown_write(), drain(stuck));
            CHECK(error_of(ended) == no_error);
            CHECK(got.n == taken);
            CHECK(got.intact);
            CHECK(got.end == errc::eof);
            co_return {};
        });
    });
}

TEST_CASE("connection: a stream that writes much does not keep the others out") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await meet_echo([](p2p::connection& c) -> task<result<void>> {
            auto [bulk, first, second] =
                co_await when_all(echoes(c, 2'000'000), echoes(c, 2000), echoes(c, 2000));
            CHECK(error_of(bulk) == no_error);
            CHECK(error_of(first) == no_error);
            CHECK(error_of(second) == no_error);
            co_return {};
        });
    });
}

TEST_CASE("connection: a write that waits ends when the stream is finished") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await meet_echo([](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.open("/echo/1.0.0"));
            const auto finish_later = [](p2p::stream& of) -> task<result<void>> {
                co_await check(sleep_for(200ms));
                co_return co_await of.shutdown_write();
            };
            // the echo is not read, so it stops reading as well
            auto [sent, finished] = co_await when_all(feed(s, 100'000'000), finish_later(s));
            CHECK(sent.ec == errc::closed);
            CHECK(error_of(finished) == no_error);
            const auto got = co_await drain(s);
            CHECK(got.n == sent.n);
            CHECK(got.end == errc::eof);
            co_return {};
        });
    });
}

TEST_CASE("connection: a reset says why, to reads and writes that wait") {
    run_in_worlds([]() -> task<result<void>> {
        meeting m;
        const auto both = co_await check(meet(
            std::move(m),
            [](p2p::connection& c) -> task<result<void>> {
                auto s = co_await check(c.open("/echo/1.0.0"));
                co_await check(write_all(s, bytes_of("x")));
                auto [sent, got] = co_await when_all(feed(s, 10'000'000), drain(s));
                CHECK(sent.ec == p2p::errc::stream_reset);
                CHECK(got.end == p2p::errc::stream_reset);
                CHECK(s.reset_by_peer() == p2p::reset_code{0x10001});
                co_return {};
            },
            [](p2p::connection& c) {
                return serve_one(c, [](p2p::stream& s) -> task<result<void>> {
                    std::byte one[1];
                    co_await check(read_exactly(s, one));
                    s.reset(p2p::reset_code{0x10001});
                    const auto after = co_await s.read_some(one);
                    CHECK(after.ec == p2p::errc::stream_reset);
                    CHECK_FALSE(s.reset_by_peer());
                    co_return {};
                });
            }));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("connection: a stream is not finished before its protocol is agreed on") {
    run_in_worlds([]() -> task<result<void>> {
        bool answered = false;
        meeting m;
        const auto both = co_await check(meet(
            std::move(m),
            [&answered](p2p::connection& c) -> task<result<void>> {
                auto s = co_await check(c.open("/echo/1.0.0"));
                co_await check(write_all(s, bytes_of("ahead")));
                co_await check(s.shutdown_write());
                CHECK(answered);
                auto other = co_await check(c.open("/unknown/1.0.0"));
                const auto refused = co_await other.shutdown_write();
                CHECK(error_of(refused) == p2p::errc::protocol_not_supported);
                co_return {};
            },
            [&answered](p2p::connection& c) -> task<result<void>> {
                auto s = co_await check(c.accept());
                co_await check(sleep_for(20ms));
                answered = true;
                co_await check(s.negotiate(echo_protocols()));
                buffer heard;
                const auto end = co_await read_to_end(s, heard);
                CHECK(end.ec == no_error);
                CHECK(heard.text() == "ahead");
                auto other = co_await check(c.accept());
                const auto refused = co_await other.negotiate(echo_protocols());
                CHECK_FALSE(refused.has_value());
                co_return co_await just_listen(c);
            }));
        CHECK(error_of(both.dialer) == no_error);
        co_return {};
    });
}

TEST_CASE("connection: a stream that is dropped is reset, and one that was finished is not") {
    run_in_worlds([]() -> task<result<void>> {
        meeting m;
        const auto both = co_await check(meet(
            std::move(m),
            [](p2p::connection& c) -> task<result<void>> {
                {
                    auto s = co_await check(c.open("/echo/1.0.0"));
                    co_await check(write_all(s, bytes_of("all of it")));
                    co_await check(s.shutdown_write());
                }
                auto s = co_await check(c.open("/echo/1.0.0"));
                {
                    auto dropped = std::move(s);
                    co_await check(write_all(dropped, bytes_of("some of it")));
                    std::byte one[1];
                    co_await check(read_exactly(dropped, one));
                }
                co_return co_await just_listen(c);
            },
            [](p2p::connection& c) -> task<result<void>> {
                auto finished = co_await check(c.accept());
                co_await check(finished.negotiate(echo_protocols()));
                buffer heard;
                const auto end = co_await read_to_end(finished, heard);
                CHECK(end.ec == no_error);
                CHECK(heard.text() == "all of it");
                auto dropped = co_await check(c.accept());
                co_await check(dropped.negotiate(echo_protocols()));
                co_await check(write_all(dropped, bytes_of("x")));
                buffer in;
                const auto reset = co_await read_to_end(dropped, in);
                CHECK(reset.ec == p2p::errc::stream_reset);
                co_return {};
            }));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("connection: closing ends what the peer awaits, and streams are cut off") {
    run_in_worlds([]() -> task<result<void>> {
        meeting m;
        const auto both = co_await check(meet(
            std::move(m),
            [](p2p::connection& c) -> task<result<void>> {
                auto s = co_await check(c.open("/echo/1.0.0"));
                co_await check(write_all(s, bytes_of("x")));
                std::byte one[1];
                co_await check(read_exactly(s, one));
                c.close();
                const auto r = co_await s.read_some(one);
                CHECK(r.ec == errc::closed);
                const auto accepted = co_await c.accept();
                CHECK(error_of(accepted) == errc::closed);
                const auto opened = co_await c.open("/echo/1.0.0");
                CHECK(opened.error() == errc::closed);
                co_return {};
            },
            [](p2p::connection& c) {
                return serve_one(c, [](p2p::stream& s) -> task<result<void>> {
                    std::byte one[1];
                    co_await check(read_exactly(s, one));
                    co_await check(write_all(s, one));
                    const auto r = co_await s.read_some(one);
                    CHECK(r.ec == p2p::errc::truncated);
                    co_return {};
                });
            }));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == p2p::errc::truncated);
        co_return {};
    });
}

namespace {

/// What a peer says that opens a stream and asks for no answer: its proposal and more.
std::string whole_request() { return "\x13/multistream/1.0.0\n\x0c/echo/1.0.0\nall of it"; }

task<result<void>> say_all_and_go(p2p::connection& c) {
    for (int i = 0; i < 3; ++i) {
        auto s = co_await check(c.open_raw());
        co_await check(write_all(s, bytes_of(whole_request())));
        co_await check(s.shutdown_write());
    }
    co_return {};
}

/// Accepts three streams, each of them whole, and then the end.
task<result<void>> hear_all(p2p::connection& c) {
    for (int i = 0; i < 3; ++i) {
        auto s = co_await check(c.accept());
        co_await check(s.negotiate(echo_protocols()));
        CHECK(s.protocol() == "/echo/1.0.0");
        buffer heard;
        const auto end = co_await read_to_end(s, heard);
        CHECK(end.ec == no_error);
        CHECK(heard.text() == "all of it");
    }
    const auto none = co_await c.accept();
    CHECK(error_of(none) == errc::eof);
    co_return {};
}

}  // namespace

TEST_CASE("connection: what a peer said before it closed at once is heard, also later") {
    run_in_worlds([]() -> task<result<void>> {
        for (const auto patience : {0ms, 1ms, 500ms}) {
            meeting m;
            const auto both = co_await check(
                meet(std::move(m), say_all_and_go, [&](p2p::connection& c) {
                    return [](p2p::connection& on, clock::duration d) -> task<result<void>> {
                        if (d > 0ms) co_await check(sleep_for(d));
                        co_return co_await hear_all(on);
                    }(c, patience);
                }));
            CHECK(error_of(both.dialer) == no_error);
            CHECK(error_of(both.listener) == no_error);
        }
        co_return {};
    });
}

TEST_CASE("connection: a peer that has closed it is told nothing more") {
    run_in_worlds([]() -> task<result<void>> {
        meeting m;
        const auto both = co_await check(
            meet(std::move(m), say_all_and_go, [](p2p::connection& c) -> task<result<void>> {
                auto s = co_await check(c.accept());
                co_await check(sleep_for(500ms));
                co_await check(s.negotiate(echo_protocols()));
                const auto written = co_await s.write_some(bytes_of("answer"));
                CHECK(written.ec == errc::connection_reset);
                const auto finished = co_await s.shutdown_write();
                CHECK(error_of(finished) == errc::connection_reset);
                co_return {};
            }));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("connection: a peer that ends it for a reason says so") {
    run_in_worlds([]() -> task<result<void>> {
        meeting m;
        const auto both = co_await check(meet(
            std::move(m),
            [](p2p::connection& c) -> task<result<void>> {
                const auto accepted = co_await c.accept();
                CHECK(error_of(accepted) == p2p::errc::closed_by_peer);
                CHECK(c.peer_went_away() == p2p::go_away_code::gated);
                co_return {};
            },
            [](p2p::connection& c) -> task<result<void>> {
                c.close(p2p::go_away_code::gated);
                co_return {};
            }));
        CHECK(error_of(both.dialer) == p2p::errc::closed_by_peer);
        CHECK(error_of(both.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("connection: reads and writes end with a timeout, and nothing is lost") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await meet_echo([](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.open("/echo/1.0.0"));
            std::array<std::byte, 100> into;
            const auto late = co_await with_timeout(s.read_some(into), 50ms);
            CHECK(late.ec == errc::timed_out);
            co_await check(write_all(s, pattern(100)));
            const auto got = co_await drain(s, 100);
            CHECK(got.intact);
            CHECK(got.n == 100);
            const auto none = co_await with_timeout(c.accept(), 5ms);
            CHECK(error_of(none) == errc::timed_out);
            co_await check(s.shutdown_write());
            const auto more = co_await s.write_some(into);
            CHECK(more.ec == errc::closed);
            const auto end = co_await s.read_some(into);
            CHECK(end.ec == errc::eof);
            co_return {};
        });
    });
}

TEST_CASE("connection: a stream is not idle when a read has ended with a timeout") {
    run_in_worlds([]() -> task<result<void>> {
        meeting m;
        m.dialers.yamux.idle_stream = 100ms;
        co_return co_await meet_echo(std::move(m), [](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.open("/echo/1.0.0"));
            co_await check(write_all(s, pattern(100)));
            const auto begun = co_await drain(s, 100);
            CHECK(begun.intact);
            std::array<std::byte, 100> into;
            const auto late = co_await with_timeout(s.read_some(into), 20ms);
            CHECK(late.ec == errc::timed_out);
            const auto none = co_await with_timeout(s.read_chunk(), 20ms);
            CHECK(error_of(none) == errc::timed_out);
            co_await check(sleep_for(400ms));
            co_await check(write_all(s, pattern(100)));
            const auto got = co_await drain(s, 100);
            CHECK(got.intact);
            co_return co_await s.shutdown_write();
        });
    });
}

TEST_CASE("connection: a stream is not idle when a write has ended with a timeout") {
    run_in_worlds([]() -> task<result<void>> {
        const auto fill = [](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.open_first_of(echo_protocols()));
            const auto bytes = pattern(50'000);
            for (std::error_code ec; !ec;) {
                const io_result r = co_await with_timeout(s.write_some(bytes), 20ms);
                ec = r.ec;
                if (ec) CHECK(ec == errc::timed_out);
            }
            co_await check(sleep_for(400ms));
            const io_result more = co_await s.write_some({});
            CHECK(more.ec == no_error);
            s.reset();
            co_return {};
        };
        const auto never_read = [](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.accept());
            co_await check(s.negotiate(echo_protocols()));
            const auto none = co_await c.accept();
            CHECK(error_of(none) == errc::eof);
            co_return {};
        };
        meeting m;
        m.dialers.yamux.idle_stream = 100ms;
        const auto both = co_await check(meet(std::move(m), fill, never_read));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("connection: a stream outlives its connection") {
    run_test([]() -> task<result<void>> {
        std::optional<p2p::stream> kept;
        meeting m;
        const p2p::peer_id listener = m.listener.id();
        const auto keep_one = [&](p2p::connection& c) {
            return [](p2p::connection& on, std::optional<p2p::stream>& s) -> task<result<void>> {
                s = co_await check(on.open("/echo/1.0.0"));
                co_await check(write_all(*s, bytes_of("x")));
                std::byte got[1];
                co_return (co_await read_exactly(*s, got)).status();
            }(c, kept);
        };
        const auto both = co_await check(meet(std::move(m), keep_one, serve_echo));
        CHECK(error_of(both.dialer) == no_error);
        CHECK(error_of(both.listener) == p2p::errc::truncated);
        std::byte one[1];
        const auto read = co_await kept->read_some(one);
        CHECK(read.ec == errc::closed);
        const auto written = co_await kept->write_some(one);
        CHECK(written.ec == errc::closed);
        CHECK(kept->remote_peer() == listener);
        co_return {};
    }());
}

TEST_CASE("connection: a peer that is gone without a word is noticed") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        p2p::connection_options options;
        options.yamux.keep_alive = 20ms;
        options.yamux.answer_within = 20ms;
        auto [d, l] = co_await when_all(
            dial_and(std::move(client), new_identity(), options, just_listen),
            [](any_stream transport) -> task<result<void>> {
                // shakes hands, and is silent then
                auto peer = co_await check(p2p::secure(std::move(transport),
                                                       p2p::role::listener, new_identity()));
                co_return (co_await discard_to_end(peer)).status();
            }(std::move(server)));
        CHECK(error_of(d) == p2p::errc::ping_unanswered);
        CHECK(error_of(l) == no_error);
        co_return {};
    }());
}

TEST_CASE("connection: live peers that say nothing keep the connection") {
    run_test([]() -> task<result<void>> {
        meeting m;
        m.dialers.yamux.keep_alive = m.listeners.yamux.keep_alive = 10ms;
        co_return co_await meet_echo(std::move(m), [](p2p::connection& c) -> task<result<void>> {
            co_await check(sleep_for(200ms));
            co_return co_await echoes(c, 100);
        });
    }());
}

namespace {

/// A transport that takes no more writes, from when the test says so, while reading goes on.
struct deaf_stream {
    any_stream inner;
    const bool* reset;

    task<io_result> read_some(std::span<std::byte> into) {
        co_return co_await inner.read_some(into);
    }
    task<io_result> write_some(std::span<const std::byte> bytes) {
        if (*reset) co_return io_result{errc::connection_reset, 0};
        co_return co_await inner.write_some(bytes);
    }
    task<result<void>> shutdown_write() { co_return co_await inner.shutdown_write(); }
};

}  // namespace

TEST_CASE("connection: why the peer ended it is read, though writing fails") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        bool reset = false;
        any_stream at_dialer{deaf_stream{std::move(client), &reset}};
        const auto write_in_vain = [&](p2p::connection& c) {
            return [](p2p::connection& on, bool& r) -> task<result<void>> {
                auto s = co_await check(on.open("/echo/1.0.0"));
                std::byte one[1]{};
                co_await check(write_all(s, one));
                co_await check(read_exactly(s, one));
                r = true;
                co_await check(write_all(s, one));
                const auto read = co_await s.read_some(one);
                CHECK(read.ec == p2p::errc::closed_by_peer);
                co_return {};
            }(c, reset);
        };
        const auto end_soon = [](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.accept());
            co_await check(s.negotiate(echo_protocols()));
            std::byte one[1];
            co_await check(read_exactly(s, one));
            co_await check(write_all(s, one));
            co_await check(sleep_for(5ms));
            c.close(p2p::go_away_code::shutdown);
            co_return {};
        };
        auto [d, l] = co_await when_all(
            dial_and(std::move(at_dialer), new_identity(), quiet(), write_in_vain),
            accept_and(std::move(server), new_identity(), quiet(), end_soon));
        CHECK(error_of(d) == p2p::errc::closed_by_peer);
        CHECK(error_of(l) == no_error);
        co_return {};
    }());
}
