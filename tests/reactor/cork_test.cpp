// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/cork.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/allocations.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/script_stream.hpp"
#include "support/tcp_pair.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

using corked_script = corked_writer<script_stream>;

static_assert(write_stream<corked_script>);

task<result<void>> write_words(corked_script& out, std::string_view words) {
    for (char c : words) co_await check(write_all(out, bytes_of({&c, 1})));
    co_return {};
}

}  // namespace

TEST_CASE("with_cork: what the tasks of a turn write leaves in one write") {
    run_test([]() -> task<result<void>> {
        script_stream s;
        const auto r = co_await with_cork(s, [](corked_script& out) -> task<result<void>> {
            auto [a, b] = co_await when_all(write_words(out, "one "), write_words(out, "two "));
            co_await check(std::move(a));
            co_await check(std::move(b));
            co_return co_await write_words(out, "three");
        });
        CHECK(r.has_value());
        CHECK(s.writes.calls == 1);
        CHECK(s.written == "one two three");
        co_return {};
    }());
}

TEST_CASE("with_cork: a task that waits does not keep what it wrote") {
    run_test([]() -> task<result<void>> {
        script_stream s;
        const auto body = [](corked_script& out, script_stream& below) -> task<result<void>> {
            co_await check(write_words(out, "question"));
            CHECK(below.writes.calls == 0);
            co_await check(sleep_for(1ms));
            CHECK(below.written == "question");
            CHECK(out.unwritten() == 0);
            co_return co_await write_words(out, "next");
        };
        const auto r = co_await with_cork(s, body, s);
        CHECK(r.has_value());
        CHECK(s.writes.calls == 2);
        co_return {};
    }());
}

TEST_CASE("with_cork: flush waits until all is written") {
    run_test([]() -> task<result<void>> {
        script_stream s;
        s.writes.takes(3).blocks(4).takes(2);
        const auto body = [](corked_script& out, script_stream& below) -> task<result<void>> {
            co_await check(write_words(out, "some words"));
            co_await check(out.flush());
            CHECK(below.written == "some words");
            CHECK(out.unwritten() == 0);
            co_return co_await out.flush();
        };
        const auto r = co_await with_cork(s, body, s);
        CHECK(r.has_value());
        co_return {};
    }());
}

TEST_CASE("with_cork: an error below comes out of the next write, of flush, and of the whole") {
    run_test([]() -> task<result<void>> {
        script_stream s;
        s.writes.takes(2).fails(errc::connection_reset);
        const auto r = co_await with_cork(s, [](corked_script& out) -> task<result<void>> {
            co_await check(write_words(out, "words"));
            const auto flushed = co_await out.flush();
            CHECK(error_of(flushed) == errc::connection_reset);
            const auto later = co_await out.write_some(bytes_of("more"));
            CHECK(later.ec == errc::connection_reset);
            co_return {};
        });
        CHECK(error_of(r) == errc::connection_reset);
        CHECK(s.written == "wo");
        co_return {};
    }());
}

TEST_CASE("with_cork: the error of the body comes out, behind what it wrote") {
    run_test([]() -> task<result<void>> {
        script_stream s;
        const auto r = co_await with_cork(s, [](corked_script& out) -> task<result<void>> {
            co_await check(write_words(out, "last words"));
            co_return fail(errc::parse_error);
        });
        CHECK(error_of(r) == errc::parse_error);
        CHECK(s.written == "last words");
        co_return {};
    }());
}

TEST_CASE("with_cork: more than it collects waits for room, and nobody loses a byte") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto sent = pattern(300'000);
        std::vector<std::byte> got(sent.size());
        const auto body = [](auto& out, tcp_stream& s, const auto& bytes) -> task<result<void>> {
            for (std::size_t at = 0; at < bytes.size(); at += 1000) {
                const auto part = std::span(bytes).subspan(at, 1000);
                co_await check(write_all(out, part));
            }
            co_await check(out.flush());
            co_return co_await s.shutdown_write();
        };
        auto [wrote, read] = co_await when_all(with_cork(client, body, client, sent),
                                               read_exactly(server, got));
        CHECK(wrote.has_value());
        CHECK(!read.ec);
        CHECK(got == sent);
        std::array<std::byte, 1> more;
        const auto end = co_await server.read_some(more);
        CHECK(end.ec == errc::eof);
        co_return {};
    });
}

TEST_CASE("with_cork: stopped while the stream takes nothing, it ends") {
    run_test([]() -> task<result<void>> {
        script_stream s;
        s.writes.takes(1).blocks_for(1h);
        const auto stopped = co_await with_timeout(
            with_cork(s, [](corked_script& out) -> task<result<void>> {
                const std::string large(200'000, 'x');
                co_return (co_await write_all(out, bytes_of(large))).status();
            }), 5ms);
        CHECK(error_of(stopped) == errc::timed_out);
        CHECK(s.written.size() == 1);
        co_return {};
    }());
}

TEST_CASE("with_cork: a steady state allocates nothing") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto body = [](auto& out, tcp_stream& in) -> task<result<void>> {
            const env& here = co_await this_env{};
            const loop& owner = *here.owner;
            const auto part = pattern(32);
            std::array<std::byte, 64> got;
            std::uint64_t before = 0;
            for (int i = 0; i < 120; ++i) {
                if (i == 20) before = allocations_by(owner);
                co_await check(write_all(out, part));
                co_await check(write_all(out, part));
                co_await check(read_exactly(in, got));
            }
            CHECK(allocations_by(owner) == before);
            co_return {};
        };
        co_return co_await with_cork(client, body, server);
    }());
}
