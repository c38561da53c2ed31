// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/udp.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <copoll/backend/host.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/open_handles.hpp"
#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"
#include "support/udp_pair.hpp"

/// What datagrams cost in calls of the host, and where they land.

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;
namespace host = copoll::backend::host;

namespace {

/// Calls of a kind since it was made.
class call_meter {
public:
    std::uint64_t operator[](host::call c) const noexcept { return host::calls[c] - begin_[c]; }
    std::uint64_t total() const noexcept { return host::calls.total() - begin_.total(); }

private:
    host::call_counters begin_ = host::calls;
};

}  // namespace

TEST_CASE("udp calls: 40 datagrams leave with three sends, and arrive with three receives") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(warm_pair());
        const std::vector<outgoing_datagram> batch(40, {bytes_of("x"), p.at_b});
        const call_meter sending;

        const auto sent = co_await p.a.send_batch(batch);

        CHECK(sent.n == 40);
        CHECK(sending[host::call::write] == 3);
        CHECK(sending.total() == 6);  // each send has its permit

        co_await check(sleep_for(30ms));
        datagram_slots slots{40, 8};
        const call_meter receiving;
        std::size_t got = 0;
        while (got < 40) got += co_await check(p.b.receive_batch(slots.all().subspan(got)));
        CHECK(receiving.total() == 3);
        co_return {};
    }());
}

TEST_CASE("udp calls: an echo is a receive, a permit and a send, when the question is there") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(warm_pair());
        std::array<std::byte, 100> buffer;
        co_await check(p.a.send_to(bytes_of("x"), p.at_b));
        co_await check(sleep_for(30ms));
        const call_meter echo;

        const auto question = co_await check(p.b.receive_from(buffer));
        co_await check(p.b.send_to(question.bytes(), question.from));

        CHECK(echo.total() == 3);
        co_return {};
    }());
}

TEST_CASE("udp landing: what fits lies where it was asked for, without an allocation") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(warm_pair());
        const auto five = pattern(5), none = pattern(0), nine = pattern(9);
        const outgoing_datagram batch[] = {{five, p.at_b}, {none, p.at_b}, {five, p.at_b}};
        co_await check(p.a.send_batch(batch));
        co_await check(sleep_for(30ms));
        datagram_slots slots{16, 8};
        const auto misses = host::landing_misses;

        const auto got = co_await p.b.receive_batch(slots.all());

        CHECK(got.n == 3);
        CHECK(host::landing_misses == misses);
        CHECK(host::landing.at == nullptr);
        CHECK(host::landing_next.empty());
        CHECK(is_pattern(slots[0].bytes(), 0));
        CHECK(slots[1].size == 0);
        CHECK(is_pattern(slots[2].bytes(), 0));
        CHECK(slots[2].size == 5);

        const outgoing_datagram long_ones[] = {{nine, p.at_b}, {five, p.at_b}};
        co_await check(p.a.send_batch(long_ones));
        co_await check(sleep_for(30ms));
        const auto cut = co_await p.b.receive_batch(slots.all());

        CHECK(cut.n == 2);
        CHECK(host::landing_misses == misses + 1);  // the longer one
        CHECK(slots[0].truncated);
        CHECK(is_pattern(slots[0].bytes(), 0));
        CHECK_FALSE(slots[1].truncated);
        CHECK(is_pattern(slots[1].bytes(), 0));
        co_return {};
    }());
}

TEST_CASE("udp drop order: a socket in every state") {
    run_test([]() -> task<result<void>> {
        auto server = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(server.local_endpoint());
        std::array<std::byte, 8> buffer{};
        open_handles meter;
        for (unsigned bits = 0; bits < 16; ++bits) {
            auto s = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
            if (bits & 1) {
                const auto none = co_await with_timeout(s.receive_from(buffer), 1ms);
                CHECK_FALSE(none.has_value());
            }
            if (bits & 2) co_await check(s.send_to(bytes_of("x"), at));
            if (bits & 4) co_await check(s.connect(at));
            if (bits & 8) {
                const auto none = co_await with_timeout(s.receive_from(buffer), 1ms);
                CHECK_FALSE(none.has_value());
            }
            if (bits % 3 == 0) {
                s.close();
            } else if (bits % 3 == 1) {
                const udp_socket elsewhere = std::move(s);
            } else {
                s = co_await check(udp_socket::connected_to(at));
            }
        }
        co_await check(sleep_for(20ms));
        CHECK(meter.grown_by(0) <= 1);  // the loop's timer
        co_return {};
    }());
}
