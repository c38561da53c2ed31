// SPDX-License-Identifier: MIT OR Apache-2.0
// A transport that fails, at each of the operations that a conversation takes.
#include <copoll/p2p/connection.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <utility>

#include "p2p/peers.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Blows at an operation: that one fails, and all that follow.
struct fuse {
    std::size_t at;
    std::error_code ec;
    std::size_t operations = 0;

    bool blows() noexcept { return ++operations >= at; }
    bool blown() const noexcept { return operations >= at; }
};

struct fused_stream {
    any_stream inner;
    fuse* f;

    task<io_result> read_some(std::span<std::byte> into) {
        if (f->blows()) co_return io_result{f->ec, 0};
        co_return co_await inner.read_some(into);
    }
    task<io_result> write_some(std::span<const std::byte> bytes) {
        const bool is_end = f->ec == errc::eof;  // of what comes; what goes fails otherwise
        if (f->blows()) co_return io_result{is_end ? errc::connection_reset : f->ec, 0};
        co_return co_await inner.write_some(bytes);
    }
    task<result<void>> shutdown_write() {
        const bool is_end = f->ec == errc::eof;
        if (f->blows()) co_return fail(is_end ? errc::connection_reset : f->ec);
        co_return co_await inner.shutdown_write();
    }
};

task<result<void>> echo_and_leave(p2p::connection& c) {
    auto s = co_await check(c.open("/echo/1.0.0"));
    co_await check(write_all(s, pattern(20'000)));
    co_await check(s.shutdown_write());
    const auto got = co_await drain(s);
    if (got.end != errc::eof) co_return fail(got.end);
    CHECK(got.n == 20'000);
    CHECK(got.intact);
    co_return {};
}

/// How the two come to speak the same.
struct agreed {
    bool early_muxer, lazy;
};
constexpr std::array<agreed, 3> ways{{{true, true}, {false, true}, {false, false}}};

/// Both sides' ends of a conversation in which the transport of one has the fuse.
task<result<ends>> converse(fuse& f, bool at_dialer, const agreed& by) {
    p2p::connection_options options = quiet();
    options.early_muxer = by.early_muxer;
    options.lazy_negotiation = by.lazy;
    auto [client, server] = co_await check(connected_pair());
    any_stream dialers{std::move(client)}, listeners{std::move(server)};
    any_stream& fused = at_dialer ? dialers : listeners;
    fused = any_stream{fused_stream{std::move(fused), &f}};
    auto [dialed, accepted] = co_await when_all(
        dial_and(std::move(dialers), new_identity(), options, echo_and_leave),
        accept_and(std::move(listeners), new_identity(), options, serve_echo));
    co_return ends{std::move(dialed), std::move(accepted)};
}

/// What a side may say when a transport has failed.
bool is_typed(std::error_code end, std::error_code failure) {
    return !end || end == failure || end.category() == p2p::category() ||
           end == errc::connection_reset || end == errc::eof;
}

task<result<void>> blow_everywhere(std::error_code failure) {
    for (const bool at_dialer : {true, false}) {
        for (const agreed& by : ways) {
            for (std::size_t at = 1;; ++at) {
                INFO("operation " << at << (at_dialer ? " of the dialer" : " of the listener"));
                fuse f{at, failure};
                const auto ended = co_await with_timeout(converse(f, at_dialer, by), 60s);
                CHECK(error_of(ended) == no_error);
                if (!ended) break;
                CHECK(is_typed(error_of(ended->dialer), failure));
                CHECK(is_typed(error_of(ended->listener), failure));
                if (f.blown()) continue;
                CHECK(error_of(ended->dialer) == no_error);
                CHECK(error_of(ended->listener) == no_error);
                CHECK(at > 6);
                break;
            }
        }
    }
    co_return {};
}

}  // namespace

TEST_CASE("connection: a transport that fails, at any operation") {
    run_in_worlds([]() { return blow_everywhere(errc::io); });
}

TEST_CASE("connection: a transport that ends, at any operation") {
    run_in_worlds([]() { return blow_everywhere(errc::eof); });
}
