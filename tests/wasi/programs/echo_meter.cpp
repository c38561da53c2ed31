// SPDX-License-Identifier: MIT OR Apache-2.0
// An echo server that counts what its echoes cost, from the end of one echo to the end of another:
//
//     echo_meter WARM_UP COUNT
//
// prints where it listens, and after WARM_UP + COUNT echoes what the last COUNT took.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <copoll/backend/host.hpp>
#include <copoll/loop.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>

using namespace copoll;

namespace {

std::uint64_t heap_calls = 0;

}  // namespace

// The linker leads all calls of the heap through here (--wrap).
extern "C" {
void* __real_malloc(std::size_t n);
void* __wrap_malloc(std::size_t n) {
    ++heap_calls;
    return __real_malloc(n);
}
void* __real_calloc(std::size_t n, std::size_t size);
void* __wrap_calloc(std::size_t n, std::size_t size) {
    ++heap_calls;
    return __real_calloc(n, size);
}
void* __real_realloc(void* p, std::size_t n);
void* __wrap_realloc(void* p, std::size_t n) {
    ++heap_calls;
    return __real_realloc(p, n);
}
void* __real_aligned_alloc(std::size_t align, std::size_t n);
void* __wrap_aligned_alloc(std::size_t align, std::size_t n) {
    ++heap_calls;
    return __real_aligned_alloc(align, n);
}
}

namespace {

struct snapshot {
    backend::host::call_counters calls;
    std::uint64_t heap;
    loop_stats stats;
    std::uint64_t misses;
};

struct meter {
    loop& owner;
    std::uint64_t warm_up, count;
    std::uint64_t echoes = 0;
    snapshot begin{};

    snapshot now() const {
        return {backend::host::calls, heap_calls, owner.stats(), backend::host::landing_misses};
    }

    /// True when it has counted enough.
    bool echoed() {
        ++echoes;
        if (echoes == warm_up) begin = now();
        if (echoes != warm_up + count) return false;
        print(now());
        return true;
    }

    void print(const snapshot& end) const {
        using enum backend::host::call;
        const auto line = [](const char* what, std::uint64_t n) {
            std::printf("%s %llu\n", what, static_cast<unsigned long long>(n));
        };
        const auto calls = [&](backend::host::call c) { return end.calls[c] - begin.calls[c]; };
        line("poll", calls(poll));
        line("read", calls(read));
        line("check_write", calls(check_write));
        line("write", calls(write));
        line("total", end.calls.total() - begin.calls.total());
        line("heap", end.heap - begin.heap);
        line("allocations", end.stats.allocations - begin.stats.allocations);
        line("landing_misses", end.misses - begin.misses);
        line("frames", end.stats.frames - begin.stats.frames);
    }
};

task<result<void>> session(tcp_stream peer, meter& m, scope& all) {
    std::vector<std::byte> buffer(64 * 1024);
    for (;;) {
        auto [ec, n] = co_await peer.read_some(buffer);
        if (ec) co_return {};
        co_await check(write_all(peer, std::span(buffer).first(n)));
        if (m.echoed()) all.request_stop();
    }
}

task<result<void>> serve(scope& sessions, tcp_listener& listener, meter& m) {
    for (;;) {
        auto peer = co_await listener.accept();
        if (!peer) co_return {};
        sessions.spawn(session, *std::move(peer), std::ref(m), std::ref(sessions));
    }
}

}  // namespace

task<result<void>> async_main(args a) {
    if (a.size() != 2) co_return fail(errc::usage);
    meter m{*(co_await this_env{}).owner, std::strtoull(a[0].data(), nullptr, 10),
            std::strtoull(a[1].data(), nullptr, 10)};
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}, {.backlog = 512}));
    const auto at = co_await check(listener.local_endpoint());
    std::printf("listening on %s\n", ip::to_string(at).c_str());
    std::fflush(stdout);
    co_return co_await with_scope(serve, listener, m);
}
