// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "support/allocations.hpp"

#include <algorithm>
#include <array>
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

/// An operation is done in so many batches; the one in the middle counts, so that what else the
/// machine does for a moment does not.
constexpr std::size_t batches = 101;

/// What was measured, in the order of the list that the program prints.
class costs {
public:
    class watch {
    public:
        /// `n` operations are done since the watch was made or a batch ended last.
        void batch_ended(std::size_t n) {
            const std::chrono::duration<double, std::nano> took = clock::now() - begun_;
            nanoseconds_[ended_++] = took.count() / static_cast<double>(n);
            done_ += n;
            begun_ = clock::now();
        }

        double nanoseconds() const {
            auto sorted = nanoseconds_;
            std::ranges::sort(sorted);
            return sorted[batches / 2];
        }
        double allocations() const {
            return static_cast<double>(copoll_tests::heap_allocations() - allocations_) /
                   static_cast<double>(done_);
        }

    private:
        using clock = std::chrono::steady_clock;
        std::array<double, batches> nanoseconds_{};
        std::size_t ended_ = 0;
        std::size_t done_ = 0;
        std::uint64_t allocations_ = copoll_tests::heap_allocations();
        clock::time_point begun_ = clock::now();
    };

    /// After `batches` of them.
    void add(const char* name, const watch& over) {
        const double allocations = over.allocations();  // before the list grows
        found_.push_back({name, over.nanoseconds(), allocations});
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

/// How often each operation is done in a batch, and once before to warm up: `--times N` of the
/// program.
inline std::size_t times = 2'000;

/// Ends the program, with code 2, if its arguments are something else.
inline void read_options(int argc, char** argv) {
    const std::span words{argv, static_cast<std::size_t>(argc)};
    if (words.size() <= 1) return;
    const std::string_view number = words.size() == 3 ? words[2] : "";
    const char* const end = number.data() + number.size();
    const auto [stopped, error] = std::from_chars(number.data(), end, times);
    if (std::string_view{words[1]} == "--times" && error == std::errc{} && stopped == end &&
        times >= 1)
        return;
    std::fprintf(stderr, "usage: %s [--times N]   N: 1 or more\n", words[0]);
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

template <class F>
void add_calls(costs& to, const char* name, F f) {
    const std::size_t n = 10 * times;  // these are short
    for (std::size_t i = 0; i < n; ++i) f();
    costs::watch over;
    for (std::size_t batch = 0; batch < batches; ++batch) {
        for (std::size_t i = 0; i < n; ++i) f();
        over.batch_ended(n);
    }
    to.add(name, over);
}

/// The yardsticks.
inline void add_bare(costs& to) {
    static volatile int counter = 0;
    static void (*volatile count)() = [] { counter = counter + 1; };
    const bare generator = counts_up(counter);
    add_calls(to, "call by a pointer", [] { count(); });
    add_calls(to, "bare coroutine resumed", [&] { generator.resume(); });
    add_calls(to, "bare coroutine made and ended", [] { counts_once(counter).resume(); });
}

}  // namespace coroutine_costs
