// SPDX-License-Identifier: MIT OR Apache-2.0
//
// An example server as it is (its async_main is compiled as example_main), beside it a task that
// prints the size of the linear memory whenever that has grown: `linear memory BYTES`.
#include <copoll/run.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <tuple>

copoll::task<copoll::result<void>> example_main(copoll::args);

namespace {

constexpr std::size_t page = std::size_t{64} << 10;

copoll::task<copoll::result<void>> tell_memory() {
    std::size_t told = 0;
    for (;;) {
        const std::size_t pages = __builtin_wasm_memory_size(0);
        if (pages != told) {
            std::printf("linear memory %zu\n", pages * page);
            std::fflush(stdout);
            told = pages;
        }
        co_await copoll::check(copoll::sleep_for(std::chrono::milliseconds{100}));
    }
}

}  // namespace

copoll::task<copoll::result<void>> async_main(copoll::args a) {
    const auto ended = co_await copoll::first_done(tell_memory(), example_main(a));
    co_return std::get<1>(ended.results);
}
