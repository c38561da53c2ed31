// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/chunk.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <copoll/loop.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/allocations.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

task<result<void>> write_all_and_end(tcp_stream& to, std::span<const std::byte> bytes) {
    co_await check(write_all(to, bytes));
    co_return co_await to.shutdown_write();
}

}  // namespace

TEST_CASE("chunk: moving leaves nothing behind, and what it held is used again") {
    detail::chunk_pool pool;
    chunk a = pool.take();
    std::byte* const memory = a.data();
    CHECK(a.size() == chunk::capacity);
    a.truncate(3);

    chunk b = std::move(a);
    CHECK(b.size() == 3);
    CHECK(b.data() == memory);
    b = pool.take();
    CHECK(b.data() != memory);
    const chunk c = pool.take();
    CHECK(c.data() == memory);
    CHECK(pool.allocations() == 2);
}

TEST_CASE("chunk: a crowd's memory is given back but for some") {
    detail::chunk_pool pool;
    for (int round = 0; round < 2; ++round) {
        std::vector<chunk> crowd;
        for (int i = 0; i < 20; ++i) crowd.push_back(pool.take());
    }
    CHECK(pool.allocations() == 24);  // 16 of the first 20 were kept
}

TEST_CASE("read_chunk: gives what is there, then the end") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto sent = pattern(200'000);
        std::vector<std::byte> got;

        auto [wrote, ended] = co_await when_all(
            [](tcp_stream& s, const auto& bytes) -> task<result<void>> {
                co_await check(write_all(s, bytes));
                co_return co_await s.shutdown_write();
            }(client, sent),
            [](tcp_stream& s, auto& into) -> task<std::error_code> {
                for (;;) {
                    const auto c = co_await s.read_chunk();
                    if (!c) co_return c.error();
                    CHECK(!c->empty());
                    into.insert(into.end(), c->begin(), c->end());
                }
            }(server, got));

        CHECK(wrote.has_value());
        CHECK(ended == errc::eof);
        CHECK(got == sent);
        co_return {};
    });
}

TEST_CASE("read_chunk: who waits holds no memory, and a timeout loses nothing") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        auto& pool = (co_await this_env{}).owner->chunks();

        const auto none = co_await with_timeout(server.read_chunk(), 5ms);
        CHECK(error_of(none) == errc::timed_out);
        const chunk one = pool.take();
        const chunk another = pool.take();
        CHECK(pool.allocations() == 2);

        const auto sent = pattern(100);
        co_await check(write_all(client, sent));
        std::vector<std::byte> got;
        while (got.size() < sent.size()) {
            const auto c = co_await check(with_timeout(server.read_chunk(), 5s));
            got.insert(got.end(), c.begin(), c.end());
        }
        CHECK(got == sent);
        co_return {};
    });
}

TEST_CASE("read_chunk: a steady state allocates nothing") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        loop& owner = *(co_await this_env{}).owner;
        const auto message = pattern(64);
        std::uint64_t before = 0;
        for (int i = 0; i < 120; ++i) {
            if (i == 20) before = allocations_by(owner);
            co_await check(write_all(client, message));
            const auto c = co_await check(server.read_chunk());
            CHECK(std::ranges::equal(c, message));
        }
        CHECK(allocations_by(owner) == before);
        co_return {};
    }());
}

TEST_CASE("copy: who waits for bytes holds no memory") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        auto& pool = (co_await this_env{}).owner->chunks();

        const auto none = co_await with_timeout(copy(server, server), 5ms);
        CHECK(none.ec == errc::timed_out);
        CHECK(none.n == 0);
        const chunk one = pool.take();
        const chunk another = pool.take();
        CHECK(pool.allocations() == 2);

        const auto sent = pattern(300'000);
        std::vector<std::byte> got(sent.size());
        auto [echoed, written, read] = co_await when_all(
            copy(server, server), write_all_and_end(client, sent), read_exactly(client, got));
        CHECK(echoed.ec == std::error_code{});
        CHECK(echoed.n == sent.size());
        CHECK(written.has_value());
        CHECK(read.n == sent.size());
        CHECK(got == sent);
        co_return {};
    });
}

TEST_CASE("copy: a target that fails ends it, and what was written is counted") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto sent = pattern(100);
        co_await check(write_all(client, sent));
        co_await check(server.shutdown_write());
        const auto r = co_await copy(server, server);
        CHECK(r.ec);
        CHECK(r.ec != errc::eof);
        CHECK(r.n == 0);
        co_return {};
    });
}
