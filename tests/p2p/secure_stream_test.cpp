// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/secure_stream.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <copoll/any_stream.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "p2p/peers.hpp"
#include "p2p/raw_peer.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/script_stream.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

TEST_CASE("secure_stream: both ways at the same time") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        constexpr std::uint64_t n = 300'000;
        auto [sent, answered, got, got_back] = co_await when_all(
            feed(p.dialer, n), feed(p.listener, n), drain(p.listener, n), drain(p.dialer, n));
        CHECK(sent.n == n);
        CHECK(answered.n == n);
        CHECK(got.n == n);
        CHECK(got.intact);
        CHECK(got.no_empty);
        CHECK(got_back.n == n);
        CHECK(got_back.intact);
        co_return {};
    });
}

namespace {

/// A transport that damages one byte that is read from it, at `position` of all.
struct damaging_stream {
    any_stream inner;
    std::uint64_t position;
    std::uint64_t seen = 0;

    task<io_result> read_some(std::span<std::byte> into) {
        const io_result r = co_await inner.read_some(into);
        if (position >= seen && position < seen + r.n)
            into[static_cast<std::size_t>(position - seen)] ^= std::byte{1};
        seen += r.n;
        co_return r;
    }
    task<io_result> write_some(std::span<const std::byte> bytes) {
        co_return co_await inner.write_some(bytes);
    }
    task<result<void>> shutdown_write() { co_return co_await inner.shutdown_write(); }
};

/// What a dialer has written when its handshake is over: header, length, one more than both.
constexpr std::uint64_t handshake_bytes = 20 + 8 + 34 + 170;

}  // namespace

TEST_CASE("secure_stream: works where any stream does, and in itself") {
    run_test([]() -> task<result<void>> {
        auto outer = co_await check(secured_pair());
        auto [d, l] = co_await when_all(
            p2p::secure(std::move(outer.dialer), p2p::role::dialer, new_identity()),
            p2p::secure(std::move(outer.listener), p2p::role::listener, new_identity()));
        any_stream dialer{co_await check(std::move(d))};
        any_stream listener{co_await check(std::move(l))};
        auto [sent, got] =
            co_await when_all(feed(dialer, 200'000), drain(listener, 200'000, 0, 1000));
        CHECK(sent.n == 200'000);
        CHECK(got.n == 200'000);
        CHECK(got.intact);
        co_return {};
    }());
}

TEST_CASE("secure_stream: an end between two records is an end, and the other half goes on") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        co_await check(write_all(p.dialer, bytes_of("last words")));
        co_await check(p.dialer.shutdown_write());
        const auto late = co_await write_all(p.dialer, bytes_of("more"));
        CHECK(late.ec == errc::closed);
        buffer heard;
        const auto end = co_await read_to_end(p.listener, heard);
        CHECK(end.ec == no_error);
        CHECK(heard.text() == "last words");
        co_await check(write_all(p.listener, bytes_of("and yet")));
        co_await check(p.listener.shutdown_write());
        buffer answer;
        const auto answered = co_await read_to_end(p.dialer, answer);
        CHECK(answered.ec == no_error);
        CHECK(answer.text() == "and yet");
        co_return {};
    });
}

TEST_CASE("secure_stream: a record that was damaged on its way is refused for ever") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        damaging_stream transport{std::move(server), handshake_bytes + 2 + 16 + 3 + 5};
        auto [d, l] = co_await when_all(
            p2p::secure(std::move(client), p2p::role::dialer, new_identity()),
            p2p::secure(std::move(transport), p2p::role::listener, new_identity()));
        auto dialer = co_await check(std::move(d));
        auto listener = co_await check(std::move(l));
        co_await check(write_all(dialer, bytes_of("one")));
        co_await check(write_all(dialer, bytes_of("two")));
        std::array<std::byte, 3> into{};
        const auto first = co_await read_exactly(listener, into);
        CHECK(first.ec == no_error);
        for (int i = 0; i < 3; ++i) {
            const auto second = co_await listener.read_some(into);
            CHECK(second.ec == p2p::errc::bad_record);
        }
        co_return {};
    });
}

TEST_CASE("secure_stream: an end of the transport within a record is a truncation") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        p2p::identity own = new_identity();
        p2p::noise::handshake handshake{p2p::role::dialer, own};
        buffer in, out;
        out.append(bytes_of("\x13/multistream/1.0.0\n\x07/noise\n"));
        const auto by_hand = [](tcp_stream& s, p2p::noise::handshake& h, buffer& i,
                                buffer& o) -> task<result<void>> {
            co_await check(h.advance(i, o));
            co_await check(write_all(s, std::as_const(o).data()));
            o.clear();
            std::array<std::byte, 28 + 202> answer{};
            co_await check(read_exactly(s, answer));
            i.append(std::span(answer).subspan(28));
            co_await check(h.advance(i, o));
            p2p::noise::session session = h.start_session();
            session.seal(bytes_of("whole"), o);
            buffer cut;
            session.seal(bytes_of("cut"), cut);
            o.append(std::as_const(cut).data().first(cut.size() - 1));
            co_await check(write_all(s, std::as_const(o).data()));
            co_return co_await s.shutdown_write();
        };
        auto [sent, l] = co_await when_all(
            by_hand(client, handshake, in, out),
            p2p::secure(std::move(server), p2p::role::listener, new_identity()));
        CHECK(error_of(sent) == no_error);
        auto listener = co_await check(std::move(l));
        buffer heard;
        const auto end = co_await read_to_end(listener, heard);
        CHECK(end.ec == p2p::errc::truncated);
        CHECK(heard.text() == "whole");
        co_return {};
    }());
}

TEST_CASE("secure_stream: who is not the expected peer") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const p2p::noise::handshake_options options{.expected = new_identity().id()};
        auto [d, l] = co_await when_all(
            p2p::secure(std::move(client), p2p::role::dialer, new_identity(), options),
            p2p::secure(std::move(server), p2p::role::listener, new_identity()));
        CHECK(error_of(d) == p2p::errc::wrong_peer);
        CHECK(error_of(l) == p2p::errc::truncated);
        co_return {};
    });
}

TEST_CASE("secure_stream: a peer that speaks something else") {
    run_test([]() -> task<void> {
        script_stream http;
        http.reads.gives("H");  // and waits
        const auto dialed =
            co_await p2p::secure(std::move(http), p2p::role::dialer, new_identity());
        CHECK(error_of(dialed) == p2p::errc::malformed_negotiation);

        script_stream tls_only;
        tls_only.reads.gives("\x13/multistream/1.0.0\n\x03na\n").ends();
        const auto refused =
            co_await p2p::secure(std::move(tls_only), p2p::role::dialer, new_identity());
        CHECK(error_of(refused) == p2p::errc::protocol_not_supported);

        script_stream gone;
        gone.reads.gives("\x13/multi").ends();
        const auto ended =
            co_await p2p::secure(std::move(gone), p2p::role::listener, new_identity());
        CHECK(error_of(ended) == p2p::errc::truncated);

        script_stream reset;
        reset.reads.fails(errc::connection_reset);
        const auto failed =
            co_await p2p::secure(std::move(reset), p2p::role::listener, new_identity());
        CHECK(error_of(failed) == errc::connection_reset);
    }());
}

TEST_CASE("secure_stream: records of all sizes up to 65,519 bytes") {
    run_test([]() -> task<result<void>> {
        std::vector<std::size_t> sizes;
        for (std::size_t n = 1; n < 300; ++n) sizes.push_back(n);
        for (std::size_t n = 300; n < 65'519; n += 397) sizes.push_back(n);
        for (const std::size_t n : {16'384u, 64'511u, 65'517u, 65'518u, 65'519u, 1u, 65'519u})
            sizes.push_back(n);
        auto [client, server] = co_await check(connected_pair());
        std::uint64_t sent = 0;
        auto [said, listened] = co_await when_all(
            [](tcp_stream t, const std::vector<std::size_t>& all,
               std::uint64_t& at) -> task<result<void>> {
                auto peer = co_await check(raw_peer::dial(std::move(t)));
                for (const std::size_t n : all) {
                    const auto bytes = pattern(n, at);
                    co_await check(peer.say(text_of(bytes)));
                    at += n;
                }
                co_return {};
            }(std::move(client), sizes, sent),
            [](tcp_stream t) -> task<result<drained>> {
                auto s = co_await check(
                    p2p::secure(std::move(t), p2p::role::listener, new_identity()));
                co_return co_await drain(s);
            }(std::move(server)));
        CHECK(error_of(said) == no_error);
        const drained heard = co_await check(std::move(listened));
        CHECK(heard.n == sent);
        CHECK(heard.intact);
        CHECK(heard.end == errc::eof);
        co_return {};
    }());
}

TEST_CASE("secure_stream: reads and writes end with a timeout, and nothing is lost") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        std::array<std::byte, 100> into;
        const auto late = co_await with_timeout(p.dialer.read_some(into), 5ms);
        CHECK(late.ec == errc::timed_out);
        CHECK(late.n == 0);

        std::uint64_t taken = 0;  // until nothing more fits into the pipe
        for (;;) {
            const auto bytes = pattern(50'000, taken);
            const auto r = co_await with_timeout(p.dialer.write_some(bytes), 20ms);
            taken += r.n;
            if (r.ec) {
                CHECK(r.ec == errc::timed_out);
                break;
            }
            if (taken > 100'000'000) break;
        }
        auto [ended, got] = co_await when_all(p.dialer.shutdown_write(), drain(p.listener));
        CHECK(error_of(ended) == no_error);
        CHECK(got.n == taken);
        CHECK(got.intact);
        CHECK(got.end == errc::eof);
        co_return {};
    });
}
