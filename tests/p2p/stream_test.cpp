// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/stream.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <utility>

#include <copoll/time.hpp>

#include "p2p/talk.hpp"
#include "support/error_of.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Sends pieces of these sizes, and after each waits until it is told that all of it was read.
template <std::size_t N>
task<result<void>> send_pieces(p2p::stream s, const std::array<std::size_t, N>& sizes) {
    std::uint64_t position = 0;
    for (const std::size_t size : sizes) {
        co_await check(feed(s, size, position));
        position += size;
        std::byte told[1];
        co_await check(read_exactly(s, told));
    }
    co_return co_await s.shutdown_write();
}

template <std::size_t N>
task<result<void>> read_pieces(p2p::stream s, const std::array<std::size_t, N>& sizes) {
    std::uint64_t position = 0;
    for (const std::size_t size : sizes) {
        for (const std::uint64_t end = position + size; position < end;) {
            const auto piece = co_await check(s.read_chunk());
            CHECK_FALSE(piece.empty());
            CHECK(is_pattern(std::span<const std::byte>(piece), position));
            position += piece.size();
        }
        const std::byte tell[1]{};
        co_await check(write_all(s, tell));
    }
    const auto end = co_await s.read_chunk();
    CHECK(error_of(end) == errc::eof);
    co_return co_await s.shutdown_write();
}

}  // namespace

TEST_CASE("stream: a chunk holds what is there, and waits for no more") {
    run_in_worlds([]() -> task<result<void>> {
        static constexpr std::array<std::size_t, 6> sizes{1, 255, 256, 257, 65'536, 200'000};
        const auto send = [](p2p::stream s) { return send_pieces(std::move(s), sizes); };
        const auto read = [](p2p::stream s) { return read_pieces(std::move(s), sizes); };
        const auto ended = co_await check(talk("/test/pieces/1.0.0", send, read));
        CHECK(error_of(ended.dialer) == no_error);
        CHECK(error_of(ended.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("stream: waiting for a chunk can be given up, and no byte is lost") {
    run_in_worlds([]() -> task<result<void>> {
        const auto send = [](p2p::stream s) -> task<result<void>> {
            std::byte told[1];
            co_await check(read_exactly(s, told));
            co_await check(feed(s, 1000));
            co_return co_await s.shutdown_write();
        };
        const auto read = [](p2p::stream s) -> task<result<void>> {
            const auto none = co_await with_timeout(s.read_chunk(), 1ms);
            CHECK(error_of(none) == errc::timed_out);
            const std::byte tell[1]{};
            co_await check(write_all(s, tell));
            std::uint64_t position = 0;
            for (;;) {
                const auto piece = co_await s.read_chunk();
                if (!piece) CHECK(error_of(piece) == errc::eof);
                if (!piece) break;
                CHECK(is_pattern(std::span<const std::byte>(*piece), position));
                position += piece->size();
            }
            CHECK(position == 1000);
            co_return co_await s.shutdown_write();
        };
        const auto ended = co_await check(talk("/test/chunk/1.0.0", send, read));
        CHECK(error_of(ended.dialer) == no_error);
        CHECK(error_of(ended.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("stream: a chunk of a stream that the peer gives up is its error") {
    run_in_worlds([]() -> task<result<void>> {
        const auto leave = [](p2p::stream s) -> task<result<void>> {
            std::byte told[1];
            co_await check(read_exactly(s, told));
            s.reset();
            co_return {};
        };
        const auto read = [](p2p::stream s) -> task<result<void>> {
            const std::byte tell[1]{};
            co_await check(write_all(s, tell));
            const auto piece = co_await s.read_chunk();
            co_return piece ? result<void>{} : fail(piece.error());
        };
        const auto ended = co_await check(talk("/test/chunk/1.0.0", leave, read));
        CHECK(error_of(ended.listener) == p2p::errc::stream_reset);
        co_return {};
    });
}
