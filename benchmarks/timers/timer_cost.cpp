// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a timer costs while many are pending: sets N timers, then again and again cancels one and
// sets it anew. Then lets tasks with timeouts wait while they are pending. Prints one line of JSON.
#include <copoll/loop.hpp>
#include <copoll/run.hpp>
#include <copoll/time.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>

using namespace copoll;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t pending = 100'000;
constexpr std::size_t pairs = 2'000'000;
constexpr int waits = 50;

/// xorshift: what the numbers are does not matter, only that the heap has no easy order.
class random_numbers {
public:
    std::uint64_t next() noexcept {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        return state_ ^= state_ << 17;
    }

private:
    std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

double nanoseconds_each(clock::duration d, std::size_t n) {
    return static_cast<double>(d.count()) / static_cast<double>(n);
}

}  // namespace

task<result<void>> async_main(args) {
    loop& owner = *(co_await this_env{}).owner;
    random_numbers random;
    const auto base = clock::now() + 1h;
    const auto deadline = [&] {
        return base + std::chrono::microseconds{random.next() % (1 << 30)};
    };

    const auto timers = std::make_unique<detail::timer_node[]>(pending);
    auto begin = clock::now();
    for (std::size_t i = 0; i < pending; ++i) owner.set_timer(timers[i], deadline());
    const double set = nanoseconds_each(clock::now() - begin, pending);

    begin = clock::now();
    for (std::size_t i = 0; i < pairs; ++i) {
        detail::timer_node& t = timers[random.next() % pending];
        owner.cancel_timer(t);
        owner.set_timer(t, deadline());
    }
    const double pair = nanoseconds_each(clock::now() - begin, pairs);

    const auto before = owner.stats();
    for (int i = 0; i < waits; ++i) co_await check(sleep_for(1ms));
    const auto after = owner.stats();

    for (std::size_t i = 0; i < pending; ++i) owner.cancel_timer(timers[i]);
    std::printf("{\"pending\": %zu, \"set_ns\": %.1f, \"cancel_and_set_ns\": %.1f, "
                "\"host_calls_per_sleep\": %.2f}\n",
                pending, set, pair,
                static_cast<double>(after.host_calls - before.host_calls) / waits);
    co_return {};
}
