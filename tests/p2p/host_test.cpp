// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/host.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <copoll/scope.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace std::chrono_literals;
using namespace copoll_tests;
using p2p::multiaddr;

namespace {

task<result<void>> echo_back(p2p::stream s) {
    co_await check((co_await copy(s, s)).status());
    co_return co_await s.shutdown_write();
}

/// Listens in memory, echoes, and has no timers that would hide that nothing can happen any more.
p2p::host_options node(p2p::memory_network& memory) {
    p2p::host_options options;
    options.limits.idle_stream = {};
    options.listen = {"/memory/0"};
    options.transport.memory = &memory;
    options.transport.connection.yamux.keep_alive = clock::duration{};
    options.idle_connection = clock::duration::max();
    return options;
}

p2p::host_options tcp_node() {
    p2p::host_options options;
    options.limits.idle_stream = {};
    options.listen = {"/ip4/127.0.0.1/tcp/0"};
    options.transport.connection.yamux.keep_alive = clock::duration{};
    options.idle_connection = clock::duration::max();
    return options;
}

task<result<void>> expect_echo(p2p::stream& s) {
    std::array<std::byte, 3> sent{std::byte{1}, std::byte{2}, std::byte{3}}, got{};
    co_await check(write_all(s, sent));
    co_await check(read_exactly(s, got));
    CHECK(got == sent);
    co_return {};
}

/// Runs two hosts that echo, and `f(asking, asked, args...)` beside them.
template <class F, class... Args>
task<result<void>> with_two(p2p::host& asking, p2p::host& asked, F f, Args... args) {
    asking.handle("/echo/1.0.0", echo_back);
    asked.handle("/echo/1.0.0", echo_back);
    const auto inner = [](p2p::host& one, p2p::host* other, F body,
                          Args... with) -> task<result<void>> {
        const auto both = [](p2p::host& second, p2p::host* first, F run,
                             Args... rest) -> task<result<void>> {
            co_return co_await run(*first, second, rest...);
        };
        co_return co_await p2p::with_host(*other, both, &one, body, with...);
    };
    co_return co_await p2p::with_host(asking, inner, &asked, f, args...);
}

/// Two hosts in memory.
template <class F>
task<result<void>> between_two(F f) {
    p2p::memory_network memory;
    p2p::host asking{node(memory)}, asked{node(memory)};
    co_return co_await with_two(asking, asked, f);
}

/// Until `condition`, which some other task brings about.
template <class Condition>
task<result<void>> until(Condition condition) {
    for (int i = 0; i < 5000; ++i) {
        if (condition()) co_return {};
        co_await check(sleep_for(1ms));
    }
    co_return fail(errc::timed_out);
}

}  // namespace

TEST_CASE("host: opens a stream to an address, and another one over the same connection") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::host asking{tcp_node()}, asked{tcp_node()};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            REQUIRE(b.addresses().size() == 1);
            const auto at = b.addresses().front();
            CHECK(at.peer() == b.id());
            const std::string text = at.to_string();
            auto first = co_await check(a.open(text, "/echo/1.0.0"));
            CHECK(first.remote_peer() == b.id());
            auto second = co_await check(a.open(b.id(), "/echo/1.0.0"));
            co_await check(expect_echo(first));
            co_await check(expect_echo(second));
            CHECK(a.stats().connections == 1);
            CHECK(b.stats().connections == 1);
            CHECK(a.connected_peers() == std::vector{b.id()});
            CHECK(b.is_connected(a.id()));
            auto back = co_await check(b.open(a.id(), "/echo/1.0.0"));
            CHECK(b.stats().connections == 1);
            co_return co_await expect_echo(back);
        });
    });
}

TEST_CASE("host: peers tell each other who they are") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        auto named = node(memory);
        named.agent_version = "asked/1.0";
        p2p::host asking{node(memory)}, asked{std::move(named)};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            co_await check(a.connect(b.addresses().front()));
            co_await check(until([&] {
                const auto* known = a.peers().find(b.id());
                const auto* other = b.peers().find(a.id());
                return known && !known->protocols.empty() && other && !other->protocols.empty();
            }));
            const auto* known = a.peers().find(b.id());
            CHECK(known->agent_version == "asked/1.0");
            CHECK(std::ranges::count(known->protocols, "/echo/1.0.0") == 1);
            CHECK(std::ranges::count(known->protocols, p2p::identify_protocol) == 1);
            CHECK(known->record_sequence);
            const auto* other = b.peers().find(a.id());
            REQUIRE(other->addresses.size() == 1);
            CHECK(other->addresses[0].address == a.addresses().front().without_peer());
            CHECK(other->addresses[0].source == p2p::address_source::signed_record);
            co_return {};
        });
    });
}

TEST_CASE("host: a protocol that is handled later is told to those who are connected") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await between_two([](p2p::host& a, p2p::host& b) -> task<result<void>> {
            const auto speaks = [&](std::string_view protocol) {
                const auto* known = a.peers().find(b.id());
                return known && std::ranges::count(known->protocols, protocol) == 1;
            };
            co_await check(a.connect(b.addresses().front()));
            co_await check(until([&] { return speaks("/echo/1.0.0"); }));
            co_await check(sleep_for(200ms));  // what was under way at the beginning
            b.handle("/late/1.0.0", echo_back);
            co_await check(until([&] { return speaks("/late/1.0.0"); }));
            b.stop_handling("/late/1.0.0");
            co_await check(until([&] { return !speaks("/late/1.0.0"); }));
            auto s = co_await check(a.open(b.id(), "/late/1.0.0"));
            const auto echoed = co_await expect_echo(s);
            CHECK(error_of(echoed) == p2p::errc::protocol_not_supported);
            co_return {};
        });
    });
}

TEST_CASE("host: one that is not lazy is told at once what the peer does not speak") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        p2p::host_options patient = node(memory);
        patient.transport.connection.lazy_negotiation = false;
        p2p::host asking{std::move(patient)}, asked{node(memory)};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            co_await check(a.connect(b.addresses().front()));
            const auto none = co_await a.open(b.id(), "/nobody/knows/1.0.0");
            CHECK(error_of(none) == p2p::errc::protocol_not_supported);
            co_await check(a.ping(b.id()));
            auto s = co_await check(a.open(b.id(), "/echo/1.0.0"));
            co_await check(expect_echo(s));
            CHECK(a.stats().connections == 1);  // the connection goes on
            co_return {};
        });
    });
}

TEST_CASE("host: an address that does not say whose it is leads over the same connection") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await between_two([](p2p::host& a, p2p::host& b) -> task<result<void>> {
            const auto at = *b.addresses().front().without_peer();
            auto first = co_await check(a.open(at, "/echo/1.0.0"));
            co_await check(expect_echo(first));
            auto second = co_await check(a.open(at, "/echo/1.0.0"));
            co_await check(expect_echo(second));
            CHECK(a.stats().connections == 1);
            co_return {};
        });
    });
}

TEST_CASE("host: a connection that has no ids left is replaced, and its streams go on") {
    run_in_worlds([]() -> task<result<void>> {
        auto worn = tcp_node(), fresh = tcp_node();
        worn.transport.connection.yamux.ids_used = 0x7ffffffe;  // of 2^31
        worn.identify = fresh.identify = false;
        p2p::host asking{std::move(worn)}, asked{std::move(fresh)};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            auto first = co_await check(a.open(b.addresses().front(), "/echo/1.0.0"));
            auto last = co_await check(a.open(b.id(), "/echo/1.0.0"));
            co_await check(expect_echo(first));
            CHECK(a.stats().connections == 1);
            auto next = co_await check(a.open(b.id(), "/echo/1.0.0"));
            co_await check(expect_echo(next));
            CHECK(a.stats().connections == 2);
            co_await check(expect_echo(last));
            co_await check(expect_echo(first));
            co_await check(sleep_for(2s));
            CHECK(a.stats().connections == 2);
            for (p2p::stream* const s : {&first, &last}) {
                co_await check(s->shutdown_write());
                std::array<std::byte, 1> nothing;
                const io_result end = co_await s->read_some(nothing);
                CHECK(end.ec == errc::eof);
                const auto done = std::move(*s);
            }
            co_await check(until([&] { return a.stats().connections == 1; }));
            co_await check(expect_echo(next));
            co_return {};
        });
    });
}

TEST_CASE("host: pings") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await between_two([](p2p::host& a, p2p::host& b) -> task<result<void>> {
            co_await check(a.connect(b.addresses().front()));
            const auto there = co_await check(a.ping(b.id()));
            CHECK(there >= clock::duration{});
            co_await check(b.ping(a.id()));
            co_return {};
        });
    });
}

TEST_CASE("host: two who want the same peer dial once") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await between_two([](p2p::host& a, p2p::host& b) -> task<result<void>> {
            const auto at = b.addresses().front();
            auto [one, two, three] = co_await when_all(
                a.open(at, "/echo/1.0.0"), a.open(at, "/echo/1.0.0"), a.connect(at));
            CHECK(one);
            CHECK(two);
            CHECK(three == b.id());
            CHECK(a.stats().connections == 1);
            co_return {};
        });
    });
}

TEST_CASE("host: one that gives up its dial does not take it from another") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::host asking{tcp_node()}, asked{tcp_node()};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            const auto at = b.addresses().front();
            auto [gave_up, stayed] = co_await when_all(
                with_timeout(a.connect(at), clock::duration{}), a.connect(at));
            CHECK(error_of(gave_up) == errc::timed_out);
            CHECK(stayed == b.id());
            co_return {};
        });
    });
}

TEST_CASE("host: what cannot be reached") {
    run_test([]() -> task<result<void>> {
        co_return co_await between_two([](p2p::host& a, p2p::host& b) -> task<result<void>> {
            const p2p::identity nobody{p2p::private_key::generate_ed25519()};
            const auto unknown = co_await a.open(nobody.id(), "/echo/1.0.0");
            CHECK(error_of(unknown) == p2p::errc::unknown_peer);
            const auto itself = co_await a.connect(a.addresses().front());
            CHECK(error_of(itself) == p2p::errc::wrong_peer);
            const auto unnamed = co_await a.connect(*a.addresses().front().without_peer());
            CHECK(error_of(unnamed) == p2p::errc::wrong_peer);
            const auto wrong = co_await a.open("/ip4/1.2.3", "/echo/1.0.0");
            CHECK(error_of(wrong) == p2p::errc::malformed_multiaddr);
            const auto where = b.addresses().front().without_peer();
            const auto other = where->encapsulate(multiaddr::p2p(nobody.id()));
            const auto mistaken = co_await a.open(other, "/echo/1.0.0");
            CHECK(error_of(mistaken) == p2p::errc::wrong_peer);
            const auto empty = co_await a.connect(*multiaddr::parse("/memory/987654"));
            CHECK(error_of(empty) == errc::connection_refused);
            auto s = co_await check(a.open(b.addresses().front(), "/none/1.0.0"));
            const auto echoed = co_await expect_echo(s);
            CHECK(error_of(echoed) == p2p::errc::protocol_not_supported);
            const std::vector<std::string> none{"", "a\nb", std::string(2000, 'x')};
            for (std::size_t i = 0; i < none.size(); ++i) {
                const auto opened = co_await a.open(b.id(), none[i]);
                CHECK(error_of(opened) == errc::invalid_argument);
            }
            CHECK(a.stats().connections == 1);
            co_return {};
        });
    }());
}

TEST_CASE("host: one that is not run reaches nobody; addresses that are none do not start") {
    run_test([]() -> task<result<void>> {
        p2p::host idle;
        const auto opened = co_await idle.open("/memory/1", "/echo/1.0.0");
        CHECK(error_of(opened) == errc::closed);
        p2p::host_options wrong;
        wrong.listen = {"/ip4/127.0.0.1/tcp/0", "no address"};
        p2p::host broken{std::move(wrong)};
        const auto ran = co_await broken.run();
        CHECK(error_of(ran) == p2p::errc::malformed_multiaddr);
        CHECK(broken.addresses().empty());
        co_return {};
    }());
}

TEST_CASE("host: tells what happens") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        std::vector<std::string> log;
        auto watched = node(memory);
        watched.on_event = [&](const p2p::host_event& e) {
            if (std::holds_alternative<p2p::new_address>(e)) log.push_back("listens");
            if (std::holds_alternative<p2p::peer_connected>(e)) log.push_back("connected");
            if (std::holds_alternative<p2p::peer_identified>(e)) log.push_back("identified");
            if (const auto* gone = std::get_if<p2p::peer_disconnected>(&e))
                log.push_back(gone->reason ? "lost" : "left");
            if (std::holds_alternative<p2p::address_expired>(e)) log.push_back("expired");
            if (const auto* closed = std::get_if<p2p::listener_closed>(&e))
                log.push_back(closed->reason ? "failed" : "closed");
        };
        p2p::host asking{node(memory)}, asked{std::move(watched)};
        co_await check(with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                   -> task<result<void>> {
            co_await check(a.connect(b.addresses().front()));
            co_await check(until([&] {
                const auto* known = b.peers().find(a.id());
                return known && !known->protocols.empty();
            }));
            a.disconnect(b.id());
            CHECK_FALSE(a.is_connected(b.id()));
            co_return co_await until([&] { return b.stats().connections == 0; });
        }));
        CHECK(log == std::vector<std::string>{"listens", "connected", "identified", "left",
                                              "expired", "closed"});
        co_return {};
    });
}

TEST_CASE("host: a handler that fails resets its stream and is told; others go on") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        std::vector<p2p::handler_failed> failures;
        auto watched = node(memory);
        watched.on_event = [&](const p2p::host_event& e) {
            const auto* failed = std::get_if<p2p::handler_failed>(&e);
            if (failed && failed->protocol == "/broken/1.0.0") failures.push_back(*failed);
        };
        p2p::host asking{node(memory)}, asked{std::move(watched)};
        asked.handle("/broken/1.0.0", [](p2p::stream s) -> task<result<void>> {
            std::array<std::byte, 1> one;
            co_await check(read_exactly(s, one));
            co_return fail(errc::parse_error);
        });
        co_await check(with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                   -> task<result<void>> {
            const auto at = b.addresses().front();
            auto good = co_await check(a.open(at, "/echo/1.0.0"));
            auto bad = co_await check(a.open(at, "/broken/1.0.0"));
            const auto echoed = co_await expect_echo(bad);
            CHECK(error_of(echoed) == p2p::errc::stream_reset);
            co_return co_await expect_echo(good);
        }));
        REQUIRE(failures.size() == 1);
        CHECK(failures[0].peer == asking.id());
        CHECK(failures[0].error == errc::parse_error);
        co_return {};
    });
}

TEST_CASE("host: closes connections that nobody uses, and no others") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        auto impatient = node(memory);
        impatient.idle_connection = 200ms;
        p2p::host asking{std::move(impatient)}, asked{node(memory)};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            {
                auto s = co_await check(a.open(b.addresses().front(), "/echo/1.0.0"));
                co_await check(expect_echo(s));
                co_await check(sleep_for(500ms));
                CHECK(a.stats().connections == 1);
                co_await check(expect_echo(s));
                co_await check(s.shutdown_write());
            }
            co_await check(until([&] { return a.stats().connections == 0; }));
            co_await check(until([&] { return b.stats().connections == 0; }));
            auto again = co_await check(a.open(b.id(), "/echo/1.0.0"));  // the address is known
            co_return co_await expect_echo(again);
        });
    });
}

TEST_CASE("host: lets in as many connections as its limits say") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        std::vector<std::error_code> refused;
        auto strict = node(memory);
        strict.limits.incoming_connections = 2;
        strict.on_event = [&](const p2p::host_event& e) {
            if (const auto* failed = std::get_if<p2p::incoming_failed>(&e))
                refused.push_back(failed->error);
        };
        p2p::host asked{std::move(strict)};
        asked.handle("/echo/1.0.0", echo_back);
        co_await check(p2p::with_host(asked, [](p2p::host& b, p2p::memory_network* in)
                                                 -> task<result<void>> {
            p2p::host one{node(*in)}, two{node(*in)}, three{node(*in)};
            const auto at = b.addresses().front();
            const auto first = [](p2p::host& a, p2p::host* second, p2p::host* third,
                                  multiaddr to) -> task<result<void>> {
                auto kept = co_await check(a.open(to, "/echo/1.0.0"));
                co_await check(expect_echo(kept));
                const auto next = [](p2p::host& h, p2p::host* last,
                                     multiaddr where) -> task<result<void>> {
                    auto also = co_await check(h.open(where, "/echo/1.0.0"));
                    co_await check(expect_echo(also));
                    co_return co_await p2p::with_host(
                        *last, [](p2p::host& over, multiaddr there) -> task<result<void>> {
                            auto s = co_await over.open(there, "/echo/1.0.0");
                            const auto echoed = s ? co_await expect_echo(*s) : fail(s.error());
                            CHECK(!echoed);
                            co_return {};
                        }, where);
                };
                co_await check(p2p::with_host(*second, next, third, to));
                co_return co_await expect_echo(kept);
            };
            co_return co_await p2p::with_host(one, first, &two, &three, at);
        }, &memory));
        CHECK(refused == std::vector<std::error_code>{p2p::errc::too_many_connections});
        CHECK(asked.stats().refused_connections == 1);
        co_return {};
    });
}

TEST_CASE("host: dials no more than its limits say") {
    run_test([]() -> task<result<void>> {
        p2p::memory_network memory;
        auto strict = node(memory);
        strict.limits.connections = 0;
        p2p::host asking{std::move(strict)}, asked{node(memory)};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            const auto more = co_await a.connect(b.addresses().front());
            CHECK(error_of(more) == p2p::errc::too_many_connections);
            co_return {};
        });
    }());
}

TEST_CASE("host: serves as many streams as its limits say, and the protocol's") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        auto strict = node(memory);
        strict.limits.incoming_streams_of_peer = 3;
        p2p::host asking{node(memory)}, asked{std::move(strict)};
        p2p::handler_options one;
        one.streams_of_peer = 1;
        asked.handle("/one/1.0.0", echo_back, one);
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            const auto at = b.addresses().front();
            co_await check(a.connect(at));
            co_await check(until([&] {
                const auto* known = a.peers().find(b.id());
                return known && !known->protocols.empty() && b.stats().incoming_streams == 0;
            }));
            auto first = co_await check(a.open(at, "/one/1.0.0"));
            co_await check(expect_echo(first));
            auto second = co_await check(a.open(at, "/one/1.0.0"));
            const auto too_many = co_await expect_echo(second);
            CHECK(error_of(too_many) == p2p::errc::stream_reset);
            CHECK(b.stats().refused_streams == 1);
            co_await check(until([&] { return b.stats().incoming_streams == 1; }));

            auto third = co_await check(a.open(at, "/echo/1.0.0"));
            auto fourth = co_await check(a.open(at, "/echo/1.0.0"));
            co_await check(expect_echo(third));
            co_await check(expect_echo(fourth));
            auto fifth = co_await check(a.open(at, "/echo/1.0.0"));
            const auto over = co_await expect_echo(fifth);
            CHECK(error_of(over) == p2p::errc::stream_reset);
            CHECK(b.stats().refused_streams == 2);
            co_return co_await expect_echo(first);
        });
    });
}

namespace {

/// Takes a stream and does not read from it.
task<result<void>> ignore(p2p::stream s) {
    co_await check(sleep_for(1h));
    co_return co_await s.shutdown_write();
}

/// Sends as much as `s` takes, and gives what ended that.
task<std::error_code> fill(p2p::stream& s) {
    const std::vector<std::byte> much(64 * 1024);
    for (;;) {
        const io_result r = co_await s.write_some(much);
        if (r.ec) co_return r.ec;
    }
}

}  // namespace

TEST_CASE("host: what peers send and nobody reads is bounded over all connections") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        auto strict = node(memory);
        strict.limits.unread = 150'000;
        p2p::host asking{node(memory)}, asked{std::move(strict)};
        asked.handle("/ignore/1.0.0", ignore);
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            auto first = co_await check(a.open(b.addresses().front(), "/ignore/1.0.0"));
            co_await check(write_all(first, std::vector<std::byte>(230'000)));
            auto s = co_await check(a.open(b.id(), "/ignore/1.0.0"));
            const auto ended = co_await fill(s);
            CHECK(ended == p2p::errc::stream_reset);
            auto other = co_await check(a.open(b.id(), "/echo/1.0.0"));
            co_return co_await expect_echo(other);
        });
    });
}

TEST_CASE("host: a stream on which nothing moves is reset after a while") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        auto impatient = node(memory);
        impatient.limits.idle_stream = 100ms;
        p2p::host asking{node(memory)}, asked{std::move(impatient)};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            auto s = co_await check(a.open(b.addresses().front(), "/echo/1.0.0"));
            std::array<std::byte, 1> one{};
            const io_result nothing = co_await s.read_some(one);
            CHECK(nothing.ec == p2p::errc::stream_reset);
            CHECK(s.reset_by_peer() == p2p::reset_code::garbage_collected);
            co_return {};
        });
    });
}

TEST_CASE("host: those who do not shake hands leave room for those who do") {
    run_in_worlds([]() -> task<result<void>> {
        auto strict = tcp_node();
        strict.limits.securing = 3;
        strict.transport.connection.timeout = 50ms;
        p2p::host asking{tcp_node()}, asked{std::move(strict)};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            const auto at = b.addresses().front();
            std::vector<tcp_stream> mute;
            for (int i = 0; i < 5; ++i)
                mute.push_back(co_await check(tcp_stream::connect(*at.tcp_endpoint())));
            co_await check(until([&] { return b.stats().refused_connections == 2; }));
            co_await check(sleep_for(60ms));  // the others have had their time
            auto s = co_await check(a.open(at, "/echo/1.0.0"));
            co_return co_await expect_echo(s);
        });
    });
}

TEST_CASE("host: somebody who is not admitted") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        p2p::host asking{node(memory)};
        auto picky = node(memory);
        const p2p::peer_id unwelcome = asking.id();
        picky.admits = [&](const p2p::peer_id& peer, const multiaddr&) {
            return peer != unwelcome;
        };
        p2p::host asked{std::move(picky)};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            auto s = co_await a.open(b.addresses().front(), "/echo/1.0.0");
            const auto echoed = s ? co_await expect_echo(*s) : fail(s.error());
            CHECK(!echoed);
            CHECK(b.stats().connections == 0);
            CHECK(b.stats().refused_connections == 1);
            co_return {};
        });
    });
}

TEST_CASE("host: a handler that goes on and on is stopped when the host is closed") {
    run_test([]() -> task<result<void>> {
        p2p::memory_network memory;
        p2p::host asking{node(memory)}, asked{node(memory)};
        bool stopped = false;
        asked.handle("/sleep/1.0.0", [&](p2p::stream) {
            return [](bool& told) -> task<result<void>> {
                const auto slept = co_await sleep_for(1h);
                told = error_of(slept) == errc::canceled;
                co_return {};
            }(stopped);
        });
        co_await check(with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                   -> task<result<void>> {
            auto s = co_await check(a.open(b.addresses().front(), "/sleep/1.0.0"));
            co_await check(until([&] { return b.stats().incoming_streams > 0; }));
            co_return co_await sleep_for(10ms);
        }));
        CHECK(stopped);
        co_return {};
    }());
}

TEST_CASE("host: one that is closed lets nobody in who is still being secured") {
    run_in_worlds([]() -> task<result<void>> {
        bool connected = false;
        auto watched = tcp_node();
        watched.on_event = [&](const p2p::host_event& e) {
            connected = connected || std::holds_alternative<p2p::peer_connected>(e);
        };
        p2p::host asked{std::move(watched)};
        co_await check(p2p::with_host(asked, [](p2p::host& b) -> task<result<void>> {
            auto tcp = co_await check(
                tcp_stream::connect(*b.addresses().front().tcp_endpoint()));
            co_await check(sleep_for(10ms));  // it is being secured
            const p2p::identity late{p2p::private_key::generate_ed25519()};
            auto [dialed, refused] = co_await when_all(
                p2p::connect(std::move(tcp), late), [](p2p::host& h) -> task<result<p2p::peer_id>> {
                    h.close();
                    co_return co_await h.connect(*multiaddr::parse("/memory/1"));
                }(b));
            CHECK(error_of(refused) == errc::closed);
            co_return {};
        }));
        CHECK_FALSE(connected);
        co_return {};
    });
}

TEST_CASE("host: a dial that is under way ends when the host is closed") {
    run_test([]() -> task<result<void>> {
        auto mute = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = multiaddr::tcp(*mute.local_endpoint());
        p2p::host asking{tcp_node()};
        const auto begun = clock::now();
        co_await check(p2p::with_host(asking, [](p2p::host& a, multiaddr to)
                                                  -> task<result<void>> {
            auto [dialed, closed] = co_await when_all(
                a.connect(to), [](p2p::host& h) -> task<result<void>> {
                    co_await check(sleep_for(10ms));
                    h.close();
                    co_return {};
                }(a));
            CHECK(error_of(dialed) == errc::canceled);
            co_return closed;
        }, at));
        CHECK(clock::now() - begun < 9s);  // a dial has 15
        co_return {};
    }());
}

TEST_CASE("host: a connection that has ended is told and makes room, whatever its handlers do") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        auto strict = node(memory);
        strict.limits.connections_of_peer = 1;
        p2p::host asking{node(memory)}, asked{std::move(strict)};
        asked.handle("/ignore/1.0.0", ignore);
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            for (int i = 0; i < 3; ++i) {
                auto s = co_await check(a.open(b.addresses().front(), "/ignore/1.0.0"));
                const std::byte one{1};
                co_await check(write_all(s, std::span(&one, 1)));
                co_await check(until([&] { return b.stats().incoming_streams > 0; }));
                a.disconnect(b.id());
                co_await check(until([&] { return b.stats().connections == 0; }));
                CHECK_FALSE(b.is_connected(a.id()));
                CHECK(b.connected_peers().empty());
            }
            co_await check(sleep_for(6s));  // the handlers have had their time
            CHECK(b.stats().incoming_streams == 0);
            auto s = co_await check(a.open(b.id(), "/echo/1.0.0"));
            co_return co_await expect_echo(s);
        });
    });
}

TEST_CASE("host: a handler reads what came before the connection ended") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        p2p::host asking{node(memory)}, asked{node(memory)};
        std::size_t got = 0;
        asked.handle("/take/1.0.0", [&](p2p::stream s) {
            return [](p2p::stream from, std::size_t& n) -> task<result<void>> {
                co_await check(sleep_for(500ms));
                std::array<std::byte, 1000> part;
                for (;;) {
                    const io_result r = co_await from.read_some(part);
                    n += r.n;
                    if (r.ec) co_return r.ec == errc::eof ? result<void>{} : fail(r.ec);
                }
            }(std::move(s), got);
        });
        co_await check(with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                   -> task<result<void>> {
            auto s = co_await check(a.open(b.addresses().front(), "/take/1.0.0"));
            const std::vector<std::byte> much(20'000);
            co_await check(write_all(s, much));
            co_await check(s.shutdown_write());
            a.disconnect(b.id());
            co_await check(until([&] { return b.stats().connections == 0; }));
            co_return co_await sleep_for(1s);
        }));
        CHECK(got == 20'000);
        co_return {};
    });
}

TEST_CASE("host: changes that follow each other are all told in the end") {
    run_in_worlds([]() -> task<result<void>> {
        co_return co_await between_two([](p2p::host& a, p2p::host& b) -> task<result<void>> {
            co_await check(a.connect(b.addresses().front()));
            const std::array<std::string, 4> added{"/a/1", "/b/1", "/c/1", "/d/1"};
            for (const std::string& protocol : added) {
                b.handle(protocol, echo_back);
                co_await check(sleep_for(150ms));
            }
            for (const std::string& protocol : added)
                co_await check(until([&] {
                    const auto* known = a.peers().find(b.id());
                    return known && std::ranges::count(known->protocols, protocol) == 1;
                }));
            co_return {};
        });
    });
}

TEST_CASE("host: one that cannot listen can be started again") {
    run_test([]() -> task<result<void>> {
        p2p::memory_network memory;
        auto taken = co_await check(memory.listen(7));
        auto options = node(memory);
        options.listen = {"/memory/6", "/memory/7"};
        p2p::host node_of_two{std::move(options)};
        const auto failed = co_await node_of_two.start();
        CHECK(error_of(failed) == errc::address_in_use);
        CHECK(node_of_two.addresses().empty());
        {
            const auto freed = std::move(taken);
        }
        co_await check(node_of_two.start());
        CHECK(node_of_two.addresses().size() == 2);
        co_return {};
    }());
}

TEST_CASE("host: tells where a peer sees it") {
    run_in_worlds([]() -> task<result<void>> {
        std::optional<multiaddr> seen;
        auto watched = tcp_node();
        watched.on_event = [&](const p2p::host_event& e) {
            if (const auto* who = std::get_if<p2p::peer_identified>(&e)) seen = who->observed;
        };
        p2p::host asking{std::move(watched)}, asked{tcp_node()};
        co_await check(with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                   -> task<result<void>> {
            co_await check(a.connect(b.addresses().front()));
            co_return co_await until([&] {
                const auto* known = a.peers().find(b.id());
                return known && !known->protocols.empty();
            });
        }));
        REQUIRE(seen);
        CHECK(seen->tcp_endpoint()->address == ip::loopback_v4);
        co_return {};
    });
}

TEST_CASE("host: asked to stop, all of it ends at once") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::host asking{tcp_node()}, asked{tcp_node()};
        auto [first, results] = co_await first_done(
            with_two(asking, asked, [](p2p::host& a, p2p::host& b) -> task<result<void>> {
                auto s = co_await check(a.open(b.addresses().front(), "/echo/1.0.0"));
                co_await check(expect_echo(s));
                std::array<std::byte, 1> nothing;
                const io_result r = co_await s.read_some(nothing);
                CHECK(r.ec == errc::canceled);
                co_return r.status();
            }),
            sleep_for(50ms));
        CHECK(first == 1);
        CHECK(error_of(std::get<0>(results)) == errc::canceled);
        CHECK(asking.stats().connections == 0);
        CHECK(asked.stats().connections == 0);
        co_return {};
    });
}

#if __has_include(<copoll/backend/sim.hpp>)

namespace {

task<result<void>> say_that_pushes_are_taken(p2p::stream asks) {
    p2p::identify_message said;
    said.protocols = {p2p::identify_push_protocol};
    co_return co_await p2p::send_identify(asks, said);
}

task<result<void>> count_push(p2p::stream push, int& pushes) {
    ++pushes;
    co_await check(p2p::receive_identify(push));
    co_return {};
}

}  // namespace

TEST_CASE("host: what a peer was told when it asked is not pushed as well, but what changes is") {
    run_test([]() -> task<result<void>> {
        p2p::memory_network memory;
        p2p::host_options by_hand = node(memory);
        by_hand.identify = false;
        p2p::host host{node(memory)}, peer{std::move(by_hand)};
        int pushes = 0;
        peer.handle(p2p::identify_protocol, say_that_pushes_are_taken);
        peer.handle(p2p::identify_push_protocol,
                    [&](p2p::stream s) { return count_push(std::move(s), pushes); });
        const auto ask_late = [](p2p::host& a, p2p::host& b, int* pushed) -> task<result<void>> {
            co_await check(a.connect(b.addresses().front()));
            co_await check(sleep_for(50ms));
            auto asks = co_await check(b.open(a.id(), p2p::identify_protocol));
            co_await check(p2p::receive_identify(asks));
            co_await check(sleep_for(5s));
            CHECK(*pushed == 0);
            a.handle("/late/1.0.0", echo_back);
            co_await check(sleep_for(5s));
            CHECK(*pushed == 1);
            co_return {};
        };
        co_return co_await with_two(host, peer, ask_late, &pushes);
    }());
}

TEST_CASE("host: a peer that asked while it was told something older is not told twice") {
    backend::world w{{.latency = 300ms}};
    run_test([]() -> task<result<void>> {
        p2p::host_options by_hand = tcp_node();
        by_hand.identify = false;
        p2p::host host{tcp_node()}, peer{std::move(by_hand)};
        int pushes = 0;
        peer.handle(p2p::identify_protocol, say_that_pushes_are_taken);
        peer.handle(p2p::identify_push_protocol,
                    [&](p2p::stream s) { return count_push(std::move(s), pushes); });
        const auto ask_meanwhile = [](p2p::host& a, p2p::host& b,
                                      int* pushed) -> task<result<void>> {
            co_await check(a.connect(b.addresses().front()));
            co_await check(sleep_for(10s));
            const int before = *pushed;
            a.handle("/late/1.0.0", echo_back);
            co_await check(sleep_for(50ms));
            auto asks = co_await check(b.open(a.id(), p2p::identify_protocol));
            auto [said, added] = co_await when_all(
                p2p::receive_identify(asks), [](p2p::host& to) -> task<result<void>> {
                    co_await check(sleep_for(150ms));  // the push has begun
                    to.handle("/later/1.0.0", echo_back);
                    co_return {};
                }(a));
            CHECK(error_of(added) == no_error);
            const auto heard = co_await check(std::move(said));
            CHECK(std::ranges::count(heard.protocols, "/later/1.0.0") == 1);
            co_await check(sleep_for(10s));
            CHECK(*pushed == before + 1);
            co_return {};
        };
        co_return co_await with_two(host, peer, ask_meanwhile, &pushes);
    }());
}

TEST_CASE("host: from nothing to an answer in three round trips") {
    sim::world w{{.latency = 10ms}};
    run_test([]() -> task<result<void>> {
        p2p::host asking{tcp_node()}, asked{tcp_node()};
        co_return co_await with_two(asking, asked, [](p2p::host& a, p2p::host& b)
                                                       -> task<result<void>> {
            const auto begun = clock::now();
            auto s = co_await check(a.open(b.addresses().front(), "/echo/1.0.0"));
            co_await check(expect_echo(s));
            CHECK(clock::now() - begun == 60ms);
            co_return {};
        });
    }());
}

#endif
