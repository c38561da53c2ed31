// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/buffered.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/script_stream.hpp"
#include "support/stoppable.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// A stream of one direction each, as standard input and output are.
struct only_reads {
    script_stream& s;
    auto read_some(std::span<std::byte> to) noexcept { return s.read_some(to); }
};
struct only_writes {
    script_stream& s;
    auto write_some(std::span<const std::byte> from) noexcept { return s.write_some(from); }
};

static_assert(stream<buffered_reader<script_stream>>);
static_assert(stream<buffered_writer<script_stream&>>);
static_assert(stream<buffered_stream<script_stream>>);
static_assert(read_stream<buffered_reader<only_reads>>);
static_assert(!write_stream<buffered_reader<only_reads>>);
static_assert(write_stream<buffered_writer<only_writes>>);
static_assert(!read_stream<buffered_writer<only_writes>>);
static_assert(std::is_nothrow_move_constructible_v<buffered_stream<script_stream&>>);

template <class R>
task<std::string> read_text(R& from, std::size_t room) {
    std::vector<std::byte> to(room);
    const io_result r = co_await from.read_some(to);
    if (r.ec) co_return "error: " + r.ec.message();
    co_return std::string(text_of(std::span(to).first(r.n)));
}

/// The line, or in brackets the error.
template <class R>
task<std::string> line_of(R& from) {
    const auto line = co_await from.read_line();
    if (!line) co_return "[" + line.error().message() + "]";
    co_return std::string(*line);
}

constexpr std::string_view at_eof = "[end of stream]";

}  // namespace

TEST_CASE("buffered_reader: small reads are served by one read of the stream") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("abcdef").ends();
        buffered_reader r{s};
        CHECK(s.reads.calls == 0);
        std::string text;
        for (int i = 0; i < 3; ++i) text += co_await read_text(r, 2);
        CHECK(text == "abcdef");
        CHECK(s.reads.calls == 1);
        CHECK(s.reads.last_size == r.read_ahead);
        const std::string end = co_await read_text(r, 2);
        CHECK(end == "error: end of stream");
    }());
}

TEST_CASE("buffered_reader: a read gives what is buffered, and does not wait for more") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.blocks().gives("abc");
        buffered_reader r{s};
        const std::string first = co_await read_text(r, 2);
        const std::string rest = co_await read_text(r, 100);
        CHECK(first == "ab");
        CHECK(rest == "c");
        CHECK(s.reads.calls == 1);
    }());
}

TEST_CASE("buffered_reader: a large read goes past the empty buffer") {
    run_test([]() -> task<void> {
        script_stream s;
        const std::string large(20000, 'x');
        s.reads.gives("abc").gives(large);
        buffered_reader r{s};
        const std::string a = co_await read_text(r, 1);
        const std::string bc = co_await read_text(r, 20000);
        CHECK(a == "a");
        CHECK(bc == "bc");
        const std::string rest = co_await read_text(r, 20000);
        CHECK(rest == large);
        CHECK(s.reads.calls == 2);
        CHECK(s.reads.last_size == 20000);
        CHECK(r.buffered().empty());
    }());
}

TEST_CASE("buffered_reader: an empty read completes without reading") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.fails(errc::io);
        buffered_reader r{s};
        const io_result none = co_await r.read_some({});
        CHECK(none.ec == no_error);
        CHECK(none.n == 0);
        CHECK(s.reads.calls == 0);
    }());
}

TEST_CASE("buffered_reader: an error comes behind the bytes before it") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("ab").fails(errc::connection_reset);
        buffered_reader r{s};
        std::array<std::byte, 4> to{};
        const io_result all = co_await read_exactly(r, to);
        CHECK(all.ec == errc::connection_reset);
        CHECK(all.n == 2);
    }());
}

TEST_CASE("buffered_reader: canceled and timed out reads lose nothing") {
    run_test([]() -> task<void> {
        script_stream s;
        buffered_reader r{s};
        std::array<std::byte, 4> to{};
        const io_result late = co_await with_timeout(r.read_some(to), 2ms);
        CHECK(late.ec == errc::timed_out);
        stop_source stop;
        const auto [during, none] = co_await when_all(stoppable(stop, r.read_some(to)),
                                                      later([&] { stop.request_stop(); }));
        CHECK(during.ec == errc::canceled);
        s.reads.gives("abcd");
        const io_result before = co_await stoppable(stop, r.read_some(to));
        CHECK(before.ec == errc::canceled);
        const std::string rest = co_await read_text(r, 4);
        CHECK(rest == "abcd");
    }());
}

TEST_CASE("buffered_reader: data that came before the stop request counts") {
    run_test([]() -> task<void> {
        script_stream s;
        buffered_reader r{s};
        stop_source stop;
        std::array<std::byte, 2> to{};
        const auto [read, none] = co_await when_all(stoppable(stop, r.read_some(to)), later([&] {
                                                        s.reads.gives("abc");
                                                        stop.request_stop();
                                                    }));
        CHECK(read.ec == no_error);
        CHECK(text_of(std::span(to).first(read.n)) == "ab");
        CHECK(text_of(r.buffered()) == "c");
    }());
}

TEST_CASE("buffered_reader: fill adds to the buffer until that is full") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("abc").blocks().gives("defgh").ends();
        buffered_reader r{s, 6};
        const io_result first = co_await r.fill();
        CHECK(first.n == 3);
        const io_result second = co_await r.fill();
        CHECK(second.n == 3);
        CHECK(text_of(r.buffered()) == "abcdef");
        const io_result full = co_await r.fill();
        CHECK(full.ec == errc::message_too_large);
        CHECK(full.n == 0);
        r.consume(2);
        const io_result rest = co_await r.fill();
        CHECK(rest.n == 2);
        r.consume(6);
        const io_result end = co_await r.fill();
        CHECK(end.ec == errc::eof);
    }());
}

TEST_CASE("buffered_reader: peek waits for as many bytes and consumes none") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("\x16").blocks().gives("\x03\x01rest").ends();
        buffered_reader r{s, 16};
        const auto head = co_await r.peek(3);
        CHECK(head.has_value());
        if (head) CHECK(text_of(*head).substr(0, 3) == "\x16\x03\x01");
        CHECK(s.reads.calls == 2);
        const auto again = co_await r.peek(2);
        CHECK(again.has_value());
        CHECK(s.reads.calls == 2);
        const auto more = co_await r.peek(8);
        CHECK(error_of(more) == errc::eof);
        const auto most = co_await r.peek(17);
        CHECK(error_of(most) == errc::message_too_large);
        const std::string all = co_await read_text(r, 100);
        CHECK(all == "\x16\x03\x01rest");
    }());
}

TEST_CASE("buffered_reader: read_until counts up to the delimiter and leaves the rest") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("head: 1\r").gives("\n\r").gives("\nbody");
        buffered_reader r{s};
        io_result found = co_await r.read_until("\r\n\r\n");
        CHECK(found.ec == no_error);
        CHECK(text_of(r.buffered().first(found.n)) == "head: 1\r\n\r\n");
        r.consume(found.n);
        const std::string body = co_await read_text(r, 100);
        CHECK(body == "body");
        s.reads.gives("a,b");
        found = co_await r.read_until(',');
        CHECK(found.n == 2);
    }());
}

TEST_CASE("read_line: lines end in LF or CR LF, wherever reads cut them") {
    run_test([]() -> task<void> {
        const std::string_view text = "one\ntwo\r\n\n\r\nth\rree\r\r\n\rlast";
        for (std::size_t size = 1; size <= text.size(); ++size) {
            script_stream s;
            for (std::size_t i = 0; i < text.size(); i += size) s.reads.gives(text.substr(i, size));
            s.reads.ends();
            buffered_reader r{s};
            std::vector<std::string> lines;
            do lines.push_back(co_await line_of(r));
            while (lines.back() != at_eof);
            CHECK(lines == std::vector<std::string>{"one", "two", "", "", "th\rree\r", "\rlast",
                                                    std::string(at_eof)});
        }
    }());
}

TEST_CASE("read_line: a stream that ends behind a line has no more lines") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("only\n").ends();
        buffered_reader r{s};
        const std::string line = co_await line_of(r);
        CHECK(line == "only");
        for (int i = 0; i < 2; ++i) {
            const std::string end = co_await line_of(r);
            CHECK(end == at_eof);
        }
    }());
}

TEST_CASE("read_line: a line is limited by what may be buffered") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("1234567\n12345678\n").ends();
        buffered_reader r{s, 8};
        const std::string fits = co_await line_of(r);
        CHECK(fits == "1234567");
        const std::string large = co_await line_of(r);
        CHECK(large == "[message too large]");
        CHECK(text_of(r.buffered()) == "12345678");
    }());
}

TEST_CASE("read_line: an error or a timeout inside a line keeps its beginning") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("be").fails(errc::connection_reset).gives("gin");
        buffered_reader r{s};
        const std::string failed = co_await line_of(r);
        CHECK(failed == "[connection reset]");
        const auto late = co_await with_timeout(r.read_line(), 2ms);
        CHECK(error_of(late) == errc::timed_out);
        s.reads.gives("ning\nnext");
        const std::string line = co_await line_of(r);
        CHECK(line == "beginning");
    }());
}

TEST_CASE("read_line: a line is valid until the next read") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("all of it\n");
        buffered_reader r{s};
        const auto line = co_await r.read_line();
        CHECK(r.buffered().empty());
        CHECK(line == "all of it");
    }());
}

TEST_CASE("read_line: thousands of lines read ahead need few reads and no deep stack") {
    run_test([]() -> task<void> {
        script_stream s;
        std::string text;
        for (int i = 0; i < 20000; ++i) text += "line\r\n";
        s.reads.gives(text).ends();
        buffered_reader r{s};
        std::size_t lines = 0;
        for (;;) {
            const auto line = co_await r.read_line();
            if (!line) break;
            lines += *line == "line" ? 1 : 0;
        }
        CHECK(lines == 20000);
        CHECK(s.reads.calls < 20);
    }());
}

TEST_CASE("buffered_reader: it holds or refers to the stream, and passes writes on") {
    run_test([]() -> task<void> {
        script_stream s;
        buffered_reader refers{s};
        static_assert(std::is_same_v<decltype(refers), buffered_reader<script_stream&>>);
        CHECK(&refers.inner() == &s);
        const io_result w = co_await write_all(refers, bytes_of("out"));
        CHECK(w.n == 3);
        CHECK(s.written == "out");
        const auto shut = co_await refers.shutdown_write();
        CHECK(shut.has_value());
        CHECK(s.shut_down);

        script_stream t;
        t.reads.gives("abc");
        buffered_reader holds{std::move(t), 100};
        static_assert(std::is_same_v<decltype(holds), buffered_reader<script_stream>>);
        const std::string a = co_await read_text(holds, 1);
        CHECK(a == "a");
        auto moved = std::move(holds);
        const std::string rest = co_await read_text(moved, 5);
        CHECK(rest == "bc");
    }());
}

TEST_CASE("buffered_writer: small writes become one, when they are flushed") {
    run_test([]() -> task<void> {
        script_stream s;
        buffered_writer w{s};
        for (const std::string_view word : {"one ", "two ", "three"}) {
            const io_result r = co_await w.write_some(bytes_of(word));
            CHECK(r.ec == no_error);
            CHECK(r.n == word.size());
        }
        CHECK(s.writes.calls == 0);
        CHECK(w.unflushed() == 13);
        const auto flushed = co_await w.flush();
        CHECK(flushed.has_value());
        CHECK(s.written == "one two three");
        CHECK(s.writes.calls == 1);
        CHECK(w.unflushed() == 0);
        const auto nothing = co_await w.flush();
        CHECK(nothing.has_value());
        CHECK(s.writes.calls == 1);
    }());
}

TEST_CASE("buffered_writer: a write that fills the buffer passes it on in one piece") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.blocks();
        buffered_writer w{s, 8};
        for (const std::string_view piece : {"abc", "def", "ghi"}) {
            const io_result r = co_await write_all(w, bytes_of(piece));
            CHECK(r.n == 3);
        }
        CHECK(s.written == "abcdefgh");
        CHECK(s.writes.calls == 1);
        CHECK(w.unflushed() == 1);
    }());
}

TEST_CASE("buffered_writer: a large write goes past the empty buffer, never past a used one") {
    run_test([]() -> task<void> {
        script_stream s;
        buffered_writer w{s, 8};
        const io_result direct = co_await w.write_some(bytes_of("0123456789"));
        CHECK(direct.n == 10);
        CHECK(s.written == "0123456789");
        CHECK(w.unflushed() == 0);
        const io_result small = co_await w.write_some(bytes_of("ab"));
        CHECK(small.n == 2);
        const io_result all = co_await write_all(w, bytes_of("cdefghijklmnopqrstuvwxyz"));
        CHECK(all.n == 24);
        const auto flushed = co_await w.flush();
        CHECK(flushed.has_value());
        CHECK(s.written == "0123456789abcdefghijklmnopqrstuvwxyz");
        CHECK(s.writes.calls == 3);
    }());
}

TEST_CASE("buffered_writer: short writes below lose and repeat nothing") {
    run_test([]() -> task<void> {
        script_stream s;
        std::string expected;
        for (int i = 0; i < 300; ++i) {
            s.writes.takes(static_cast<std::size_t>(1 + i % 3));
            if (i % 5 == 0) s.writes.blocks();
        }
        buffered_writer w{s, 8};
        for (int i = 0; i < 100; ++i) {
            const std::string piece(static_cast<std::size_t>(i % 11),
                                    static_cast<char>('a' + i % 26));
            expected += piece;
            const io_result r = co_await write_all(w, bytes_of(piece));
            CHECK(r.n == piece.size());
        }
        const auto flushed = co_await w.flush();
        CHECK(flushed.has_value());
        CHECK(s.written == expected);
    }());
}

TEST_CASE("buffered_writer: an error stays") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.takes(2).fails(errc::connection_reset).takes(100);
        buffered_writer w{s, 8};
        const io_result before = co_await w.write_some(bytes_of("abc"));
        CHECK(before.n == 3);
        const auto flushed = co_await w.flush();
        CHECK(error_of(flushed) == errc::connection_reset);
        CHECK(s.written == "ab");
        const io_result after = co_await w.write_some(bytes_of("d"));
        CHECK(after.ec == errc::connection_reset);
        CHECK(after.n == 0);
        const auto again = co_await w.flush();
        CHECK(error_of(again) == errc::connection_reset);
        const auto shut = co_await w.shutdown_write();
        CHECK(error_of(shut) == errc::connection_reset);
        CHECK(!s.shut_down);
        CHECK(s.writes.calls == 2);
    }());
}

TEST_CASE("buffered_writer: errors of large and of filling writes stay too") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.fails(errc::connection_reset).takes(100);
        buffered_writer large{s, 4};
        const io_result past = co_await large.write_some(bytes_of("abcdef"));
        CHECK(past.ec == errc::connection_reset);
        const io_result later_one = co_await large.write_some(bytes_of("a"));
        CHECK(later_one.ec == errc::connection_reset);

        script_stream t;
        t.writes.fails(errc::connection_reset).takes(100);
        buffered_writer full{t, 4};
        const io_result filling = co_await write_all(full, bytes_of("abc"));
        CHECK(filling.n == 3);
        const io_result over = co_await write_all(full, bytes_of("defg"));
        CHECK(over.ec == errc::connection_reset);
        CHECK(over.n == 1);
    }());
}

TEST_CASE("buffered_writer: a timeout of the stream below does not stay") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.fails(errc::timed_out).takes(100);
        buffered_writer w{s, 8};
        const io_result taken = co_await w.write_some(bytes_of("abc"));
        CHECK(taken.n == 3);
        const auto late = co_await w.flush();
        CHECK(error_of(late) == errc::timed_out);
        const auto again = co_await w.flush();
        CHECK(again.has_value());
        CHECK(s.written == "abc");
    }());
}

TEST_CASE("buffered_writer: canceled and timed out, it keeps what it took and goes on") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.takes(1).then_waits();
        buffered_writer w{s, 4};
        const io_result taken = co_await w.write_some(bytes_of("abcd"));
        CHECK(taken.n == 1);  // past the buffer, and short
        const io_result buffered = co_await w.write_some(bytes_of("bcd"));
        CHECK(buffered.n == 3);
        const auto late = co_await with_timeout(w.flush(), 2ms);
        CHECK(error_of(late) == errc::timed_out);
        const io_result fourth = co_await w.write_some(bytes_of("efg"));
        CHECK(fourth.n == 1);
        stop_source stop;
        const auto [during, none] =
            co_await when_all(stoppable(stop, w.write_some(bytes_of("fg"))),
                              later([&] { stop.request_stop(); }));
        CHECK(during.ec == errc::canceled);
        CHECK(during.n == 0);
        const io_result before = co_await stoppable(stop, w.write_some(bytes_of("fg")));
        CHECK(before.ec == errc::canceled);
        CHECK(w.unflushed() == 4);
        s.writes.takes(2).takes(100);
        const auto flushed = co_await w.flush();
        CHECK(flushed.has_value());
        CHECK(s.written == "abcde");
    }());
}

TEST_CASE("buffered_writer: an empty write takes nothing, not even when the buffer is full") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.then_waits();
        buffered_writer w{s, 2};
        const io_result a = co_await w.write_some(bytes_of("a"));
        const io_result b = co_await w.write_some(bytes_of("b"));
        CHECK(a.n + b.n == 2);
        const io_result none = co_await w.write_some({});
        CHECK(none.ec == no_error);
        CHECK(none.n == 0);
        CHECK(w.unflushed() == 2);
    }());
}

TEST_CASE("buffered_writer: shutdown_write flushes first") {
    run_test([]() -> task<void> {
        script_stream s;
        s.writes.blocks(2);
        buffered_writer w{s};
        const io_result r = co_await w.write_some(bytes_of("last words"));
        CHECK(r.n == 10);
        const auto shut = co_await w.shutdown_write();
        CHECK(shut.has_value());
        CHECK(s.written == "last words");
        CHECK(s.shut_down);
    }());
}

TEST_CASE("buffered_writer: what was not flushed is lost with it") {
    run_test([]() -> task<void> {
        script_stream s;
        {
            buffered_writer w{s};
            const io_result r = co_await w.write_some(bytes_of("gone"));
            CHECK(r.n == 4);
        }
        CHECK(s.written.empty());
    }());
}

TEST_CASE("buffered_stream: reads ahead and collects writes over one stream") {
    run_test([]() -> task<void> {
        script_stream s;
        s.reads.gives("first\nsecond\n").ends();
        buffered_stream<script_stream&> io{s};
        for (;;) {
            const auto line = co_await io.read_line();
            if (!line) break;
            const std::string answer = "<" + std::string(*line) + ">";
            const io_result w = co_await write_all(io, bytes_of(answer));
            CHECK(w.ec == no_error);
        }
        CHECK(s.written.empty());
        CHECK(io.inner().unflushed() == 15);
        const auto flushed = co_await io.flush();
        CHECK(flushed.has_value());
        CHECK(s.written == "<first><second>");
        const auto shut = co_await io.shutdown_write();
        CHECK(shut.has_value());
        CHECK(s.shut_down);
        CHECK(s.reads.calls == 2);
    }());
}

TEST_CASE("buffered_stream: copies between buffered streams arrive whole") {
    run_test([]() -> task<void> {
        script_stream a;
        script_stream b;
        std::string text;
        for (int i = 0; i < 500; ++i) {
            const std::string piece(static_cast<std::size_t>(i % 97),
                                    static_cast<char>('a' + i % 26));
            text += piece;
            a.reads.gives(piece);
            if (i % 7 == 0) a.reads.blocks();
            b.writes.takes(static_cast<std::size_t>(1 + i % 50));
        }
        a.reads.ends();
        buffered_stream<script_stream&> from{a};
        buffered_stream<script_stream&> to{b};
        const copy_result copied = co_await copy(from, to);
        CHECK(copied.ec == no_error);
        CHECK(copied.n == text.size());
        const auto flushed = co_await to.flush();
        CHECK(flushed.has_value());
        CHECK(b.written == text);
    }());
}
