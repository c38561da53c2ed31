// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/host.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/udp.hpp>
#include <copoll/when.hpp>

#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"
#include "support/udp_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

std::uint64_t lists = 0;

}  // namespace

// As bindings of other interfaces, or another language's runtime, bring it along.
extern "C" [[clang::export_name("cabi_realloc")]] void* cabi_realloc(void* old, std::size_t,
                                                                     std::size_t align,
                                                                     std::size_t size) {
    if (size == 0) return reinterpret_cast<void*>(align);
    ++lists;
    void* const grown = std::realloc(old, size);
    if (!grown) std::abort();
    return grown;
}

TEST_CASE("cabi_realloc: a program's own is used, and what the host gives still arrives") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto before = lists;

        auto [sent, got, slept] =
            co_await when_all(feed(server, 3'000'000), drain(client, 3'000'000), sleep_for(5ms));

        CHECK(lists > before);
        CHECK(backend::host::landing_misses == 0);  // the library's own was never called
        CHECK(sent.n == 3'000'000);
        CHECK(got.n == 3'000'000);
        CHECK(got.intact);
        co_return {};
    }());
}

TEST_CASE("cabi_realloc: of a program's own, datagrams arrive and are freed") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(bound_pair());
        const auto short_one = pattern(5), long_one = pattern(9);
        const outgoing_datagram batch[] = {{short_one, p.at_b}, {{}, p.at_b}, {long_one, p.at_b}};
        datagram_slots slots{16, 8};
        for (int i = 0; i < 100; ++i) {
            co_await check(p.a.send_batch(batch));
            const auto before = lists;
            for (std::size_t n = 0; n < 3;) {
                const auto got =
                    co_await check(with_timeout(p.b.receive_batch(slots.all().subspan(n)), 5s));
                n += got;
            }
            CHECK(lists > before);
            CHECK(is_pattern(slots[0].bytes(), 0));
            CHECK(slots[0].size == 5);
            CHECK(slots[1].size == 0);
            CHECK(slots[2].truncated);
            CHECK(is_pattern(slots[2].bytes(), 0));
        }
        CHECK(backend::host::landing_misses == 0);
        co_return {};
    }());
}
