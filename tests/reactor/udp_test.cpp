// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/udp.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <copoll/loop.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/allocations.hpp"
#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/open_handles.hpp"
#include "support/run_test.hpp"
#include "support/skipped_on_jco.hpp"
#include "support/stoppable.hpp"
#include "support/tcp_pair.hpp"
#include "support/udp_pair.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Long enough for what is on its way over loopback to have arrived.
constexpr auto moment = 30ms;

/// TEST-NET-3 (RFC 5737): no machine has an address of it.
constexpr ip::address nobody{ip::address::v4_bytes{203, 0, 113, 1}};
/// ::ffff:127.0.0.1
constexpr ip::address mapped{
    ip::address::v6_bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}};

/// Wasmtime reads nothing from a socket that has only an error to tell.
const bool tells_senders_only = std::string_view{backend::name} == "wasi";

task<result<void>> exchange(udp_pair& p) {
    std::array<std::byte, 100> buffer;
    co_await check(p.a.send_to(bytes_of("question"), p.at_b));
    const auto asked = co_await check(next_datagram(p.b, buffer));
    CHECK(text_of(asked) == "question");
    CHECK(asked.from == p.at_a);
    CHECK(asked.bytes().data() == buffer.data());
    CHECK_FALSE(asked.truncated);

    co_await check(p.b.send_to(bytes_of("the answer"), asked.from));
    const auto answered = co_await check(next_datagram(p.a, buffer));
    CHECK(text_of(answered) == "the answer");
    CHECK(answered.from == p.at_b);
    co_return {};
}

/// A port of loopback that nobody has.
task<result<ip::endpoint>> free_endpoint() {
    auto s = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
    co_return s.local_endpoint();
}

/// `n` datagrams, each with its number as text.
struct numbered {
    explicit numbered(std::size_t n, std::optional<ip::endpoint> to) {
        for (std::size_t i = 0; i < n; ++i) texts.push_back(std::to_string(i));
        for (const std::string& text : texts) datagrams.push_back({bytes_of(text), to});
    }
    std::vector<std::string> texts;
    std::vector<outgoing_datagram> datagrams;
};

task<result<void>> send_all(udp_socket& s, std::span<const outgoing_datagram> rest) {
    while (!rest.empty()) rest = rest.subspan(co_await check(s.send_batch(rest)));
    co_return {};
}

}  // namespace

// --- bind ---------------------------------------------------------------------------------------

TEST_CASE("udp bind: port 0 takes a free port") {
    run_in_worlds([]() -> task<result<void>> {
        auto [a, b, at_a, at_b] = co_await check(bound_pair());

        CHECK(at_a.address == ip::loopback_v4);
        CHECK(at_a.port != 0);
        CHECK(at_b.port != at_a.port);
        CHECK(error_of(a.remote_endpoint()) == errc::invalid_state);
        co_return {};
    });
}

TEST_CASE("udp bind: what cannot be had") {
    run_in_worlds([]() -> task<result<void>> {
        auto first = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(first.local_endpoint());

        const auto taken = co_await udp_socket::bind(at);
        const auto elsewhere = co_await udp_socket::bind({nobody, 0});
        const auto disguised = co_await udp_socket::bind({mapped, 0});

        CHECK(error_of(taken) == errc::address_in_use);
        CHECK(error_of(elsewhere) == errc::address_not_available);
        CHECK(error_of(disguised) == errc::invalid_argument);
        co_return {};
    });
}

TEST_CASE("udp bind: a port is free again as soon as its socket closed") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        co_await check(p.a.send_to(bytes_of("x"), p.at_b));
        std::array<std::byte, 8> buffer;
        co_await check(next_datagram(p.b, buffer));

        p.b.close();
        CHECK_FALSE(p.b.is_open());
        CHECK(error_of(p.b.local_endpoint()) == errc::closed);
        CHECK(error_of(p.b.remote_endpoint()) == errc::closed);
        p.b = co_await check(udp_socket::bind(p.at_b));
        co_return co_await exchange(p);
    });
}

TEST_CASE("udp bind: an IPv6 socket leaves the port of IPv4 alone") {
    run_in_worlds([]() -> task<result<void>> {
        if (!co_await has_ipv6()) co_return {};
        auto six = co_await check(udp_socket::bind({ip::any_v6, 0}));
        const auto at = co_await check(six.local_endpoint());

        const auto four = co_await udp_socket::bind({ip::any_v4, at.port});

        CHECK(four.has_value());
        co_return {};
    });
}

// --- one datagram -------------------------------------------------------------------------------

TEST_CASE("send_to, receive_from: there and back, with the sender's endpoint") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        co_return co_await exchange(p);
    });
}

TEST_CASE("send_to, receive_from: the same over IPv6") {
    run_in_worlds([]() -> task<result<void>> {
        if (!co_await has_ipv6()) co_return {};
        auto p = co_await check(bound_pair(ip::loopback_v6));
        co_return co_await exchange(p);
    });
}

TEST_CASE("receive_from: one that waits gets what comes later") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        std::array<std::byte, 8> buffer;

        auto [got, sent] = co_await when_all(
            next_datagram(p.b, buffer), [](udp_pair& pair) -> task<result<void>> {
                co_await check(sleep_for(5ms));
                co_return co_await pair.a.send_to(bytes_of("late"), pair.at_b);
            }(p));

        CHECK(sent.has_value());
        const auto late = co_await check(got);
        CHECK(text_of(late) == "late");
        co_return {};
    });
}

TEST_CASE("receive_from: datagrams come one by one, whatever their sizes") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        std::multiset<std::string> sent{"a", "", "bc", "", "def"};
        for (const auto& text : sent) co_await check(p.a.send_to(bytes_of(text), p.at_b));

        std::multiset<std::string> got;
        std::array<std::byte, 8> buffer;
        for (std::size_t i = 0; i < sent.size(); ++i)
            got.insert(text_of(co_await check(next_datagram(p.b, buffer))));

        CHECK(got == sent);
        co_return {};
    });
}

TEST_CASE("send_to: the largest datagram arrives, a larger one is refused") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        const auto bytes = pattern(65'508);

        const auto refused = co_await p.a.send_to(bytes, p.at_b);
        co_await check(p.a.send_to(std::span(bytes).first(65'507), p.at_b));
        std::vector<std::byte> buffer(65'536);
        const auto got = co_await check(next_datagram(p.b, buffer));

        CHECK(error_of(refused) == errc::message_too_large);
        CHECK(error_of(refused) == std::errc::message_size);
        CHECK(got.size == 65'507);
        CHECK(is_pattern(got.bytes(), 0));
        co_return {};
    });
}

TEST_CASE("send_to: the largest datagram of IPv6 is larger") {
    run_in_worlds([]() -> task<result<void>> {
        if (!co_await has_ipv6()) co_return {};
        auto p = co_await check(bound_pair(ip::loopback_v6));
        const auto bytes = pattern(65'528);

        const auto refused = co_await p.a.send_to(bytes, p.at_b);
        co_await check(p.a.send_to(std::span(bytes).first(65'527), p.at_b));
        std::vector<std::byte> buffer(65'527);
        const auto got = co_await check(next_datagram(p.b, buffer));

        CHECK(error_of(refused) == errc::message_too_large);
        CHECK(got.size == 65'527);
        CHECK_FALSE(got.truncated);
        CHECK(is_pattern(got.bytes(), 0));
        co_return {};
    });
}

TEST_CASE("receive_from: one that is longer than the buffer is truncated, and says so") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        std::array<std::byte, 16> buffer;
        const auto untouched = std::byte{0xee};
        for (const std::size_t room : {4U, 1U, 0U}) {
            buffer.fill(untouched);
            co_await check(p.a.send_to(pattern(5), p.at_b));
            const auto cut = co_await check(next_datagram(p.b, std::span(buffer).first(room)));
            CHECK(cut.truncated);
            CHECK(cut.size == room);
            CHECK(cut.from == p.at_a);
            CHECK(is_pattern(cut.bytes(), 0));
            CHECK(buffer[room] == untouched);

            co_await check(p.a.send_to(pattern(5), p.at_b));  // fills it, and is whole
            const auto whole = co_await check(next_datagram(p.b, std::span(buffer).first(5)));
            CHECK_FALSE(whole.truncated);
            CHECK(is_pattern(whole.bytes(), 0));
        }
        co_return {};
    });
}

TEST_CASE("send_to: destinations that are none") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        const ip::endpoint wrong[] = {{ip::loopback_v4, 0}, {ip::any_v4, 9}, {ip::loopback_v6, 9}};
        for (const auto& to : wrong) {
            const auto sent = co_await p.a.send_to(bytes_of("x"), to);
            CHECK(error_of(sent) == errc::invalid_argument);
        }
        co_return co_await exchange(p);
    });
}

TEST_CASE("send_to: a port that nobody has is no error, then or later") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        const auto at = co_await check(free_endpoint());
        co_await check(p.a.send_to(bytes_of("anyone?"), at));

        std::array<std::byte, 8> buffer;
        const auto none = co_await with_timeout(p.a.receive_from(buffer), moment);
        CHECK(error_of(none) == errc::timed_out);
        co_return co_await exchange(p);
    });
}

// --- connected ----------------------------------------------------------------------------------

TEST_CASE("connect: send and receive between two peers") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(connected_udp_pair());
        CHECK(p.a.remote_endpoint() == p.at_b);

        co_await check(p.a.send(bytes_of("ping")));
        std::array<std::byte, 8> buffer;
        const auto got = co_await check(with_timeout(p.b.receive(buffer), 5s));
        CHECK(text_of(got) == "ping");
        CHECK(got.from == p.at_a);
        co_return co_await exchange(p);  // to name the peer is allowed
    });
}

TEST_CASE("connected_to: a socket of a free port") {
    run_in_worlds([]() -> task<result<void>> {
        auto server = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(server.local_endpoint());

        auto client = co_await check(udp_socket::connected_to(at));
        co_await check(client.send(bytes_of("hello")));
        std::array<std::byte, 8> buffer;
        const auto got = co_await check(next_datagram(server, buffer));
        co_await check(server.send_to(got.bytes(), got.from));
        const auto back = co_await check(with_timeout(client.receive(buffer), 5s));

        CHECK(client.remote_endpoint() == at);
        CHECK(client.local_endpoint() == got.from);
        CHECK(text_of(back) == "hello");
        co_return {};
    });
}

TEST_CASE("connected_to: over IPv6") {
    run_in_worlds([]() -> task<result<void>> {
        if (!co_await has_ipv6()) co_return {};
        auto server = co_await check(udp_socket::bind({ip::loopback_v6, 0}));
        const auto at = co_await check(server.local_endpoint());

        auto client = co_await check(udp_socket::connected_to(at));
        co_await check(client.send(bytes_of("hello")));
        std::array<std::byte, 8> buffer;
        const auto got = co_await check(next_datagram(server, buffer));

        CHECK(text_of(got) == "hello");
        CHECK(got.from == client.local_endpoint());
        co_return {};
    });
}

TEST_CASE("connect: what others send is not received, before and after") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        auto stranger = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        for (int i = 0; i < 20; ++i)
            co_await check(stranger.send_to(bytes_of("before"), p.at_b));
        co_await check(sleep_for(moment));  // 16 of these, and 4 in front of the peer's

        co_await check(p.b.connect(p.at_a));
        for (int i = 0; i < 20; ++i) co_await check(stranger.send_to(bytes_of("after"), p.at_b));
        co_await check(p.a.send_to(bytes_of("peer"), p.at_b));

        datagram_slots slots{16, 8};
        const auto n = co_await check(with_timeout(p.b.receive_batch(slots.all()), 5s));
        CHECK(n == 1);
        CHECK(text_of(slots[0]) == "peer");
        CHECK(slots[0].from == p.at_a);
        std::array<std::byte, 8> buffer;
        const auto none = co_await with_timeout(p.b.receive(buffer), moment);
        CHECK(error_of(none) == errc::timed_out);
        co_return {};
    });
}

TEST_CASE("connect: again, with another peer") {
    if (skipped_on_jco("a socket that is connected again has another port")) return;
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(connected_udp_pair());
        auto other = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(other.local_endpoint());
        std::array<std::byte, 8> buffer;
        const auto none = co_await with_timeout(p.a.receive(buffer), 1ms);  // has waited
        CHECK(error_of(none) == errc::timed_out);

        co_await check(p.a.connect(at));
        co_await check(p.a.send(bytes_of("hello")));
        const auto got = co_await check(next_datagram(other, buffer));
        co_await check(other.send_to(bytes_of("welcome"), got.from));
        const auto back = co_await check(with_timeout(p.a.receive(buffer), 5s));

        CHECK(p.a.remote_endpoint() == at);
        CHECK(got.from == p.at_a);
        CHECK(text_of(back) == "welcome");
        co_return {};
    });
}

TEST_CASE("connect: one that fails leaves the socket as it was") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(connected_udp_pair());
        const ip::endpoint wrong[] = {{ip::loopback_v4, 0}, {ip::any_v4, 9}, {ip::loopback_v6, 9}};
        for (const auto& to : wrong) {
            const auto failed = co_await p.a.connect(to);
            CHECK(error_of(failed) == errc::invalid_argument);
            const auto none = co_await udp_socket::connected_to(to);
            if (to.address.is_v4()) CHECK(error_of(none) == errc::invalid_argument);
        }
        CHECK(p.a.remote_endpoint() == p.at_b);
        co_return co_await exchange(p);
    });
}

TEST_CASE("connected: only the peer can be sent to; not connected, it must be named") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        auto third = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        const auto at_third = co_await check(third.local_endpoint());
        std::array<std::byte, 8> buffer;

        const auto to_nobody = co_await p.a.send(bytes_of("x"));
        const auto from_nobody = co_await p.a.receive(buffer);
        co_await check(p.a.connect(p.at_b));
        const auto to_stranger = co_await p.a.send_to(bytes_of("x"), at_third);

        CHECK(error_of(to_nobody) == errc::invalid_state);
        CHECK(error_of(from_nobody) == errc::invalid_state);
        CHECK(error_of(to_stranger) == errc::invalid_argument);
        co_return co_await exchange(p);
    });
}

TEST_CASE("connected: a port that nobody has refuses, and the socket lives on") {
    if (skipped_on_jco("it does not tell of datagrams that were refused")) return;
    run_in_worlds([]() -> task<result<void>> {
        const auto at = co_await check(free_endpoint());
        auto client = co_await check(udp_socket::connected_to(at));
        std::array<std::byte, 8> buffer;
        for (int i = 0; i < 3; ++i) {
            co_await check(client.send(bytes_of("anyone?")));
            auto refused = error_of(co_await with_timeout(client.receive(buffer), moment));
            if (refused == errc::timed_out && tells_senders_only)
                refused = error_of(co_await client.send(bytes_of("anyone?")));
            CHECK(refused == errc::connection_refused);
        }

        auto server = co_await check(udp_socket::bind(at));
        co_await check(client.send(bytes_of("now?")));
        const auto got = co_await check(next_datagram(server, buffer));
        CHECK(text_of(got) == "now?");
        co_return {};
    });
}

TEST_CASE("connected: a refusal comes out of the next send as well") {
    if (skipped_on_jco("it does not tell of datagrams that were refused")) return;
    run_in_worlds([]() -> task<result<void>> {
        const auto at = co_await check(free_endpoint());
        auto client = co_await check(udp_socket::connected_to(at));
        co_await check(client.send(bytes_of("anyone?")));
        co_await check(sleep_for(moment));

        const auto refused = co_await client.send(bytes_of("anyone?"));

        CHECK(error_of(refused) == errc::connection_refused);
        co_return {};
    });
}

// --- batches ------------------------------------------------------------------------------------

TEST_CASE("batch: 40 datagrams, each once") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        const numbered sent{40, p.at_b};

        co_await check(send_all(p.a, sent.datagrams));
        std::multiset<std::string> got;
        datagram_slots slots{16, 8};
        while (got.size() < 40) {
            const std::size_t n =
                co_await check(with_timeout(p.b.receive_batch(slots.all()), 5s));
            CHECK(n >= 1);
            CHECK(n <= 16);
            for (std::size_t i = 0; i < n; ++i) {
                got.insert(text_of(slots[i]));
                CHECK(slots[i].from == p.at_a);
                CHECK_FALSE(slots[i].truncated);
            }
        }

        CHECK(got == std::multiset<std::string>(sent.texts.begin(), sent.texts.end()));
        co_return {};
    });
}

TEST_CASE("batch: in order, all at once, where nothing is in the way") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(connected_udp_pair());
        const numbered sent{40, std::nullopt};

        const batch_result all = co_await p.a.send_batch(sent.datagrams);
        CHECK(!all.ec);
        CHECK(all.n == 40);
        co_await check(sleep_for(moment));
        datagram_slots slots{40, 8};
        for (std::size_t begin = 0; begin < 40; begin += 16) {
            const std::size_t n = co_await check(p.b.receive_batch(slots.all().subspan(begin)));
            CHECK(n == std::min<std::size_t>(16, 40 - begin));
        }
        for (std::size_t i = 0; i < 40; ++i) CHECK(text_of(slots[i]) == sent.texts[i]);
        co_return {};
    }());
}

TEST_CASE("batch: to several destinations, of every size") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        const auto long_one = pattern(1000);
        const outgoing_datagram all[] = {{bytes_of("to a"), p.at_a}, {{}, p.at_b},
                                         {bytes_of("to b"), p.at_b}, {long_one, p.at_b}};

        co_await check(send_all(p.a, all));
        std::array<std::byte, 8> buffer;
        const auto own = co_await check(next_datagram(p.a, buffer));
        CHECK(text_of(own) == "to a");
        std::multiset<std::size_t> sizes;
        datagram_slots slots{16, 100};
        while (sizes.size() < 3) {
            const auto n = co_await check(with_timeout(p.b.receive_batch(slots.all()), 5s));
            for (std::size_t i = 0; i < n; ++i) {
                sizes.insert(slots[i].size);
                CHECK(slots[i].truncated == (slots[i].size == 100));
                if (slots[i].truncated) CHECK(is_pattern(slots[i].bytes(), 0));
            }
        }
        CHECK(sizes == std::multiset<std::size_t>{0, 4, 100});
        co_return {};
    });
}

TEST_CASE("batch: what cannot be sent stops it, and is then the first") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        const auto too_large = pattern(65'508);
        std::vector<outgoing_datagram> all(20, {bytes_of("fine"), p.at_b});
        all.push_back({too_large, p.at_b});
        all.push_back({bytes_of("never"), p.at_b});

        std::size_t sent = 0;
        std::error_code ec;
        while (!ec) {
            const auto r = co_await p.a.send_batch(std::span(all).subspan(sent));
            CHECK((r.n > 0) != bool(r.ec));
            sent += r.n;
            ec = r.ec;
        }

        CHECK(sent == 20);
        CHECK(ec == errc::message_too_large);
        const outgoing_datagram unnamed[] = {{bytes_of("x"), std::nullopt}};
        const auto to_nobody = co_await p.a.send_batch(unnamed);
        CHECK(to_nobody.ec == errc::invalid_state);
        co_return {};
    });
}

TEST_CASE("batch: none given completes at once with none") {
    run_in_worlds([]() -> task<result<void>> {
        auto s = co_await check(udp_socket::bind({ip::loopback_v4, 0}));

        const auto sent = co_await s.send_batch({});
        const auto received = co_await s.receive_batch({});

        CHECK(!sent.ec);
        CHECK(sent.n == 0);
        CHECK(!received.ec);
        CHECK(received.n == 0);
        co_return {};
    });
}

TEST_CASE("receive_batch: gives what is there without waiting for more") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        co_await check(p.a.send_to(bytes_of("one"), p.at_b));
        datagram_slots slots{16, 8};

        const auto got = co_await with_timeout(p.b.receive_batch(slots.all()), 5s);
        const auto none = co_await with_timeout(p.b.receive_batch(slots.all()), moment);

        CHECK(got.n == 1);
        CHECK(none.ec == errc::timed_out);
        CHECK(none.n == 0);
        CHECK(text_of(slots[0]) == "one");
        co_return {};
    });
}

// --- cancellation -------------------------------------------------------------------------------

TEST_CASE("udp: asked to stop before it begins, nothing happens") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        co_await check(p.a.send_to(bytes_of("kept"), p.at_b));
        co_await check(sleep_for(moment));
        stop_source stop;
        stop.request_stop();
        std::array<std::byte, 8> buffer;

        const auto received = co_await stoppable(stop, p.b.receive_from(buffer));
        const auto sent = co_await stoppable(stop, p.a.send_to(bytes_of("x"), p.at_b));
        const auto bound = co_await stoppable(stop, udp_socket::bind({ip::loopback_v4, 0}));
        const auto connected = co_await stoppable(stop, p.a.connect(p.at_b));

        CHECK(error_of(received) == errc::canceled);
        CHECK(error_of(sent) == errc::canceled);
        CHECK(error_of(bound) == errc::canceled);
        CHECK(error_of(connected) == errc::canceled);
        const auto kept = co_await check(next_datagram(p.b, buffer));
        CHECK(text_of(kept) == "kept");
        const auto none = co_await with_timeout(p.b.receive_from(buffer), moment);
        CHECK(error_of(none) == errc::timed_out);
        co_return {};
    });
}

TEST_CASE("receive_from: timed out, the datagram that comes later is received by the next") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        std::array<std::byte, 100> buffer;
        for (int i = 0; i < 3; ++i) {
            const auto none = co_await with_timeout(p.b.receive_from(buffer), 5ms);
            CHECK(error_of(none) == errc::timed_out);
            co_await check(exchange(p));
        }
        co_return {};
    });
}

TEST_CASE("receive_from: stop requests at any moment lose no datagram") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        std::size_t got = 0, under_way = 0;
        std::array<std::byte, 8> buffer;
        for (int i = 0; i < 50; ++i) {
            // one ends as soon as the other has, which may be before the datagram has arrived
            auto raced = co_await first_done(p.b.receive_from(buffer),
                                             p.a.send_to(bytes_of("x"), p.at_b));
            auto& [received, sent] = raced.results;
            CHECK((received || error_of(received) == errc::canceled));
            CHECK((sent || error_of(sent) == errc::canceled));
            got += received.has_value();
            under_way += sent.has_value();
        }
        for (; got < under_way; ++got) co_await check(next_datagram(p.b, buffer));
        const auto none = co_await with_timeout(p.b.receive_from(buffer), moment);
        CHECK(error_of(none) == errc::timed_out);
        co_return {};
    });
}

TEST_CASE("receive_from: what has arrived wins over a stop request of the same turn") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        std::array<std::byte, 8> buffer;
        co_await check(p.a.send_to(bytes_of("first"), p.at_b));
        co_await check(sleep_for(moment));

        auto raced = co_await first_done(sleep_for(0ms), p.b.receive_from(buffer));

        const auto& received = std::get<1>(raced.results);
        CHECK(received.has_value());
        co_return {};
    }());
}

// --- the socket ---------------------------------------------------------------------------------

TEST_CASE("udp_socket: moves between operations, and assigning closes what was there") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        std::array<std::byte, 8> buffer;
        const auto none = co_await with_timeout(p.b.receive_from(buffer), 1ms);
        CHECK(error_of(none) == errc::timed_out);

        udp_socket moved = std::move(p.b);
        CHECK_FALSE(p.b.is_open());
        co_await check(p.a.send_to(bytes_of("x"), p.at_b));
        const auto got = co_await check(next_datagram(moved, buffer));
        CHECK(text_of(got) == "x");

        moved = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        const auto again = co_await udp_socket::bind(p.at_b);
        CHECK(again.has_value());
        co_return {};
    });
}

TEST_CASE("udp_socket: sends while it receives") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(connected_udp_pair());
        const auto talk = [](udp_socket& s) -> task<result<int>> {
            std::array<std::byte, 8> buffer;
            int heard = 0;
            for (int i = 0; i < 100; ++i) {
                auto [received, sent] = co_await when_all(with_timeout(s.receive(buffer), 5s),
                                                          s.send(bytes_of("word")));
                heard += received.has_value();
                co_await check(sent);
            }
            co_return heard;
        };

        auto [a, b] = co_await when_all(talk(p.a), talk(p.b));

        CHECK(a == 100);
        CHECK(b == 100);
        co_return {};
    });
}

TEST_CASE("udp_socket: 500 of them in every state leave nothing open") {
    run_in_worlds([]() -> task<result<void>> {
        auto server = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(server.local_endpoint());
        std::array<std::byte, 8> buffer;
        co_await check(with_timeout(sleep_for(0ms), 1s));
        open_handles meter;
        for (int i = 0; i < 500; ++i) {
            auto s = co_await check(udp_socket::connected_to(at));
            if (i % 2) co_await check(s.send(bytes_of("x")));
            if (i % 3 == 0) co_await check(s.connect(at));
            if (i % 50 == 0)
                (void)co_await with_timeout(s.receive(buffer), 1ms);
            const auto refused = co_await udp_socket::bind(at);
            CHECK(error_of(refused) == errc::address_in_use);
        }
        co_await check(sleep_for(20ms));
        CHECK(meter.grown_by(0) <= 1);  // the loop's timer
        co_return {};
    });
}

#if !__has_include(<copoll/backend/sim.hpp>)  // its network is made of allocations
TEST_CASE("udp: an echo allocates nothing") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        const loop& here = *(co_await this_env{}).owner;
        std::vector<std::byte> at_a(1500), at_b(1500);
        const auto message = pattern(1200);
        datagram_slots slots{16, 1500};
        const std::vector<outgoing_datagram> batch(16, {message, p.at_b});
        std::uint64_t before = 0;
        for (int i = 0; i < 150; ++i) {
            if (i == 50) before = here.stats().allocations + heap_allocations();
            auto [asked, sent] =
                co_await when_all(p.b.receive_from(at_b), p.a.send_to(message, p.at_b));
            const incoming_datagram question = co_await check(asked);
            auto [answered, echoed] = co_await when_all(
                with_timeout(p.a.receive_from(at_a), 5s),
                p.b.send_to(question.bytes(), question.from));
            co_await check(answered);
            for (std::size_t n = co_await check(p.a.send_batch(batch)); n > 0;)
                n -= co_await check(p.b.receive_batch(slots.all()));
        }
        CHECK(here.stats().allocations + heap_allocations() == before);
        co_return {};
    }());
}
#endif
