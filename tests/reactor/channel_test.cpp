// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/channel.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <copoll/check.hpp>
#include <copoll/scope.hpp>
#include <copoll/when.hpp>

#include "support/epitaph.hpp"
#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

task<void> send_and_say(channel<char>& c, std::string& trace, char value) {
    const auto sent = co_await c.send(value);
    trace += sent ? value : '!';
}

task<void> receive_and_say(channel<char>& c, std::string& trace) {
    const auto received = co_await c.receive();
    trace += received ? *received : '!';
}

/// Takes what is in the ring.
std::string drain(channel<char>& c) {
    std::string values;
    while (auto value = c.try_receive()) values += *value;
    return values;
}

/// A channel of one value that is full.
struct full_channel : channel<char> {
    full_channel() : channel(1) { CHECK(try_send('0')); }
};

}  // namespace

TEST_CASE("channel: gives values in the order in which they were sent") {
    run_test([]() -> task<void> {
        channel<int> c{3};
        for (int round = 0; round < 5; ++round) {  // the ring turns over
            for (int i = 0; i < 3; ++i) co_await c.send(round * 3 + i);
            CHECK(c.size() == 3);
            for (int i = 0; i < 3; ++i) {
                const auto value = co_await c.receive();
                CHECK(value == round * 3 + i);
            }
        }
        CHECK(c.size() == 0);
        CHECK(c.capacity() == 3);
    }());
}

TEST_CASE("channel: carries what can only be moved") {
    run_test([]() -> task<void> {
        channel<std::unique_ptr<int>> c{1};
        co_await c.send(std::make_unique<int>(1));
        const auto from_ring = co_await c.receive();
        const auto [by_hand, sent] =
            co_await when_all(c.receive(), c.send(std::make_unique<int>(2)));
        CHECK(**from_ring == 1);
        CHECK(**by_hand == 2);
    }());
}

TEST_CASE("channel: values that nobody received are destroyed with it, once") {
    std::string trace;
    {
        channel<epitaph> c{3};
        CHECK(c.try_send(epitaph{trace, "a"}));
        CHECK(c.try_send(epitaph{trace, "b"}));
        CHECK(c.try_receive().has_value());
        CHECK(trace == "a");
    }
    CHECK(trace == "ab");
}

// Sending: the signal is room in the ring.

TEST_CASE("channel: with room before the send, it is sent at once") {
    run_test([]() -> task<void> {
        channel<char> c{2};
        const auto sent = co_await c.send('a');
        CHECK(sent.has_value());
        CHECK(c.size() == 1);
    }());
}

TEST_CASE("channel: a sender waits for room, and the value arrives") {
    run_test([]() -> task<void> {
        full_channel c;
        std::string trace;
        co_await when_all(send_and_say(c, trace, 'a'), later([&] {
                              CHECK(c.try_receive() == '0');
                              trace += '|';  // nobody resumes inside of it
                          }));
        CHECK(trace == "|a");
        CHECK(drain(c) == "a");
    }());
}

TEST_CASE("channel: values of waiting senders arrive in the order in which those came") {
    run_test([]() -> task<void> {
        full_channel c;
        std::string sent, received;
        co_await when_all(send_and_say(c, sent, 'a'), send_and_say(c, sent, 'b'),
                          send_and_say(c, sent, 'c'), later([&] { received = drain(c); }));
        CHECK(received == "0abc");
        CHECK(sent == "abc");
    }());
}

TEST_CASE("channel: canceled before the send, it is not sent") {
    run_test([]() -> task<void> {
        channel<char> c{2};
        stop_source stop;
        stop.request_stop();
        const auto r = co_await stoppable(stop, c.send('a'));
        CHECK(error_of(r) == errc::canceled);
        CHECK(c.size() == 0);
    }());
}

TEST_CASE("channel: a sender canceled while it waits has not sent") {
    run_test([]() -> task<void> {
        full_channel c;
        stop_source stop;
        const auto [r, stopped] =
            co_await when_all(stoppable(stop, c.send('a')), later([&] { stop.request_stop(); }));
        CHECK(error_of(r) == errc::canceled);
        CHECK(drain(c) == "0");
    }());
}

TEST_CASE("channel: a sender that is canceled and then gets room in one turn has not sent") {
    run_test([]() -> task<void> {
        full_channel c;
        stop_source stop;
        std::string received;
        const auto [r, both] = co_await when_all(stoppable(stop, c.send('a')), later([&] {
                                                     stop.request_stop();
                                                     received = drain(c);
                                                 }));
        CHECK(error_of(r) == errc::canceled);
        CHECK(received == "0");
    }());
}

TEST_CASE("channel: a sender that gets room and then is canceled in one turn has sent") {
    run_test([]() -> task<void> {
        full_channel c;
        stop_source stop;
        std::string received;
        const auto [r, both] = co_await when_all(stoppable(stop, c.send('a')), later([&] {
                                                     received = drain(c);
                                                     stop.request_stop();
                                                 }));
        CHECK(error_of(r) == no_error);
        CHECK(received == "0a");
    }());
}

TEST_CASE("channel: a sender that is canceled leaves the others in order") {
    run_test([]() -> task<void> {
        full_channel c;
        stop_source stop;
        std::string sent, received;
        co_await when_all(send_and_say(c, sent, 'a'), stoppable(stop, send_and_say(c, sent, 'b')),
                          send_and_say(c, sent, 'c'), later([&] {
                              stop.request_stop();
                              received = drain(c);
                          }));
        CHECK(received == "0ac");
        CHECK(sent == "!ac");
    }());
}

TEST_CASE("channel: sends after a send was canceled") {
    run_test([]() -> task<void> {
        full_channel c;
        stop_source stop;
        co_await when_all(stoppable(stop, c.send('a')), later([&] { stop.request_stop(); }));
        const auto [again, room] =
            co_await when_all(c.send('b'), later([&] { (void)c.try_receive(); }));
        CHECK(again.has_value());
        CHECK(drain(c) == "b");
    }());
}

TEST_CASE("channel: the value of a send that was canceled is destroyed, once") {
    run_test([]() -> task<void> {
        std::string trace;
        channel<epitaph> c{1};
        CHECK(c.try_send(epitaph{trace, "0"}));
        stop_source stop;
        co_await when_all(stoppable(stop, c.send(epitaph{trace, "a"})),
                          later([&] { stop.request_stop(); }));
        CHECK(trace == "a");
    }());
}

// Receiving: the signal is a value.

TEST_CASE("channel: with a value before the receive, it is received at once") {
    run_test([]() -> task<void> {
        full_channel c;
        const auto received = co_await c.receive();
        CHECK(received == '0');
        CHECK(c.size() == 0);
    }());
}

TEST_CASE("channel: a receiver waits for a value") {
    run_test([]() -> task<void> {
        channel<char> c{1};
        std::string trace;
        co_await when_all(receive_and_say(c, trace), later([&] {
                              CHECK(c.try_send('a'));
                              trace += '|';  // nobody resumes inside of it
                          }));
        CHECK(trace == "|a");
        CHECK(c.size() == 0);
    }());
}

TEST_CASE("channel: a value goes to the longest waiting receiver, and nobody takes it away") {
    run_test([]() -> task<void> {
        channel<char> c{4};
        std::string first, second;
        co_await when_all(receive_and_say(c, first), receive_and_say(c, second), later([&] {
                              CHECK(c.try_send('a'));
                              CHECK_FALSE(c.try_receive().has_value());
                              CHECK(c.try_send('b'));
                              CHECK(c.size() == 0);
                          }));
        CHECK(first == "a");
        CHECK(second == "b");
    }());
}

TEST_CASE("channel: a receiver canceled before the receive took nothing") {
    run_test([]() -> task<void> {
        full_channel c;
        stop_source stop;
        stop.request_stop();
        const auto r = co_await stoppable(stop, c.receive());
        CHECK(error_of(r) == errc::canceled);
        CHECK(drain(c) == "0");
    }());
}

TEST_CASE("channel: a receiver that was canceled consumed nothing") {
    run_test([]() -> task<void> {
        channel<char> c{1};
        stop_source stop;
        const auto [r, stopped] =
            co_await when_all(stoppable(stop, c.receive()), later([&] { stop.request_stop(); }));
        CHECK(error_of(r) == errc::canceled);
        CHECK(c.try_send('a'));
        CHECK(drain(c) == "a");
    }());
}

TEST_CASE("channel: a receiver that is canceled before a value comes in one turn took nothing") {
    run_test([]() -> task<void> {
        channel<char> c{1};
        stop_source stop;
        const auto [r, both] = co_await when_all(stoppable(stop, c.receive()), later([&] {
                                                     stop.request_stop();
                                                     CHECK(c.try_send('a'));
                                                 }));
        CHECK(error_of(r) == errc::canceled);
        CHECK(drain(c) == "a");
    }());
}

TEST_CASE("channel: a receiver that is canceled after a value came in one turn has the value") {
    run_test([]() -> task<void> {
        channel<char> c{1};
        stop_source stop;
        const auto [r, both] = co_await when_all(stoppable(stop, c.receive()), later([&] {
                                                     CHECK(c.try_send('a'));
                                                     stop.request_stop();
                                                 }));
        CHECK(r == 'a');
    }());
}

TEST_CASE("channel: a receiver that is canceled leaves the value to the next") {
    run_test([]() -> task<void> {
        channel<char> c{1};
        stop_source stop;
        std::string trace;
        co_await when_all(stoppable(stop, receive_and_say(c, trace)), receive_and_say(c, trace),
                          later([&] {
                              stop.request_stop();
                              CHECK(c.try_send('a'));
                          }));
        CHECK(trace == "!a");
    }());
}

TEST_CASE("channel: receives after a receive was canceled") {
    run_test([]() -> task<void> {
        channel<char> c{1};
        stop_source stop;
        co_await when_all(stoppable(stop, c.receive()), later([&] { stop.request_stop(); }));
        const auto [again, sent] = co_await when_all(c.receive(), c.send('b'));
        CHECK(again == 'b');
        CHECK(sent.has_value());
    }());
}

TEST_CASE("channel: of two receives of a race none loses a value") {
    run_test([]() -> task<void> {
        channel<char> a{1}, b{1};
        const auto [first, sent] = co_await when_all(first_done(a.receive(), b.receive()),
                                                     later([&] {
                                                         CHECK(b.try_send('b'));
                                                         CHECK(a.try_send('a'));
                                                     }));
        const auto& [from_a, from_b] = first.results;
        CHECK(first.index == 1);
        CHECK(from_b == 'b');
        CHECK(from_a == 'a');
    }());
}

// Closing

TEST_CASE("channel: closed before, neither side waits") {
    run_test([]() -> task<void> {
        channel<char> c{1};
        c.close();
        const auto sent = co_await c.send('a');
        const auto received = co_await c.receive();
        CHECK(c.is_closed());
        CHECK(error_of(sent) == errc::closed);
        CHECK(error_of(received) == errc::closed);
        CHECK_FALSE(c.try_send('b'));
    }());
}

TEST_CASE("channel: what is in the ring can be received after it was closed") {
    run_test([]() -> task<void> {
        channel<char> c{2};
        CHECK(c.try_send('a'));
        CHECK(c.try_send('b'));
        c.close();
        const auto first = co_await c.receive();
        const auto second = co_await c.receive();
        const auto third = co_await c.receive();
        CHECK(first == 'a');
        CHECK(second == 'b');
        CHECK(error_of(third) == errc::closed);
    }());
}

TEST_CASE("channel: closing wakes those who wait, and resumes none before it returns") {
    run_test([]() -> task<void> {
        channel<char> empty{1};
        full_channel full;
        std::string trace;
        co_await when_all(receive_and_say(empty, trace), receive_and_say(empty, trace),
                          send_and_say(full, trace, 'a'), send_and_say(full, trace, 'b'),
                          later([&] {
                              empty.close();
                              full.close();
                              trace += '|';
                          }));
        CHECK(trace == "|!!!!");
        CHECK(drain(full) == "0");
    }());
}

TEST_CASE("channel: closed and canceled in one turn, the first of both is told") {
    run_test([]() -> task<void> {
        channel<char> a{1}, b{1};
        stop_source stop;
        const auto [closed, canceled, both] =
            co_await when_all(stoppable(stop, a.receive()), stoppable(stop, b.receive()),
                              later([&] {
                                  a.close();
                                  stop.request_stop();
                                  b.close();
                              }));
        CHECK(error_of(closed) == errc::closed);
        CHECK(error_of(canceled) == errc::canceled);
    }());
}

TEST_CASE("channel: a value that came before it was closed in one turn is received") {
    run_test([]() -> task<void> {
        channel<char> c{1};
        const auto [r, both] = co_await when_all(c.receive(), later([&] {
                                                     CHECK(c.try_send('a'));
                                                     c.close();
                                                 }));
        CHECK(r == 'a');
    }());
}

TEST_CASE("channel: a try that finds no room leaves the value") {
    channel<std::unique_ptr<int>> c{1};
    auto a = std::make_unique<int>(1);
    auto b = std::make_unique<int>(2);
    CHECK(c.try_send(std::move(a)));
    CHECK_FALSE(c.try_send(std::move(b)));
    CHECK(b != nullptr);  // NOLINT(bugprone-use-after-move): what the test is about
    CHECK(c.try_receive().has_value());
    CHECK_FALSE(c.try_receive().has_value());
}

TEST_CASE("channel: those who wait may end with their scope, and it after them") {
    run_test([]() -> task<void> {
        std::string trace;
        auto empty = std::make_unique<channel<char>>(1u);
        auto full = std::make_unique<full_channel>();
        co_await with_scope([](scope& s, channel<char>& e, channel<char>& f,
                               std::string& t) -> task<void> {
            for (int i = 0; i < 3; ++i) {
                s.spawn(receive_and_say(e, t));
                s.spawn(send_and_say(f, t, 'a'));
            }
            co_await turns(2);
            s.request_stop();
        }, *empty, *full, trace);
        empty.reset();
        full.reset();
        CHECK(trace == "!!!!!!");
    }());
}

TEST_CASE("channel: sides that take turns make progress through a ring of one") {
    run_test([]() -> task<void> {
        channel<int> ping{1}, pong{1};
        const auto [sum, answered] = co_await when_all(
            [](channel<int>& to, channel<int>& from) -> task<result<int>> {
                int total = 0;
                for (int i = 0; i < 1000; ++i) {
                    co_await check(to.send(i));
                    total += co_await check(from.receive());
                }
                to.close();
                co_return total;
            }(ping, pong),
            [](channel<int>& from, channel<int>& to) -> task<result<void>> {
                for (;;) co_await check(to.send(co_await check(from.receive()) + 1));
            }(ping, pong));
        CHECK(sum == 500'500);
        CHECK(error_of(answered) == errc::closed);
    }());
}

namespace {

/// Senders and receivers that are stopped at random while they wait, and try again.
struct market {
    explicit market(unsigned seed) : goods(1 + seed % 5), random(seed) {}

    channel<int> goods;
    std::minstd_rand random;
    std::vector<int> received;
    int sending = 0;

    int under(unsigned n) { return static_cast<int>(random() % n); }
};

/// Awaits what `make` makes until it is not canceled.
template <class Make>
task<result_of<std::invoke_result_t<Make>>> despite_stops(market& m, Make make) {
    for (;;) {
        stop_source stop;
        auto [r, stopped] = co_await when_all(
            stoppable(stop, make()), [](stop_source& s, int delay) -> task<void> {
                co_await turns(delay);
                s.request_stop();
            }(stop, m.under(4)));
        if (error_of(r) != errc::canceled) co_return std::move(r);
    }
}

task<void> produce(market& m, int first, int n) {
    ++m.sending;
    for (int i = first; i < first + n; ++i) {
        co_await turns(m.under(3));
        const auto sent = co_await despite_stops(m, [&m, i] { return m.goods.send(i); });
        CHECK(sent.has_value());
    }
    if (--m.sending == 0) m.goods.close();
}

task<void> consume(market& m) {
    for (;;) {
        co_await turns(m.under(3));
        const auto got = co_await despite_stops(m, [&m] { return m.goods.receive(); });
        if (!got) break;
        m.received.push_back(*got);
    }
}

}  // namespace

TEST_CASE("channel: every value arrives once, whoever is canceled whenever") {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        run_test([](unsigned s) -> task<void> {
            market m{s};
            co_await with_scope([](scope& inner, market& all) -> task<void> {
                for (int i = 0; i < 5; ++i) inner.spawn(produce, std::ref(all), i * 100, 100);
                for (int i = 0; i < 4; ++i) inner.spawn(consume, std::ref(all));
                co_return;
            }, m);
            std::vector<int> all_values(500);
            std::iota(all_values.begin(), all_values.end(), 0);
            std::ranges::sort(m.received);
            CHECK(m.received == all_values);
        }(seed));
    }
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("channel: traps when it is destroyed while somebody waits") {
    const std::string words = last_words([] {
        (void)run([]() -> task<result<void>> {
            auto c = std::make_unique<channel<char>>(1u);
            co_await when_all(c->receive(), later([&] { c.reset(); }));
            co_return {};
        }());
    });
    CHECK(words.find("destroyed while somebody waits for it") != std::string::npos);
}

TEST_CASE("channel: traps when it is to hold nothing") {
    const std::string words = last_words([] { const channel<int> none{0}; });
    CHECK(words.find("at least one value") != std::string::npos);
}
#endif
