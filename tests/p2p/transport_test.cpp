// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/transport.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <copoll/scope.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "p2p/peers.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;
using p2p::multiaddr;

namespace {

multiaddr address(std::string_view text) { return *multiaddr::parse(text); }

p2p::transport_options quiet_transport(p2p::memory_network* memory = nullptr) {
    p2p::transport_options options;
    options.connection = quiet();
    options.memory = memory;
    return options;
}

/// Runs a transport beside `f(transport&, args...)`, and closes it behind that.
template <class F, class... Args>
task<result<void>> with_transport(p2p::transport& t, F f, Args... args) {
    auto [did, ran] = co_await when_all(
        [](p2p::transport& of, F body, Args... with) -> task<result<void>> {
            const auto done = co_await body(of, with...);
            of.close();
            co_return done;
        }(t, f, args...),
        t.run());
    co_return did ? ran : did;
}

template <class Event>
task<result<Event>> expect(p2p::transport& t) {
    auto event = co_await check(t.next_event());
    INFO("event " << event.index());
    REQUIRE(std::holds_alternative<Event>(event));
    co_return std::get<Event>(std::move(event));
}

task<result<void>> serve_one(p2p::transport& t) {
    auto in = co_await check(expect<p2p::incoming>(t));
    auto c = co_await check(t.accept(std::move(in)));
    co_return co_await p2p::with_connection(c, serve_echo);
}

task<result<void>> say_hello(p2p::connection& c) {
    auto s = co_await check(c.open("/echo/1.0.0"));
    std::array<std::byte, 5> sent{std::byte{1}, std::byte{2}}, got{};
    co_await check(write_all(s, sent));
    co_await check(read_exactly(s, got));
    CHECK(got == sent);
    co_return co_await s.shutdown_write();
}

/// Dials `to` from a transport of its own and has a few bytes echoed there.
task<result<void>> hello_at(multiaddr to, p2p::memory_network* memory) {
    p2p::transport dialer{new_identity(), quiet_transport(memory)};
    auto c = co_await check(dialer.dial(to));
    CHECK(c.remote_address() == to.without_peer());
    co_return co_await p2p::with_connection(c, say_hello);
}

task<result<void>> reached_at(std::string_view where, p2p::memory_network* memory) {
    p2p::transport listener{new_identity(), quiet_transport(memory)};
    const auto served = [](p2p::transport& t, multiaddr at,
                           p2p::memory_network* in) -> task<result<void>> {
        const auto id = co_await check(t.listen(at));
        const auto listens = co_await check(expect<p2p::new_address>(t));
        CHECK(listens.listener == id);
        CHECK(t.addresses() == std::vector{listens.address});
        const auto full = listens.address.encapsulate(multiaddr::p2p(t.own().id()));
        auto [dialed, answered] = co_await when_all(hello_at(full, in), serve_one(t));
        co_await check(std::move(dialed));
        co_return answered;
    };
    co_return co_await with_transport(listener, served, address(where), memory);
}

}  // namespace

TEST_CASE("transport: listens on a free port, and is dialled by IPv4, IPv6 and in memory") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::memory_network memory;
        co_await check(reached_at("/ip4/127.0.0.1/tcp/0", &memory));
        if (co_await has_ipv6()) co_await check(reached_at("/ip6/::1/tcp/0", &memory));
        co_await check(reached_at("/memory/0", &memory));
        co_return co_await reached_at("/memory/4711", &memory);
    });
}

TEST_CASE("transport: what comes in tells where from and whereto") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::transport listener{new_identity(), quiet_transport()};
        co_return co_await with_transport(listener, [](p2p::transport& t) -> task<result<void>> {
            co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto listens = co_await check(expect<p2p::new_address>(t));
            const auto endpoint = listens.address.tcp_endpoint();
            auto tcp = co_await check(tcp_stream::connect(*endpoint));
            const auto in = co_await check(expect<p2p::incoming>(t));
            CHECK(in.listener == listens.listener);
            CHECK(in.local == listens.address);
            CHECK(in.remote == multiaddr::tcp(*tcp.local_endpoint()));
            co_return {};
        });
    });
}

TEST_CASE("transport: who listens on all addresses learns which there are") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::transport listener{new_identity(), quiet_transport()};
        co_return co_await with_transport(listener, [](p2p::transport& t) -> task<result<void>> {
            co_await check(t.listen(address("/ip4/0.0.0.0/tcp/0")));
            const auto all = co_await check(expect<p2p::new_address>(t));
            const auto port = all.address.tcp_endpoint()->port;
            const ip::endpoint at{ip::loopback_v4, port};
            auto first = co_await check(tcp_stream::connect(at));
            const auto one = co_await check(expect<p2p::new_address>(t));
            CHECK(one.address == multiaddr::tcp(at));
            co_await check(expect<p2p::incoming>(t));
            auto second = co_await check(tcp_stream::connect(at));
            co_await check(expect<p2p::incoming>(t));  // not told again
            CHECK(t.addresses() == std::vector{all.address, one.address});
            co_return {};
        });
    });
}

TEST_CASE("transport: a listener that is closed expires first, and others go on") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::transport listener{new_identity(), quiet_transport()};
        co_return co_await with_transport(listener, [](p2p::transport& t) -> task<result<void>> {
            const auto gone = co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto kept = co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto at = co_await check(expect<p2p::new_address>(t));
            const auto other = co_await check(expect<p2p::new_address>(t));
            CHECK(other.listener == kept);
            t.close(gone);
            const auto expired = co_await check(expect<p2p::address_expired>(t));
            CHECK(expired.address == at.address);
            const auto closed = co_await check(expect<p2p::listener_closed>(t));
            CHECK(closed.listener == gone);
            CHECK_FALSE(closed.reason);
            const auto refused = co_await tcp_stream::connect(*at.address.tcp_endpoint());
            CHECK(error_of(refused) == errc::connection_refused);
            CHECK(t.addresses() == std::vector{other.address});
            auto reached = co_await tcp_stream::connect(*other.address.tcp_endpoint());
            CHECK(reached);
            co_await check(expect<p2p::incoming>(t));
            t.close(gone);  // not there any more: nothing
            co_return {};
        });
    });
}

TEST_CASE("transport: closing it ends the events, behind those that tell so") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::transport t{new_identity(), quiet_transport()};
        co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
        co_await check(with_transport(t, [](p2p::transport& of) -> task<result<void>> {
            co_await check(expect<p2p::new_address>(of));
            co_return {};
        }));
        co_await check(expect<p2p::address_expired>(t));
        co_await check(expect<p2p::listener_closed>(t));
        const auto none = co_await t.next_event();
        CHECK(error_of(none) == errc::closed);
        const auto late = co_await t.listen(address("/ip4/127.0.0.1/tcp/0"));
        CHECK(error_of(late) == errc::closed);
        CHECK(t.addresses().empty());
        co_return {};
    });
}

TEST_CASE("transport: one that was never run closes too") {
    run_test([]() -> task<result<void>> {
        p2p::transport t{new_identity(), quiet_transport()};
        co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
        t.close();
        co_await check(expect<p2p::new_address>(t));
        co_await check(expect<p2p::address_expired>(t));
        co_await check(expect<p2p::listener_closed>(t));
        const auto none = co_await t.next_event();
        CHECK(error_of(none) == errc::closed);
        co_return {};
    }());
}

TEST_CASE("transport: addresses that it cannot do anything with") {
    run_test([]() -> task<result<void>> {
        p2p::transport t{new_identity(), quiet_transport()};
        const auto id = new_identity().id().to_string();
        const std::vector<std::string> neither{
            "/ip4/127.0.0.1/udp/1/quic-v1", "/ip4/127.0.0.1/tcp/1/ws", "/ip4/127.0.0.1",
            "/dnsaddr/example.com", "/memory/1", "/p2p/" + id,
            "/ip4/127.0.0.1/tcp/1/p2p/" + id + "/p2p-circuit", "/unix/tmp"};
        for (const std::string& text : neither) {
            INFO(text);
            const auto dialed = co_await t.dial(address(text));
            CHECK(error_of(dialed) == errc::not_supported);
            const auto listens = co_await t.listen(address(text));
            CHECK(error_of(listens) == errc::not_supported);
        }
        for (const char* text : {"/dns4/localhost/tcp/1", "/dns/localhost/tcp/1"}) {
            const auto listens = co_await t.listen(address(text));
            CHECK(error_of(listens) == errc::not_supported);
        }
        const auto nowhere = co_await t.dial(std::nullopt, {});
        CHECK(error_of(nowhere) == errc::invalid_argument);
        co_return {};
    }());
}

TEST_CASE("transport: an address that is in use, in TCP and in memory") {
    run_test([]() -> task<result<void>> {
        p2p::memory_network memory;
        p2p::transport t{new_identity(), quiet_transport(&memory)};
        for (const char* text : {"/ip4/127.0.0.1/tcp/0", "/memory/0"}) {
            co_await check(t.listen(address(text)));
            const auto taken = co_await check(expect<p2p::new_address>(t));
            const auto again = co_await t.listen(taken.address);
            CHECK(error_of(again) == errc::address_in_use);
        }
        co_return {};
    }());
}

TEST_CASE("transport: somebody else than the address says is an error, and not the peer's fault") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::transport listener{new_identity(), quiet_transport()};
        co_return co_await with_transport(listener, [](p2p::transport& t) -> task<result<void>> {
            co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto listens = co_await check(expect<p2p::new_address>(t));
            const auto wrong = listens.address.encapsulate(multiaddr::p2p(new_identity().id()));
            p2p::transport dialer{new_identity(), quiet_transport()};
            auto [dialed, served] = co_await when_all(dialer.dial(wrong), serve_one(t));
            CHECK(error_of(dialed) == p2p::errc::wrong_peer);
            CHECK(!served);
            co_return {};
        });
    });
}

TEST_CASE("transport: of several addresses the one where the peer is") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::transport other{new_identity(), quiet_transport()};
        p2p::transport right{new_identity(), quiet_transport()};
        const auto both = [](p2p::transport& right_one,
                             p2p::transport* wrong) -> task<result<void>> {
            p2p::transport& wrong_one = *wrong;
            co_await check(wrong_one.listen(address("/ip4/127.0.0.1/tcp/0")));
            co_await check(right_one.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto first = co_await check(expect<p2p::new_address>(wrong_one));
            const auto second = co_await check(expect<p2p::new_address>(right_one));
            p2p::transport dialer{new_identity(), quiet_transport()};
            const std::vector<multiaddr> to{first.address, second.address};
            const auto dial = [](p2p::transport& d, p2p::peer_id peer, std::vector<multiaddr> at,
                                 multiaddr reached) -> task<result<void>> {
                auto c = co_await check(d.dial(peer, std::move(at)));
                CHECK(c.remote_peer() == peer);
                CHECK(c.remote_address() == reached);
                co_return co_await p2p::with_connection(c, say_hello);
            };
            auto [dialed, refused, served] =
                co_await when_all(dial(dialer, right_one.own().id(), to, second.address),
                                  serve_one(wrong_one), serve_one(right_one));
            CHECK(!refused);
            co_await check(std::move(dialed));
            co_return served;
        };
        const auto beside = [](p2p::transport& wrong_one, p2p::transport* right_one,
                               auto f) -> task<result<void>> {
            co_return co_await with_transport(*right_one, f, &wrong_one);
        };
        co_return co_await with_transport(other, beside, &right, both);
    });
}

TEST_CASE("transport: addresses that say different peers") {
    run_test([]() -> task<result<void>> {
        p2p::transport t{new_identity(), quiet_transport()};
        const auto at = address("/ip4/127.0.0.1/tcp/1");
        const std::vector<multiaddr> two{at.encapsulate(multiaddr::p2p(new_identity().id())),
                                         at.encapsulate(multiaddr::p2p(new_identity().id()))};
        const auto dialed = co_await t.dial(std::nullopt, two);
        CHECK(error_of(dialed) == errc::invalid_argument);
        co_return {};
    }());
}

namespace {

/// Accepts, and says nothing.
task<result<tcp_stream>> mute_peer(tcp_listener& listener) {
    auto held = co_await check(listener.accept());
    std::array<std::byte, 64> ignored;
    io_result r;
    while (!r.ec) r = co_await held.read_some(ignored);
    co_return held;
}

}  // namespace

TEST_CASE("transport: a dial ends in time, and when it is asked to") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = multiaddr::tcp(*listener.local_endpoint());
        auto options = quiet_transport();
        options.dial_timeout = 20ms;
        p2p::transport t{new_identity(), options};
        auto [dialed, mute] = co_await when_all(t.dial(at), mute_peer(listener));
        CHECK(error_of(dialed) == errc::timed_out);

        p2p::transport patient{new_identity(), quiet_transport()};
        auto [first, results] = co_await first_done(sleep_for(5ms), patient.dial(at));
        CHECK(first == 0);
        CHECK(error_of(std::get<1>(results)) == errc::canceled);
        co_return {};
    });
}

TEST_CASE("transport: one deadline counts from when the other side has connected") {
    run_in_worlds([]() -> task<result<void>> {
        auto options = quiet_transport();
        options.connection.timeout = 20ms;
        p2p::transport listener{new_identity(), options};
        co_return co_await with_transport(listener, [](p2p::transport& t) -> task<result<void>> {
            co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto listens = co_await check(expect<p2p::new_address>(t));
            auto mute = co_await check(tcp_stream::connect(*listens.address.tcp_endpoint()));
            auto in = co_await check(expect<p2p::incoming>(t));
            in.accepted_at -= 15ms;
            const auto end_by = in.accepted_at + 20ms;
            const auto accepted = co_await t.accept(std::move(in));
            CHECK(error_of(accepted) == errc::timed_out);
            CHECK(clock::now() >= end_by);
#if __has_include(<copoll/backend/sim.hpp>)
            CHECK(clock::now() < end_by + 5ms);
#endif
            co_return {};
        });
    });
}

TEST_CASE("transport: names, of either family or one") {
    run_test([]() -> task<result<void>> {
        if (!co_await has_ipv6()) SKIP("no IPv6 here");
        p2p::transport listener{new_identity(), quiet_transport()};
        co_return co_await with_transport(listener, [](p2p::transport& t) -> task<result<void>> {
            co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto listens = co_await check(expect<p2p::new_address>(t));
            const auto port = listens.address.tcp_endpoint()->port;
            for (const std::string name : {"dns", "dns4"}) {
                const auto to = address("/" + name + "/localhost/tcp/" + std::to_string(port) +
                                        "/p2p/" + t.own().id().to_string());
                p2p::transport dialer{new_identity(), quiet_transport()};
                auto [dialed, served] = co_await when_all(
                    [](p2p::transport& d, multiaddr a) -> task<result<void>> {
                        auto c = co_await check(d.dial(a));
                        co_return co_await p2p::with_connection(c, say_hello);
                    }(dialer, to),
                    serve_one(t));
                co_await check(std::move(dialed));
                co_await check(std::move(served));
            }
            p2p::transport dialer{new_identity(), quiet_transport()};
            const auto six = address("/dns6/localhost/tcp/" + std::to_string(port));
            const auto nobody = co_await dialer.dial(six);
            CHECK(!nobody);  // only IPv4 listens
            const auto unknown = co_await dialer.dial(address("/dns/no.such.invalid/tcp/1"));
            CHECK(!unknown);
            co_return {};
        });
    }());
}

TEST_CASE("transport: connections that are reset before they are accepted do no harm") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::transport listener{new_identity(), quiet_transport()};
        co_await check(listener.listen(address("/ip4/127.0.0.1/tcp/0")));
        const auto listens = co_await check(expect<p2p::new_address>(listener));
        for (int i = 0; i < 30; ++i) {
            auto gone = co_await check(tcp_stream::connect(*listens.address.tcp_endpoint()));
            gone.abort();
        }
        const auto good = [](p2p::transport& t, multiaddr at) -> task<result<void>> {
            auto kept = co_await check(tcp_stream::connect(*at.tcp_endpoint()));
            const auto own = multiaddr::tcp(*kept.local_endpoint());
            for (;;) {
                const auto in = co_await check(expect<p2p::incoming>(t));
                if (in.remote == own) co_return {};
            }
        };
        co_return co_await with_transport(listener, good, listens.address);
    });
}

TEST_CASE("transport: closes though nobody takes its events") {
    run_in_worlds([]() -> task<result<void>> {
        auto options = quiet_transport();
        options.max_events = 1;
        p2p::transport listener{new_identity(), options};
        co_await check(listener.listen(address("/ip4/127.0.0.1/tcp/0")));
        const auto at = *listener.addresses().front().tcp_endpoint();
        std::vector<tcp_stream> waiting;
        for (int i = 0; i < 3; ++i)
            waiting.push_back(co_await check(tcp_stream::connect(at)));
        co_await check(with_transport(listener, [](p2p::transport&) -> task<result<void>> {
            co_return co_await sleep_for(10ms);
        }));
        co_await check(expect<p2p::new_address>(listener));
        co_await check(expect<p2p::address_expired>(listener));  // nothing was accepted
        co_await check(expect<p2p::listener_closed>(listener));
        co_return {};
    });
}

#if __has_include(<copoll/backend/sim.hpp>)

TEST_CASE("transport: addresses where nobody speaks leave time for one where the peer is") {
    run_test([]() -> task<result<void>> {
        auto mute = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        auto silent = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        p2p::transport listener{new_identity(), quiet_transport()};
        const auto three = [](p2p::transport& t, multiaddr one,
                              multiaddr two) -> task<result<void>> {
            co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto listens = co_await check(expect<p2p::new_address>(t));
            p2p::transport dialer{new_identity(), quiet_transport()};
            const std::vector<multiaddr> to{one, two, listens.address};
            auto [dialed, served] = co_await when_all(
                [](p2p::transport& d, p2p::peer_id peer,
                   std::vector<multiaddr> at) -> task<result<void>> {
                    auto c = co_await check(d.dial(peer, std::move(at)));
                    co_return co_await p2p::with_connection(c, say_hello);
                }(dialer, t.own().id(), to),
                serve_one(t));
            co_await check(std::move(dialed));
            co_return served;
        };
        co_return co_await with_transport(listener, three,
                                          multiaddr::tcp(*mute.local_endpoint()),
                                          multiaddr::tcp(*silent.local_endpoint()));
    }());
}

TEST_CASE("transport: a connection that cannot be accepted does not end the listener") {
    run_in_worlds([]() -> task<result<void>> {
        p2p::transport listener{new_identity(), quiet_transport()};
        co_return co_await with_transport(listener, [](p2p::transport& t) -> task<result<void>> {
            co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto listens = co_await check(expect<p2p::new_address>(t));
            sim::world::current().fail_next(sim::call::accept, errc::io);
            auto a = co_await check(tcp_stream::connect(*listens.address.tcp_endpoint()));
            const auto failed = co_await check(expect<p2p::listener_error>(t));
            CHECK(failed.error == errc::io);
            CHECK(failed.listener == listens.listener);
            co_await check(expect<p2p::incoming>(t));
            co_return {};
        });
    });
}

TEST_CASE("transport: a listener that fails again and again closes for that reason") {
    run_test([]() -> task<result<void>> {
        p2p::transport listener{new_identity(), quiet_transport()};
        co_return co_await with_transport(listener, [](p2p::transport& t) -> task<result<void>> {
            for (int i = 0; i < 20; ++i)
                sim::world::current().fail_next(sim::call::accept, errc::io);
            co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            co_await check(expect<p2p::new_address>(t));
            for (int i = 0; i < 10; ++i) co_await check(expect<p2p::listener_error>(t));
            co_await check(expect<p2p::address_expired>(t));
            const auto closed = co_await check(expect<p2p::listener_closed>(t));
            CHECK(closed.reason == errc::io);
            CHECK(t.addresses().empty());
            co_return {};
        });
    }());
}

TEST_CASE("transport: an address that does not answer does not keep the next from being tried") {
    const ip::address nowhere = *ip::address::parse("10.9.9.9");
    sim::world w{{.latency = 1ms, .blackholes = {nowhere}, .names = {
        {.name = "both.example", .addresses = {nowhere, ip::loopback_v4}}}}};
    run_test([]() -> task<result<void>> {
        p2p::transport listener{new_identity(), quiet_transport()};
        co_return co_await with_transport(listener, [](p2p::transport& t) -> task<result<void>> {
            co_await check(t.listen(address("/ip4/127.0.0.1/tcp/0")));
            const auto listens = co_await check(expect<p2p::new_address>(t));
            const auto port = std::to_string(listens.address.tcp_endpoint()->port);
            p2p::transport dialer{new_identity(), quiet_transport()};
            const auto begun = clock::now();
            auto [dialed, served] = co_await when_all(
                [](p2p::transport& d, multiaddr a) -> task<result<void>> {
                    auto c = co_await check(d.dial(a));
                    co_return co_await p2p::with_connection(c, say_hello);
                }(dialer, address("/dns/both.example/tcp/" + port)),
                serve_one(t));
            co_await check(std::move(dialed));
            CHECK(clock::now() - begun >= 250ms);
            CHECK(clock::now() - begun < 300ms);
            co_return served;
        });
    }());
}

#endif
