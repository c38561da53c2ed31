// SPDX-License-Identifier: MIT OR Apache-2.0
// What a stream that is in use costs: no allocation, once its connection is warm.
#include <copoll/p2p/connection.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <copoll/loop.hpp>

#include "p2p/peers.hpp"
#include "support/allocations.hpp"
#include "support/run_test.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

/// A real network cuts what is sent where it likes, and a larger piece than ever may come late.
#if __has_include(<copoll/backend/sim.hpp>)
constexpr std::uint64_t strays = 0;
#else
constexpr std::uint64_t strays = 5;
#endif

/// What both ends allocate in a hundred exchanges of `n` bytes, after a few to warm up.
task<result<std::uint64_t>> exchanged(p2p::stream& s, std::size_t n) {
    const loop& here = *(co_await this_env{}).owner;
    const std::vector<std::byte> there(n);
    std::vector<std::byte> back(n);
    std::uint64_t before = 0;
    for (int i = 0; i < 150; ++i) {
        if (i == 50) before = allocations_by(here);
        co_await check(write_all(s, there));
        co_await check(read_exactly(s, back));
    }
    co_return allocations_by(here) - before;
}

}  // namespace

TEST_CASE("allocation: a stream in use costs none") {
    run_test([]() -> task<result<void>> {
        CHECK(heap_allocations() > 0);
        co_return co_await meet_echo([](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.open("/echo/1.0.0"));
            const auto small = co_await check(exchanged(s, 100));
            const auto middle = co_await check(exchanged(s, 10'000));
            const auto large = co_await check(exchanged(s, 200'000));
            CHECK(small <= strays);
            CHECK(middle <= strays);
            CHECK(large <= strays);
            co_return co_await s.shutdown_write();
        });
    }());
}
