// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/any_stream.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <copoll/buffered.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/allocations.hpp"
#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/script_stream.hpp"
#include "support/stoppable.hpp"
#include "support/tcp_pair.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Forwards to a stream that the test keeps; tells when it is destroyed.
class script_ref {
public:
    explicit script_ref(script_stream& s, bool* destroyed = nullptr) noexcept
        : s_(&s), destroyed_(destroyed) {}
    script_ref(script_ref&& other) noexcept
        : s_(other.s_), destroyed_(std::exchange(other.destroyed_, nullptr)) {}
    ~script_ref() {
        if (destroyed_) *destroyed_ = true;
    }

    auto read_some(std::span<std::byte> to) noexcept { return s_->read_some(to); }
    auto write_some(std::span<const std::byte> from) noexcept { return s_->write_some(from); }
    auto shutdown_write() noexcept { return s_->shutdown_write(); }

private:
    script_stream* s_;
    bool* destroyed_;
};

/// A stream whose operations are coroutines, and whose shutdown tells how many bytes it cost.
class coroutine_stream {
public:
    explicit coroutine_stream(script_stream& s) noexcept : s_(&s) {}

    task<io_result> read_some(std::span<std::byte> to) {
        co_await next_turn{};
        co_return co_await s_->read_some(to);
    }
    task<io_result> write_some(std::span<const std::byte> from) {
        const io_result r = co_await s_->write_some(from);
        co_await next_turn{};
        co_return r;
    }
    task<io_result> shutdown_write() {
        const auto r = co_await s_->shutdown_write();
        co_return io_result{error_of(r), 0};
    }

private:
    script_stream* s_;
};

static_assert(stream<any_stream>);
static_assert(std::is_nothrow_move_constructible_v<any_stream>);
static_assert(!std::copy_constructible<any_stream>);
static_assert(!std::constructible_from<any_stream, int>);

task<std::string> read_text(any_stream& from) {
    std::array<std::byte, 64> to{};
    const io_result r = co_await from.read_some(to);
    if (r.ec) co_return "[" + r.ec.message() + "]";
    co_return std::string(text_of(std::span(to).first(r.n)));
}

}  // namespace

TEST_CASE("any_stream: reads, writes and shuts down as the stream inside") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("now").blocks(2).gives("later").ends();
        s.writes.takes(3).blocks();
        any_stream any{script_ref{s}};
        CHECK(any);
        const std::string now = co_await read_text(any);
        const std::string then = co_await read_text(any);
        const std::string end = co_await read_text(any);
        CHECK(now == "now");
        CHECK(then == "later");
        CHECK(end == "[end of stream]");
        const io_result part = co_await any.write_some(bytes_of("hello"));
        CHECK(part.n == 3);
        const io_result rest = co_await write_all(any, bytes_of("lo"));
        CHECK(rest.n == 2);
        CHECK(s.written == "hello");
        const auto shut = co_await any.shutdown_write();
        CHECK(shut.has_value());
        CHECK(s.shut_down);
        const io_result late = co_await any.write_some(bytes_of("x"));
        CHECK(late.ec == errc::closed);
    }());
}

TEST_CASE("any_stream: errors come through, at once or later") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.fails(errc::connection_reset).blocks().fails(errc::io);
        s.writes.fails(errc::connection_reset).blocks().fails(errc::unreachable);
        any_stream any{script_ref{s}};
        const std::string first = co_await read_text(any);
        const std::string second = co_await read_text(any);
        CHECK(first == "[connection reset]");
        CHECK(second == "[input/output error]");
        const io_result write = co_await any.write_some(bytes_of("x"));
        CHECK(write.ec == errc::connection_reset);
        const auto shut = co_await any.shutdown_write();
        CHECK(error_of(shut) == errc::unreachable);
    }());
}

TEST_CASE("any_stream: check ends the task on an error, and the stream can be used again") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.fails(errc::io).blocks().fails(errc::io).gives("ok");
        any_stream any{script_ref{s}};
        const auto checked = [](any_stream& a) -> task<result<std::size_t>> {
            std::array<std::byte, 8> to{};
            const std::size_t n = co_await check(a.read_some(to));
            co_return n;
        };
        const auto at_once = co_await checked(any);
        CHECK(error_of(at_once) == errc::io);
        const auto later_on = co_await checked(any);
        CHECK(error_of(later_on) == errc::io);
        const auto good = co_await checked(any);
        CHECK(good == 2u);
    }());
}

TEST_CASE("any_stream: canceled before, during and not after") {
    run_test([]() -> task<void> {
        script_stream s;
        any_stream any{script_ref{s}};
        std::array<std::byte, 8> to{};
        stop_source stop;
        const auto [during, none] = co_await when_all(stoppable(stop, any.read_some(to)),
                                                      later([&] { stop.request_stop(); }));
        CHECK(during.ec == errc::canceled);
        const io_result before = co_await stoppable(stop, any.read_some(to));
        CHECK(before.ec == errc::canceled);

        stop_source other;
        const auto [data, nothing] = co_await when_all(stoppable(other, any.read_some(to)),
                                                       later([&] {
                                                           s.reads.gives("data");
                                                           other.request_stop();
                                                       }));
        CHECK(data.ec == no_error);
        CHECK(data.n == 4);
    }());
}

TEST_CASE("any_stream: operations can time out") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.then_waits();
        any_stream any{script_ref{s}};
        std::array<std::byte, 8> to{};
        const io_result read = co_await with_timeout(any.read_some(to), 2ms);
        CHECK(read.ec == errc::timed_out);
        const io_result write = co_await with_timeout(any.write_some(bytes_of("x")), 2ms);
        CHECK(write.ec == errc::timed_out);
        const auto shut = co_await with_timeout(any.shutdown_write(), 2ms);
        CHECK(error_of(shut) == errc::timed_out);
        s.reads.gives("in time");
        const io_result in_time = co_await with_timeout(any.read_some(to), 1h);
        CHECK(in_time.n == 7);
    }());
}

TEST_CASE("any_stream: a read and a write are awaited at the same time") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.blocks(3).gives("pong");
        s.writes.blocks(1);
        any_stream any{script_ref{s}};
        std::array<std::byte, 8> to{};
        const auto [read, write] =
            co_await when_all(any.read_some(to), any.write_some(bytes_of("ping")));
        CHECK(read.n == 4);
        CHECK(write.n == 4);
    }());
}

TEST_CASE("any_stream: an operation may move before it is awaited, or never be awaited") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("abc");
        any_stream any{script_ref{s}};
        std::array<std::byte, 8> to{};
        { const auto unused = any.read_some(to); }
        auto first = any.read_some(to);
        auto second = std::move(first);
        const io_result r = co_await std::move(second);
        CHECK(r.n == 3);
        CHECK(s.reads.calls == 1);
    }());
}

TEST_CASE("any_stream: it may move while an operation is awaited") {
    run_test([]() -> task<void> {
        script_stream s;
        any_stream any{script_ref{s}};
        any_stream other;
        std::array<std::byte, 8> to{};
        const auto [read, none] = co_await when_all(any.read_some(to), later([&] {
                                                        other = std::move(any);
                                                        s.reads.gives("moved");
                                                    }));
        CHECK(read.n == 5);
        CHECK(!any);
        s.reads.gives("again");
        const std::string again = co_await read_text(other);
        CHECK(again == "again");
    }());
}

TEST_CASE("any_stream: it owns the stream") {
    script_stream s;
    bool destroyed = false;
    {
        any_stream any{script_ref{s, &destroyed}};
        any_stream moved{std::move(any)};
        CHECK(!any);
        CHECK(moved);
        CHECK(!destroyed);
    }
    CHECK(destroyed);

    destroyed = false;
    any_stream any{script_ref{s, &destroyed}};
    any.reset();
    CHECK(destroyed);
    CHECK(!any);

    destroyed = false;
    any = script_ref{s, &destroyed};
    CHECK(any);
    any = script_ref{s};
    CHECK(destroyed);
    const any_stream empty;
    CHECK(!empty);
}

TEST_CASE("any_stream: operations of the stream inside may be coroutines") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("in").blocks().fails(errc::io);
        any_stream any{coroutine_stream{s}};
        const std::string in = co_await read_text(any);
        CHECK(in == "in");
        const std::string failed = co_await read_text(any);
        CHECK(failed == "[input/output error]");
        const io_result out = co_await write_all(any, bytes_of("out"));
        CHECK(out.n == 3);
        const auto shut = co_await any.shutdown_write();
        CHECK(shut.has_value());
        CHECK(s.shut_down);
        s.writes.fails(errc::io);
        const auto again = co_await any.shutdown_write();
        CHECK(error_of(again) == errc::io);
    }());
}

TEST_CASE("any_stream: all that is made for streams works on it") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("one\ntwo\n").ends();
        buffered_stream<any_stream> io{any_stream{script_ref{s}}};
        const auto line = co_await io.read_line();
        CHECK(line == "one");
        const copy_result copied = co_await copy(io, io);
        CHECK(copied.n == 4);
        const auto flushed = co_await io.flush();
        CHECK(flushed.has_value());
        CHECK(s.written == "two\n");

        // One inside another is a stream as well.
        any_stream nested{std::move(io)};
        const auto shut = co_await nested.shutdown_write();
        CHECK(shut.has_value());
        CHECK(s.shut_down);
    }());
}

TEST_CASE("any_stream: reads into the loop's memory, whatever the stream inside can do") {
    run_test([]() -> task<result<void>> {
        script_stream s;
        s.reads.gives("one").blocks().gives("two").fails(errc::connection_reset);
        any_stream plain{script_ref{s}};
        const chunk first = co_await check(plain.read_chunk());
        CHECK(text_of(first) == "one");
        const chunk second = co_await check(plain.read_chunk());
        CHECK(text_of(second) == "two");
        const auto broken = co_await plain.read_chunk();
        CHECK(error_of(broken) == errc::connection_reset);

        auto [client, server] = co_await check(connected_pair());
        any_stream tcp{std::move(client)};
        co_await check(write_all(server, bytes_of("three")));
        const chunk third = co_await check(tcp.read_chunk());
        CHECK(text_of(third) == "three");
        co_return {};
    }());
}

TEST_CASE("any_stream: operations allocate nothing") {
    run_test([]() -> task<void> {
        constexpr int rounds = 200;
        script_stream s;
        for (int i = 0; i < rounds; ++i) {
            s.reads.gives("ping");
            if (i % 2 == 0) s.reads.blocks();
            s.writes.takes(4);
            if (i % 3 == 0) s.writes.blocks();
        }
        s.written.reserve(4 * rounds);
        any_stream any{script_ref{s}};
        std::array<std::byte, 4> to{};
        std::size_t moved = 0;
        const loop& owner = *(co_await this_env{}).owner;
        const auto frames = owner.stats().allocations;
        const auto before = heap_allocations();
        for (int i = 0; i < rounds; ++i) {
            const io_result r = co_await any.read_some(to);
            const io_result w = co_await any.write_some(std::span(to).first(r.n));
            moved += w.n;
        }
        const auto shut = co_await any.shutdown_write();
        CHECK(before > 0);
        CHECK(heap_allocations() == before);
        CHECK(owner.stats().allocations == frames);
        CHECK(moved == 4 * rounds);
        CHECK(shut.has_value());
    }());
}

TEST_CASE("any_stream: TCP inside") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        any_stream a{std::move(client)};
        any_stream b = std::move(server);
        const auto serve = [](any_stream& s) -> task<result<void>> {
            const copy_result copied = co_await copy(s, s);
            if (copied.ec) co_return fail(copied.ec);
            co_return co_await s.shutdown_write();
        };
        const auto ask = [](any_stream& s) -> task<result<std::string>> {
            co_await check(write_all(s, bytes_of("over the net")));
            co_await check(s.shutdown_write());
            buffer answer;
            co_await check(read_to_end(s, answer));
            co_return std::string(answer.text());
        };
        const auto [served, answer] = co_await when_all(serve(b), ask(a));
        CHECK(served.has_value());
        CHECK(answer == "over the net");
        co_return {};
    }());
}

#if defined(COPOLL_TESTS_CAN_TRAP)
TEST_CASE("any_stream: two reads, or two writes, at a time trap") {
    const auto reads = [] {
        run_test([]() -> task<void> {
            script_stream s;
            any_stream any{script_ref{s}};
            std::array<std::byte, 8> to{};
            co_await when_all(any.read_some(to), any.read_some(to));
        }());
    };
    CHECK(last_words(reads).find("two reads at a time") != std::string::npos);
    const auto writes = [] {
        run_test([]() -> task<void> {
            script_stream s;
            s.writes.then_waits();
            any_stream any{script_ref{s}};
            co_await when_all(any.write_some(bytes_of("x")), any.shutdown_write());
        }());
    };
    CHECK(last_words(writes).find("two writes at a time") != std::string::npos);
}

TEST_CASE("any_stream: one that is empty, or destroyed too early, traps") {
    const auto empty = [] {
        run_test([]() -> task<void> {
            any_stream any;
            const auto shut = co_await any.shutdown_write();
            CHECK(shut);
        }());
    };
    CHECK(last_words(empty).find("empty") != std::string::npos);
    const auto early = [] {
        run_test([]() -> task<void> {
            script_stream s;
            any_stream any{script_ref{s}};
            std::array<std::byte, 8> to{};
            co_await when_all(any.read_some(to), later([&] { any.reset(); }));
        }());
    };
    CHECK(last_words(early).find("destroyed while an operation is awaited") != std::string::npos);
}
#endif
