// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What coroutine_cost.cpp measures, of Asio's own coroutines. Prints one line of JSON.
#include "costs.hpp"

#include <asio/as_tuple.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <system_error>

using namespace coroutine_costs;
using namespace asio::experimental::awaitable_operators;
using asio::awaitable;
using asio::deferred;

namespace {

using channel = asio::experimental::channel<void(std::error_code, int)>;

[[gnu::noinline]] awaitable<int> ends_at_once(int n) { co_return n; }

[[gnu::noinline]] awaitable<int> waits_a_turn(int n) {
    co_await asio::post(deferred);
    co_return n;
}

awaitable<void> send_and_receive(channel& to) {
    co_await to.async_send({}, 1, deferred);
    (void)co_await to.async_receive(deferred);
}

awaitable<void> send_all(channel& to, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) co_await to.async_send({}, 1, deferred);
}

awaitable<void> hand_over(channel& through, std::size_t n) {
    asio::co_spawn(co_await asio::this_coro::executor, send_all(through, n), asio::detached);
    for (std::size_t i = 0; i < n; ++i) (void)co_await through.async_receive(deferred);
}

awaitable<void> spawn_one() {
    (void)co_await asio::co_spawn(co_await asio::this_coro::executor, ends_at_once(1), deferred);
}

awaitable<void> waits_for(channel& one) {
    (void)co_await one.async_receive(asio::as_tuple(deferred));  // throws nothing when cancelled
}

template <class Make>
awaitable<void> add(costs& to, const char* name, Make make) {
    for (std::size_t i = 0; i < times; ++i) (void)co_await make();
    costs::watch over;
    for (std::size_t batch = 0; batch < batches; ++batch) {
        for (std::size_t i = 0; i < times; ++i) (void)co_await make();
        over.batch_ended(times);
    }
    to.add(name, over);
}

awaitable<void> add_channels(costs& to) {
    const auto here = co_await asio::this_coro::executor;
    channel room{here, 1};
    co_await add(to, "channel with room, one value", [&] { return send_and_receive(room); });
    channel between{here, 1};
    co_await hand_over(between, times);
    costs::watch over;
    for (std::size_t batch = 0; batch < batches; ++batch) {
        co_await hand_over(between, times);
        over.batch_ended(times);
    }
    to.add("channel between tasks, one value", over);
}

awaitable<void> measure() {
    costs found;
    add_bare(found);
    co_await add(found, "child that ends at once", [] { return ends_at_once(1); });
    co_await add(found, "child that waits a turn", [] { return waits_a_turn(1); });
    co_await add_channels(found);
    co_await add(found, "all of 2", [] { return ends_at_once(1) && ends_at_once(2); });
    co_await add(found, "all of 8", [] {
        return ends_at_once(1) && ends_at_once(2) && ends_at_once(3) && ends_at_once(4) &&
               ends_at_once(5) && ends_at_once(6) && ends_at_once(7) && ends_at_once(8);
    });
    co_await add(found, "child spawned and joined", [] { return spawn_one(); });
    channel never{co_await asio::this_coro::executor, 1};
    co_await add(found, "first of 2, the other cancelled",
                 [&] { return waits_a_turn(1) || waits_for(never); });
    found.print();
}

}  // namespace

int main(int argc, char** argv) {
    read_options(argc, argv);
    asio::io_context here{1};
    asio::co_spawn(here, measure(), asio::detached);
    here.run();
}
