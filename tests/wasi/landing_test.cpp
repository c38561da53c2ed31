// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/host.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>

#include <copoll/backend/context.hpp>

using namespace copoll::backend;

namespace {

/// Two pollables that are ready.
struct two_ready {
    pollable a{host::counted<host::raw::copoll_clock_subscribe_instant, host::call::timer>(
        std::int64_t{0})};
    pollable b{host::counted<host::raw::copoll_clock_subscribe_instant, host::call::timer>(
        std::int64_t{0})};
    std::array<host::handle, 2> handles{a.get(), b.get()};
};

}  // namespace

TEST_CASE("landing: the list that poll gives lies where it was asked for") {
    const two_ready all;
    std::array<std::uint32_t, 2> ready{7, 7};
    const auto misses = host::landing_misses;

    const auto list = host::poll(all.handles.data(), 2, ready.data());

    CHECK(list.data == ready.data());
    CHECK(list.size == 2);
    CHECK(ready[0] + ready[1] == 1);
    CHECK(host::landing_misses == misses);
    CHECK(host::landing.at == nullptr);
}

TEST_CASE("landing: a list that does not fit is allocated, and counted") {
    const two_ready all;
    std::array<std::uint32_t, 2> ready{7, 7};
    const auto misses = host::landing_misses;
    host::list_result list{};

    host::landing = {ready.data(), sizeof(std::uint32_t)};
    host::raw::copoll_io_poll(all.handles.data(), 2, &list);
    host::landing = {};

    CHECK(list.data != ready.data());
    CHECK(list.size == 2);
    CHECK(ready[0] == 7);
    CHECK(host::landing_misses == misses + 1);
    std::free(list.data);
}

TEST_CASE("landing: a slot that is not aligned for the list is left alone") {
    const two_ready all;
    alignas(4) std::array<char, 12> bytes{};
    host::list_result list{};

    host::landing = {bytes.data() + 1, 8};
    host::raw::copoll_io_poll(all.handles.data(), 2, &list);
    host::landing = {};

    CHECK(list.data != bytes.data() + 1);
    std::free(list.data);
}
