// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "support/allocations.hpp"

#include <charconv>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

/// What an operation of a coroutine library costs, beside what none of them can do without: a call
/// by a pointer, resuming a coroutine, making one.
namespace coroutine_costs {

/// What was measured, in the order of the list that the program prints.
class costs {
public:
    /// `name` was done `n` times since `start` was made.
    class watch {
    public:
        double nanoseconds() const {
            return std::chrono::duration<double, std::nano>(clock::now() - begun_).count();
        }
        std::uint64_t allocations() const {
            return copoll_tests::heap_allocations() - allocations_;
        }

    private:
        using clock = std::chrono::steady_clock;
        std::uint64_t allocations_ = copoll_tests::heap_allocations();
        clock::time_point begun_ = clock::now();
    };

    void add(const char* name, std::size_t n, const watch& since) {
        const auto count = static_cast<double>(n);
        found_.push_back({name, since.nanoseconds() / count,
                          static_cast<double>(since.allocations()) / count});
    }

    /// One line of JSON: "NAME ns" and "NAME allocations" of each.
    void print() const {
        const char* separator = "{";
        for (const cost& c : found_) {
            std::printf("%s\"%s ns\": %.2f, \"%s allocations\": %.2f", separator, c.name,
                        c.nanoseconds, c.name, c.allocations);
            separator = ", ";
        }
        std::puts("}");
    }

private:
    struct cost {
        const char* name;
        double nanoseconds;
        double allocations;
    };
    std::vector<cost> found_;
};

/// How often each operation is done, after a tenth of it to warm up: `--times N` of the program.
inline std::size_t times = 200'000;

/// Ends the program, with code 2, if its arguments are something else.
inline void read_options(int argc, char** argv) {
    const std::span words{argv, static_cast<std::size_t>(argc)};
    if (words.size() <= 1) return;
    const std::string_view number = words.size() == 3 ? words[2] : "";
    const char* const end = number.data() + number.size();
    const auto [stopped, error] = std::from_chars(number.data(), end, times);
    if (std::string_view{words[1]} == "--times" && error == std::errc{} && stopped == end &&
        times >= 10)
        return;
    std::fprintf(stderr, "usage: %s [--times N]   N: 10 or more\n", words[0]);
    std::exit(2);
}

/// A coroutine with nothing around it: its caller resumes it until it is done.
class bare {
public:
    struct promise_type {
        bare get_return_object() noexcept { return bare{handle::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
    using handle = std::coroutine_handle<promise_type>;

    bare(const bare&) = delete;
    bare& operator=(const bare&) = delete;
    ~bare() { handle_.destroy(); }

    void resume() const { handle_.resume(); }

private:
    explicit bare(handle h) noexcept : handle_(h) {}
    handle handle_;
};

[[gnu::noinline]] inline bare counts_up(volatile int& n) {
    for (;;) {
        n = n + 1;
        co_await std::suspend_always{};
    }
}

[[gnu::noinline]] inline bare counts_once(volatile int& n) {
    n = n + 1;
    co_return;
}

/// The yardsticks.
inline void add_bare(costs& to) {
    static volatile int counter = 0;
    static void (*volatile count)() = [] { counter = counter + 1; };
    const std::size_t many = 10 * times;
    for (const std::size_t n : {times, many}) {
        const costs::watch call;
        for (std::size_t i = 0; i < n; ++i) count();
        if (n == many) to.add("call by a pointer", n, call);
    }
    const bare generator = counts_up(counter);
    for (const std::size_t n : {times, many}) {
        const costs::watch resumed;
        for (std::size_t i = 0; i < n; ++i) generator.resume();
        if (n == many) to.add("bare coroutine resumed", n, resumed);
    }
    for (const std::size_t n : {times, many}) {
        const costs::watch made;
        for (std::size_t i = 0; i < n; ++i) counts_once(counter).resume();
        if (n == many) to.add("bare coroutine made and ended", n, made);
    }
}

}  // namespace coroutine_costs
