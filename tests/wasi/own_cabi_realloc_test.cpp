// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/host.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"

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
