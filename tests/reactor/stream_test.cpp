// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/stream.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/script_stream.hpp"
#include "support/stoppable.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

template <std::size_t N>
std::string_view text_in(const std::array<std::byte, N>& room, std::size_t n) {
    return text_of(std::span(room).first(n));
}

/// Breaks the contract: says that all went well and moves nothing.
struct idle_stream {
    auto read_some(std::span<std::byte>) noexcept {
        return detail::ready_op<io_result>{io_result{}};
    }
    auto write_some(std::span<const std::byte>) noexcept {
        return detail::ready_op<io_result>{io_result{}};
    }
};

}  // namespace

TEST_CASE("read_exactly: fills the buffer from short reads") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("ab").gives("c").gives("defgh");
        std::array<std::byte, 6> room{};
        const auto [ec, n] = co_await read_exactly(s, room);
        CHECK(ec == no_error);
        CHECK(text_in(room, n) == "abcdef");
        CHECK(s.reads.calls == 3);
        const auto rest = co_await read_exactly(s, std::span(room).first(2));
        CHECK(text_in(room, rest.n) == "gh");
    }());
}

TEST_CASE("read_exactly: waits for bytes that are not there yet") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.blocks(3).gives("ab").blocks_for(1ms).gives("cd");
        std::array<std::byte, 4> room{};
        const auto [ec, n] = co_await read_exactly(s, room);
        CHECK(ec == no_error);
        CHECK(text_in(room, n) == "abcd");
    }());
}

TEST_CASE("read_exactly: a stream that ends before is eof, with what came") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("abc").ends();
        std::array<std::byte, 4> room{};
        const auto [ec, n] = co_await read_exactly(s, room);
        CHECK(ec == errc::eof);
        CHECK(text_in(room, n) == "abc");
    }());
}

TEST_CASE("read_exactly: an error after bytes reports both") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("ab").blocks().fails(errc::connection_reset);
        std::array<std::byte, 4> room{};
        const auto [ec, n] = co_await read_exactly(s, room);
        CHECK(ec == errc::connection_reset);
        CHECK(n == 2);
    }());
}

TEST_CASE("read_exactly: an empty buffer reads nothing") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.fails(errc::io);
        const auto [ec, n] = co_await read_exactly(s, {});
        CHECK(ec == no_error);
        CHECK(n == 0);
        CHECK(s.reads.calls == 0);
    }());
}

TEST_CASE("read_exactly: canceled before, it reads nothing") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("abcd");
        stop_source stop;
        stop.request_stop();
        std::array<std::byte, 4> room{};
        const auto [ec, n] = co_await stoppable(stop, read_exactly(s, room));
        CHECK(ec == errc::canceled);
        CHECK(n == 0);
        CHECK(!s.reads.used_up());
    }());
}

TEST_CASE("read_exactly: canceled after bytes, it reports them") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("ab");
        stop_source stop;
        std::array<std::byte, 4> room{};
        const auto [read, none] = co_await when_all(stoppable(stop, read_exactly(s, room)),
                                                    later([&] { stop.request_stop(); }));
        CHECK(read.ec == errc::canceled);
        CHECK(text_in(room, read.n) == "ab");
    }());
}

TEST_CASE("read_exactly: data and a stop request in one turn, data first: the data counts") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("ab");
        stop_source stop;
        std::array<std::byte, 4> room{};
        const auto [read, none] = co_await when_all(stoppable(stop, read_exactly(s, room)),
                                                    later([&] {
                                                        s.reads.gives("cd");
                                                        stop.request_stop();
                                                    }));
        CHECK(read.ec == no_error);
        CHECK(text_in(room, read.n) == "abcd");
    }());
}

TEST_CASE("read_exactly: data and a stop request in one turn, stop first: the data stays there") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("ab");
        stop_source stop;
        std::array<std::byte, 4> room{};
        const auto [read, none] = co_await when_all(stoppable(stop, read_exactly(s, room)),
                                                    later([&] {
                                                        stop.request_stop();
                                                        s.reads.gives("cd");
                                                    }));
        CHECK(read.ec == errc::canceled);
        CHECK(read.n == 2);
        const auto rest = co_await read_exactly(s, std::span(room).last(2));
        CHECK(rest.ec == no_error);
        CHECK(text_in(room, 4) == "abcd");
    }());
}

TEST_CASE("read_exactly: timed out after bytes, it reports them") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("abc").blocks_for(1h).gives("d");
        std::array<std::byte, 4> room{};
        const auto [ec, n] = co_await with_timeout(read_exactly(s, room), 2ms);
        CHECK(ec == errc::timed_out);
        CHECK(text_in(room, n) == "abc");
    }());
}

TEST_CASE("read_exactly: data that comes at its deadline is read now or by the next read") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("ab").blocks_for(2ms).gives("cd");
        std::array<std::byte, 4> room{};
        const auto first = co_await with_timeout(read_exactly(s, room), 2ms);
        const auto second = co_await read_exactly(s, std::span(room).subspan(first.n));
        CHECK(second.ec == no_error);
        CHECK(first.n + second.n == 4);
        CHECK(text_in(room, 4) == "abcd");
        CHECK((first.ec == no_error) == (first.n == 4));
    }());
}

TEST_CASE("read_exactly: many reads that complete at once use no stack") {
    run_test([]() -> task<void> {
        script_stream s;
        constexpr std::size_t size = 50000;
        for (std::size_t i = 0; i < size; ++i) s.reads.gives("x");
        std::vector<std::byte> room(size);
        const auto [ec, n] = co_await read_exactly(s, room);
        CHECK(ec == no_error);
        CHECK(n == size);
    }());
}

TEST_CASE("write_all: writes everything in short writes") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.takes(1).blocks(2).takes(3).blocks_for(1ms);
        const auto [ec, n] = co_await write_all(s, bytes_of("hello world"));
        CHECK(ec == no_error);
        CHECK(n == 11);
        CHECK(s.written == "hello world");
        CHECK(s.writes.calls == 3);
    }());
}

TEST_CASE("write_all: an error after bytes reports both") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.takes(4).blocks().fails(errc::connection_reset);
        const auto [ec, n] = co_await write_all(s, bytes_of("hello"));
        CHECK(ec == errc::connection_reset);
        CHECK(n == 4);
        CHECK(s.written == "hell");
    }());
}

TEST_CASE("write_all: canceled after bytes, it reports them") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.takes(4).then_waits();
        stop_source stop;
        const auto [written, none] =
            co_await when_all(stoppable(stop, write_all(s, bytes_of("hello"))),
                              later([&] { stop.request_stop(); }));
        CHECK(written.ec == errc::canceled);
        CHECK(written.n == 4);
        CHECK(s.written == "hell");
    }());
}

TEST_CASE("write_all: timed out after bytes, it reports them") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.takes(2).then_waits();
        const auto [ec, n] = co_await with_timeout(write_all(s, bytes_of("hello")), 2ms);
        CHECK(ec == errc::timed_out);
        CHECK(n == 2);
    }());
}

TEST_CASE("write_all: nothing to write is no write") {
    run_test([]() -> task<void> {
        script_stream s;
        const auto [ec, n] = co_await write_all(s, {});
        CHECK(ec == no_error);
        CHECK(n == 0);
        CHECK(s.writes.calls == 0);
    }());
}

TEST_CASE("read_until: answers from what is buffered without reading") {
    run_test([]() -> task<void> {
        script_stream s;
        buffer b;
        b.append(bytes_of("one\r\ntwo\r\nthr"));
        auto r = co_await read_until(s, b, "\r\n");
        CHECK(r.ec == no_error);
        CHECK(r.n == 5);
        b.consume(r.n);
        r = co_await read_until(s, b, "\r\n");
        CHECK(b.text().substr(0, r.n) == "two\r\n");
        CHECK(s.reads.calls == 0);
    }());
}

TEST_CASE("read_until: finds a delimiter wherever reads cut it") {
    run_test([]() -> task<void> {
        const std::string_view all = "aababaabac<-rest";
        const std::string_view delimiter = "aabac";
        for (std::size_t first = 1; first < all.size(); ++first) {
            for (std::size_t second = 0; first + second < all.size(); ++second) {
                script_stream s;
                s.reads.gives(all.substr(0, first)).blocks();
                s.reads.gives(all.substr(first, second)).gives(all.substr(first + second));
                buffer b;
                const auto [ec, n] = co_await read_until(s, b, delimiter);
                CHECK(ec == no_error);
                CHECK(b.text().substr(0, n) == "aababaabac");
                CHECK(all.starts_with(b.text()));
            }
        }
    }());
}

TEST_CASE("read_until: a delimiter of one byte, zero too") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("key").gives(std::string_view("=value\0next", 11));
        buffer b;
        auto r = co_await read_until(s, b, '=');
        CHECK(b.text().substr(0, r.n) == "key=");
        b.consume(r.n);
        r = co_await read_until(s, b, '\0');
        CHECK(r.n == 6);
        b.consume(r.n);
        CHECK(b.text() == "next");
    }());
}

TEST_CASE("read_until: the end of the stream leaves what was read") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("no line").blocks().ends();
        buffer b;
        const auto [ec, n] = co_await read_until(s, b, '\n');
        CHECK(ec == errc::eof);
        CHECK(n == 0);
        CHECK(b.text() == "no line");
    }());
}

TEST_CASE("read_until: an error leaves what was read, and the next call goes on") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("half ").fails(errc::connection_reset).gives("a line\n");
        buffer b;
        const auto failed = co_await read_until(s, b, '\n');
        CHECK(failed.ec == errc::connection_reset);
        CHECK(failed.n == 0);
        CHECK(b.text() == "half ");
        const auto r = co_await read_until(s, b, '\n');
        CHECK(r.ec == no_error);
        CHECK(b.text().substr(0, r.n) == "half a line\n");
    }());
}

TEST_CASE("read_until: stop and timeout lose no byte") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("a").gives("b");
        buffer b;
        const auto late = co_await with_timeout(read_until(s, b, '\n'), 2ms);
        CHECK(late.ec == errc::timed_out);
        stop_source stop;
        const auto [canceled, none] = co_await when_all(stoppable(stop, read_until(s, b, '\n')),
                                                        later([&] { stop.request_stop(); }));
        CHECK(canceled.ec == errc::canceled);
        s.reads.gives("c\n");
        const auto r = co_await read_until(s, b, '\n');
        CHECK(b.text().substr(0, r.n) == "abc\n");
    }());
}

TEST_CASE("read_until: a full buffer is message_too_large, and nothing is read past it") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("0123456789");
        buffer b{8};
        const auto r = co_await read_until(s, b, '\n');
        CHECK(r.ec == errc::message_too_large);
        CHECK(r.n == 0);
        CHECK(b.text() == "01234567");
        CHECK(!s.reads.used_up());
    }());
}

TEST_CASE("read_until: a message may be as large as the buffer") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("012345").gives("\r").gives("\n");
        buffer b{8};
        const auto r = co_await read_until(s, b, "\r\n");
        CHECK(r.ec == no_error);
        CHECK(r.n == 8);
    }());
}

TEST_CASE("read_to_end: reads all that comes") {
    run_test([]() -> task<void> {
        script_stream s;
        const std::string large(5000, 'x');
        s.reads.gives("a").blocks().gives(large).gives("b").ends();
        buffer b;
        b.append(bytes_of("before "));
        const auto [ec, n] = co_await read_to_end(s, b);
        CHECK(ec == no_error);
        CHECK(n == 5002);
        CHECK(b.text() == "before a" + large + "b");
    }());
}

TEST_CASE("read_to_end: the limit itself is allowed, one byte more is not") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("01234567").ends();
        buffer b{8};
        const auto fits = co_await read_to_end(s, b);
        CHECK(fits.ec == no_error);
        CHECK(fits.n == 8);

        script_stream t;
        t.reads.gives("012345678").ends();
        buffer c{8};
        const auto [ec, n] = co_await read_to_end(t, c);
        CHECK(ec == errc::message_too_large);
        CHECK(n == 8);
        CHECK(c.text() == "01234567");
    }());
}

TEST_CASE("read_to_end: an error keeps what was read") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("abc").fails(errc::connection_reset);
        buffer b;
        const auto [ec, n] = co_await read_to_end(s, b);
        CHECK(ec == errc::connection_reset);
        CHECK(n == 3);
        CHECK(b.text() == "abc");
    }());
}

TEST_CASE("copy: moves all bytes until the source ends, and does not shut the target down") {
    run_test([]() -> task<void> {
        script_stream from;
        script_stream to;
        from.reads.gives("hello ").blocks().gives("wor").gives("ld").ends();
        to.writes.takes(2).blocks().takes(1).blocks_for(1ms);
        const copy_result r = co_await copy(from, to);
        CHECK(r.ec == no_error);
        CHECK(r.n == 11);
        CHECK(to.written == "hello world");
        CHECK(!to.shut_down);
    }());
}

TEST_CASE("copy: a source that is empty is no error") {
    run_test([]() -> task<void> {
        script_stream from;
        script_stream to;
        from.reads.ends();
        const copy_result r = co_await copy(from, to);
        CHECK(r.ec == no_error);
        CHECK(r.n == 0);
        CHECK(to.writes.calls == 0);
    }());
}

TEST_CASE("copy: the two sides may be one stream") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("echo").gives(" me").ends();
        const copy_result r = co_await copy(s, s);
        CHECK(r.n == 7);
        CHECK(s.written == "echo me");
    }());
}

TEST_CASE("copy_through: goes through the buffer it is given") {
    run_test([]() -> task<void> {
        script_stream from;
        script_stream to;
        from.reads.gives("abcdefg").ends();
        std::array<std::byte, 3> via{};
        const copy_result r = co_await copy_through(from, to, via);
        CHECK(r.n == 7);
        CHECK(to.written == "abcdefg");
        CHECK(from.reads.last_size == 3);
        CHECK(from.reads.calls == 4);
    }());
}

TEST_CASE("copy: an error of the source comes behind the bytes before it") {
    run_test([]() -> task<void> {
        script_stream from;
        script_stream to;
        from.reads.gives("abc").fails(errc::connection_reset);
        const copy_result r = co_await copy(from, to);
        CHECK(r.ec == errc::connection_reset);
        CHECK(r.n == 3);
        CHECK(to.written == "abc");
    }());
}

TEST_CASE("copy: an error of the target counts what was written") {
    run_test([]() -> task<void> {
        script_stream from;
        script_stream to;
        from.reads.gives("abc").gives("def");
        to.writes.takes(3).takes(1).fails(errc::connection_reset);
        const copy_result r = co_await copy(from, to);
        CHECK(r.ec == errc::connection_reset);
        CHECK(r.n == 4);
        CHECK(to.written == "abcd");
    }());
}

TEST_CASE("copy: stopped while it reads or writes, it counts what was written") {
    run_test([]() -> task<void> {
        script_stream from;
        script_stream to;
        from.reads.gives("abc");
        stop_source stop;
        const auto [reading, none] = co_await when_all(stoppable(stop, copy(from, to)),
                                                       later([&] { stop.request_stop(); }));
        CHECK(reading.ec == errc::canceled);
        CHECK(reading.n == 3);

        from.reads.gives("def");
        to.writes.takes(1).then_waits();
        const auto writing = co_await with_timeout(copy(from, to), 2ms);
        CHECK(writing.ec == errc::timed_out);
        CHECK(writing.n == 1);
        CHECK(to.written == "abcd");
    }());
}

TEST_CASE("copy: whichever read or write fails, the count is what was written") {
    run_test([]() -> task<void> {
        for (int failing = 0; failing < 10; ++failing) {
            script_stream from;
            script_stream to;
            for (int i = 0; i < 5; ++i) {
                if (i == failing) from.reads.fails(errc::connection_reset);
                from.reads.gives("abc").blocks();
                if (i == failing - 5) to.writes.fails(errc::connection_reset);
                to.writes.takes(2).blocks().takes(1);
            }
            from.reads.ends();
            const copy_result r = co_await copy(from, to);
            CHECK(r.ec == errc::connection_reset);
            CHECK(r.n == to.written.size());
            CHECK(r.n == static_cast<std::uint64_t>(3 * (failing % 5)));
        }
    }());
}

TEST_CASE("discard_to_end: reads until the stream ends") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives(std::string(40000, 'x')).blocks().gives("y").ends();
        const copy_result r = co_await discard_to_end(s);
        CHECK(r.ec == no_error);
        CHECK(r.n == 40001);
    }());
}

TEST_CASE("discard_to_end: gives errors and timeouts with the count") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("abc").fails(errc::connection_reset);
        const copy_result failed = co_await discard_to_end(s);
        CHECK(failed.ec == errc::connection_reset);
        CHECK(failed.n == 3);

        script_stream t;
        t.reads.gives("abc");
        const copy_result late = co_await with_timeout(discard_to_end(t), 2ms);
        CHECK(late.ec == errc::timed_out);
        CHECK(late.n == 3);
    }());
}

#if defined(COPOLL_TESTS_CAN_TRAP)
TEST_CASE("stream: one that moves nothing and reports nothing traps instead of looping") {
    const auto read = [] {
        run_test([]() -> task<void> {
            idle_stream s;
            std::array<std::byte, 1> room{};
            static_cast<void>(co_await read_exactly(s, room));
        }());
    };
    CHECK(last_words(read).find("without bytes and without an error") != std::string::npos);
    const auto write = [] {
        run_test([]() -> task<void> {
            idle_stream s;
            static_cast<void>(co_await write_all(s, bytes_of("x")));
        }());
    };
    CHECK(last_words(write).find("without bytes and without an error") != std::string::npos);
}

TEST_CASE("read_until: an empty delimiter traps") {
    const auto f = [] {
        run_test([]() -> task<void> {
            script_stream s;
            buffer b;
            static_cast<void>(co_await read_until(s, b, ""));
        }());
    };
    CHECK(last_words(f).find("delimiter is empty") != std::string::npos);
}
#endif
