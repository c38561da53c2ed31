// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What tasks, channels, groups and scopes cost, in time and in allocations. Prints one line of
// JSON.
#include "costs.hpp"

#include <copoll/channel.hpp>
#include <copoll/detail/next_turn.hpp>
#include <copoll/event.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/task.hpp>
#include <copoll/when.hpp>

#include <functional>

using namespace copoll;
using namespace coroutine_costs;

namespace {

[[gnu::noinline]] task<int> ends_at_once(int n) { co_return n; }

[[gnu::noinline]] task<int> waits_a_turn(int n) {
    co_await detail::next_turn{};
    co_return n;
}

task<void> send_and_receive(channel<int>& to) {
    (void)co_await to.send(1);
    (void)co_await to.receive();
}

task<void> send_all(channel<int>& to, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) (void)co_await to.send(1);
}

task<void> hand_over(scope& s, channel<int>& through, std::size_t n) {
    s.spawn(send_all, std::ref(through), n);
    for (std::size_t i = 0; i < n; ++i) (void)co_await through.receive();
}

task<void> spawn_one(scope& s) {
    s.spawn(ends_at_once, 1);
    co_return;
}

/// Measures `make()`, an operation, by awaiting it again and again.
template <class Make>
task<void> add(costs& to, const char* name, Make make) {
    for (std::size_t i = 0; i < times; ++i) (void)co_await make();
    costs::watch over;
    for (std::size_t batch = 0; batch < batches; ++batch) {
        for (std::size_t i = 0; i < times; ++i) (void)co_await make();
        over.batch_ended(times);
    }
    to.add(name, over);
}

task<void> add_channels(costs& to) {
    channel<int> room{1};
    co_await add(to, "channel with room, one value", [&] { return send_and_receive(room); });
    channel<int> between{1};
    co_await with_scope(hand_over, between, times);
    costs::watch over;
    for (std::size_t batch = 0; batch < batches; ++batch) {
        co_await with_scope(hand_over, between, times);
        over.batch_ended(times);
    }
    to.add("channel between tasks, one value", over);
}

}  // namespace

task<result<void>> async_main(args a) {
    read_options(a.argc(), a.argv());
    costs found;
    add_bare(found);
    co_await add(found, "child that ends at once", [] { return ends_at_once(1); });
    co_await add(found, "child that waits a turn", [] { return waits_a_turn(1); });
    co_await add_channels(found);
    co_await add(found, "all of 2", [] { return when_all(ends_at_once(1), ends_at_once(2)); });
    co_await add(found, "all of 8", [] {
        return when_all(ends_at_once(1), ends_at_once(2), ends_at_once(3), ends_at_once(4),
                        ends_at_once(5), ends_at_once(6), ends_at_once(7), ends_at_once(8));
    });
    co_await add(found, "child spawned and joined", [] { return with_scope(spawn_one); });
    event never;
    co_await add(found, "first of 2, the other cancelled",
                 [&] { return first_done(waits_a_turn(1), never.wait()); });
    found.print();
    co_return {};
}
