// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/yamux.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/allocations.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using namespace copoll::p2p::yamux;
using namespace std::chrono_literals;
using copoll::buffer;
using copoll::bytes_of;
using copoll::io_result;
using copoll_tests::error_of;
using copoll_tests::no_error;

namespace {

/// A frame as a test names it.
struct frame {
    frame_header header;
    std::string body{};

    friend bool operator==(const frame&, const frame&) = default;
};

frame data(stream_id id, std::string body, unsigned flags = 0) {
    const auto size = static_cast<std::uint32_t>(body.size());
    return {{frame_type::data, static_cast<std::uint16_t>(flags), id, size}, std::move(body)};
}
frame update(stream_id id, std::uint32_t n, unsigned flags = 0) {
    return {{frame_type::window_update, static_cast<std::uint16_t>(flags), id, n}};
}
frame ping(std::uint32_t number, unsigned flags) {
    return {{frame_type::ping, static_cast<std::uint16_t>(flags), 0, number}};
}
frame go_away(go_away_code why) {
    return {{frame_type::go_away, 0, 0, static_cast<std::uint32_t>(why)}};
}

/// A session under test, whose peer is the test.
class subject {
public:
    explicit subject(role r = role::listener, const options& o = {}) : session(r, now, o) {}

    std::error_code hear(const frame& f) {
        buffer in;
        in.append(f.header.encode());
        in.append(bytes_of(f.body));
        return error_of(session.input(std::as_const(in).data(), now));
    }

    /// What it has to say.
    std::vector<frame> says() {
        std::vector<frame> frames;
        buffer& out = session.output(now);
        while (!out.empty()) {
            const auto bytes = std::as_const(out).data();
            const auto h = frame_header::decode(bytes.first<frame_header::size>());
            REQUIRE(h);
            const std::size_t body = h->type == frame_type::data ? h->length : 0;
            REQUIRE(bytes.size() >= frame_header::size + body);
            frames.push_back({*h, std::string(copoll::text_of(
                                      bytes.subspan(frame_header::size, body)))});
            out.consume(frame_header::size + body);
        }
        return frames;
    }

    /// The frames but pings.
    std::vector<frame> says_of_streams() {
        auto all = says();
        std::erase_if(all, [](const frame& f) { return f.header.type == frame_type::ping; });
        return all;
    }

    stream_id open() {
        const auto opened = session.open();
        REQUIRE(opened);
        REQUIRE(*opened);
        return **opened;
    }

    /// Opened by the peer, and accepted.
    stream_id accepted(stream_id id) {
        REQUIRE_FALSE(hear(update(id, 0, flag_syn)));
        REQUIRE(session.accept() == id);
        says();
        return id;
    }

    std::string read(stream_id id, std::size_t most = 1 << 20) {
        std::string into(most, '\0');
        const auto r = session.read(id, std::as_writable_bytes(std::span(into)));
        into.resize(r.n);
        return into;
    }
    std::error_code read_error(stream_id id) {
        std::byte one[1];
        const io_result r = session.read(id, one);
        return r.n > 0 ? std::error_code{} : r.ec;
    }
    io_result write(stream_id id, std::string_view text) {
        return session.write(id, bytes_of(text));
    }

    copoll::clock::time_point now{};
    yamux::session session;
};

const std::string full_window(initial_window, 'x');

}  // namespace

TEST_CASE("yamux: ids are odd at the dialer and even at the listener") {
    subject dialer{role::dialer}, listener;
    CHECK(dialer.open() == 1);
    CHECK(dialer.open() == 3);
    CHECK(listener.open() == 2);
    CHECK(listener.open() == 4);
}

TEST_CASE("yamux: opening waits for the first bytes, and goes with them") {
    subject s{role::dialer};
    const auto id = s.open();
    CHECK(s.write(id, "hello").n == 5);
    CHECK(s.says() == std::vector{data(1, "hello", flag_syn)});
    CHECK(s.write(id, " world").n == 6);
    CHECK(s.says() == std::vector{data(1, " world")});
}

TEST_CASE("yamux: a stream that has nothing to say is opened by a window update") {
    subject s{role::dialer};
    s.open();
    CHECK(s.says() == std::vector{update(1, 0, flag_syn)});
    CHECK_FALSE(s.session.has_output());
}

TEST_CASE("yamux: accepting is told, with the answer if there is one at once") {
    subject s;
    CHECK_FALSE(s.hear(data(1, "hello", flag_syn)));
    CHECK(s.session.accept() == stream_id{1});
    CHECK_FALSE(s.session.accept());
    CHECK(s.read(1) == "hello");
    CHECK(s.write(1, "hi").n == 2);
    CHECK(s.says_of_streams() == std::vector{data(1, "hi", flag_ack)});

    CHECK_FALSE(s.hear(update(3, 0, flag_syn)));
    CHECK(s.session.accept() == stream_id{3});
    CHECK(s.says() == std::vector{update(3, 0, flag_ack)});
}

TEST_CASE("yamux: not accepted is not told") {
    subject s;
    CHECK_FALSE(s.hear(update(1, 0, flag_syn)));
    CHECK(s.says().empty());
}

TEST_CASE("yamux: each half ends on its own") {
    subject s;
    s.accepted(1);
    CHECK_FALSE(s.hear(data(1, "last words", flag_fin)));
    CHECK(s.read(1) == "last words");
    CHECK(s.read_error(1) == copoll::errc::eof);
    CHECK(s.write(1, "and yet").n == 7);
    s.session.finish(1);
    CHECK(s.says_of_streams() == std::vector{data(1, "and yet"), update(1, 0, flag_fin)});
    CHECK(s.write(1, "more").ec == copoll::errc::closed);
    s.session.release(1);
    CHECK(s.session.streams() == 0);
}

TEST_CASE("yamux: the end may come as a frame of either type, and twice") {
    subject s;
    s.accepted(1);
    s.accepted(3);
    CHECK_FALSE(s.hear(update(1, 0, flag_fin)));
    CHECK_FALSE(s.hear(data(3, "", flag_fin)));
    CHECK_FALSE(s.hear(data(3, "", flag_fin)));
    CHECK(s.read_error(1) == copoll::errc::eof);
    CHECK(s.read_error(3) == copoll::errc::eof);
    CHECK(s.hear(data(3, "x")) == errc::illegal_frame);
}

TEST_CASE("yamux: a reset says why, and is no window") {
    subject s;
    s.accepted(1);
    CHECK_FALSE(s.hear(data(1, "unread")));
    CHECK_FALSE(s.hear(update(1, 0x1002, flag_rst)));
    CHECK(s.read_error(1) == errc::stream_reset);
    CHECK(s.write(1, "x").ec == errc::stream_reset);
    CHECK(s.session.reset_by_peer(1) == reset_code::resource_limit);
    CHECK(s.session.unread() == 0);
    s.session.release(1);
    CHECK(s.session.streams() == 0);
    CHECK(s.says_of_streams().empty());
}

TEST_CASE("yamux: a reset on a frame of data has no reason, and its bytes are dropped") {
    subject s;
    s.accepted(1);
    CHECK_FALSE(s.hear(data(1, "bytes", flag_rst)));
    CHECK(s.read_error(1) == errc::stream_reset);
    CHECK(s.session.reset_by_peer(1) == reset_code::none);
    CHECK_FALSE(s.hear(update(3, 0, flag_syn)));  // the next frame is understood
}

TEST_CASE("yamux: resetting tells why, and what was on its way is ignored") {
    subject s;
    s.accepted(1);
    s.session.reset(1, reset_code{0x10007});
    CHECK(s.read_error(1) == errc::stream_reset);
    CHECK_FALSE(s.session.reset_by_peer(1));
    CHECK(s.says() == std::vector{update(1, 0x10007, flag_rst)});
    CHECK_FALSE(s.hear(data(1, "late")));
    s.session.release(1);
    CHECK_FALSE(s.hear(data(1, "later")));
    CHECK_FALSE(s.hear(update(1, 5)));
    CHECK(s.session.streams() == 0);
    CHECK(s.says().empty());
}

TEST_CASE("yamux: a stream that is reset before the peer heard of it is never spoken of") {
    subject s{role::dialer};
    const auto id = s.open();
    s.session.reset(id);
    s.session.release(id);
    CHECK(s.says().empty());
    CHECK(s.session.streams() == 0);
}

TEST_CASE("yamux: releasing a stream that is not finished resets it") {
    subject s;
    s.accepted(1);
    s.session.release(1);
    CHECK(s.says() == std::vector{update(1, 0, flag_rst)});
    CHECK(s.session.streams() == 0);
}

TEST_CASE("yamux: what comes on a released stream is dropped until the peer ends") {
    subject s;
    s.accepted(1);
    s.session.finish(1);
    s.session.release(1);
    CHECK(s.says() == std::vector{update(1, 0, flag_fin)});
    CHECK_FALSE(s.hear(data(1, "for nobody")));
    CHECK(s.session.unread() == 0);
    CHECK(s.session.streams() == 1);
    CHECK_FALSE(s.hear(update(1, 0, flag_fin)));
    CHECK(s.session.streams() == 0);
    CHECK(s.says_of_streams().empty());
}

TEST_CASE("yamux: a peer that goes on to fill the window of a released stream is told") {
    subject s;
    s.accepted(1);
    s.session.finish(1);
    s.session.release(1);
    s.says();
    CHECK_FALSE(s.hear(data(1, full_window)));
    CHECK(s.says_of_streams() == std::vector{update(1, 0, flag_rst)});
    CHECK(s.session.streams() == 0);
}

TEST_CASE("yamux: an answer that was finished and released arrives, whatever still comes") {
    for (const bool has_memory : {true, false}) {
        subject s{role::listener, {.max_unread = has_memory ? initial_window : 1000}};
        s.accepted(1);
        CHECK(s.write(1, "answer").n == 6);
        s.session.finish(1);
        s.session.release(1);
        CHECK_FALSE(s.hear(data(1, full_window)));  // before any of it has left
        CHECK(s.says_of_streams() == std::vector{data(1, "answer"), update(1, 0, flag_fin),
                                                 update(1, 0, flag_rst)});
        CHECK(s.session.streams() == 0);
    }
}

TEST_CASE("yamux: what the peer has said to its end can be read after it has reset the stream") {
    subject s;
    s.accepted(1);
    CHECK_FALSE(s.hear(data(1, "answer", flag_fin)));
    CHECK_FALSE(s.hear(update(1, 0, flag_rst)));
    CHECK(s.write(1, "more").ec == errc::stream_reset);
    CHECK(s.read(1) == "answer");
    CHECK(s.read_error(1) == copoll::errc::eof);
    CHECK(s.session.reset_by_peer(1) == reset_code::none);
    s.session.release(1);

    for (const bool is_accepted : {true, false}) {  // nor does it hold memory when it is given up
        CHECK_FALSE(s.hear(data(3, "request", flag_syn | flag_fin)));
        if (is_accepted) CHECK(s.session.accept() == stream_id{3});
        CHECK_FALSE(s.hear(update(3, 0, flag_rst)));
        if (is_accepted) s.session.release(3);
        CHECK(s.session.streams() == 0);
        CHECK(s.session.held() == 0);
    }
}

TEST_CASE("yamux: released streams that never end at the peer are not kept for ever") {
    subject s{role::listener, {.max_accepted = 3, .max_opened = 3}};
    for (const stream_id id : {s.open(), s.open(), s.open()}) {
        s.session.finish(id);
        s.session.release(id);
    }
    s.says();
    for (stream_id id = 1; id < 100; id += 2) {
        s.accepted(id);
        s.session.finish(id);
        s.session.release(id);
        s.says();
    }
    CHECK(s.session.streams() == 6);
    CHECK_FALSE(s.hear(update(101, 0, flag_syn)));
    CHECK(s.says() == std::vector{update(95, 0x1006, flag_rst)});
    CHECK(s.session.accept() == stream_id{101});
    CHECK(s.open() == 8);
    CHECK(s.says() == std::vector{update(2, 0x1006, flag_rst), update(101, 0, flag_ack),
                                  update(8, 0, flag_syn)});
    CHECK(s.session.streams() == 6);
}

TEST_CASE("yamux: streams that were answered and finished arrive, however many") {
    subject s;
    for (stream_id id = 1; id < 2 * 200; id += 2) {
        CHECK_FALSE(s.hear(data(id, "request", flag_syn)));
        REQUIRE(s.session.accept() == id);
        CHECK(s.read(id) == "request");
        CHECK(s.write(id, "answer").n == 6);
        s.session.finish(id);
        s.session.release(id);
    }
    std::size_t answers = 0, ends = 0;
    for (const frame& f : s.says_of_streams()) {
        CHECK_FALSE(f.header.has(flag_rst));
        if (f.body == "answer") ++answers;
        if (f.header.has(flag_fin)) ++ends;
    }
    CHECK(answers == 200);
    CHECK(ends == 200);
    for (stream_id id = 1; id < 2 * 200; id += 2) CHECK_FALSE(s.hear(update(id, 0, flag_fin)));
    CHECK(s.session.streams() == 0);
}

TEST_CASE("yamux: no stream makes place for another before its end has left") {
    subject s{role::listener, {.max_accepted = 1}};
    s.accepted(1);
    CHECK(s.write(1, "answer").n == 6);
    s.session.finish(1);
    s.session.release(1);
    CHECK_FALSE(s.hear(update(3, 0, flag_syn)));
    CHECK_FALSE(s.session.accept());
    CHECK(s.says() == std::vector{data(1, "answer"), update(3, 0x1002, flag_rst),
                                  update(1, 0, flag_fin)});
    CHECK_FALSE(s.hear(update(5, 0, flag_syn)));
    CHECK(s.says() == std::vector{update(1, 0x1006, flag_rst)});
    CHECK(s.session.accept() == stream_id{5});
}

TEST_CASE("yamux: writing stops at the window, and goes on when it opens") {
    subject s;
    s.accepted(1);
    std::size_t taken = 0;
    for (io_result r{{}, 1}; r.n > 0; s.says()) taken += (r = s.write(1, full_window)).n;
    CHECK(taken == initial_window);
    CHECK(s.session.send_window(1) == 0);
    while (s.session.next_event()) {}
    CHECK_FALSE(s.hear(update(1, 7)));
    const auto event = s.session.next_event();
    REQUIRE(event);
    CHECK(event->stream == 1);
    CHECK(event->writable);
    CHECK(s.write(1, "1234567890").n == 7);
}

TEST_CASE("yamux: who waits to write is told when nothing more can be written") {
    subject s;
    s.accepted(1);
    for (io_result r{{}, 1}; r.n > 0; s.says()) r = s.write(1, full_window);
    while (s.session.next_event()) {}
    CHECK(s.write(1, "").n == 0);  // which says nothing of one who waits
    s.session.finish(1);
    const auto event = s.session.next_event();
    REQUIRE(event);
    CHECK(event->stream == 1);
    CHECK(event->writable);
    CHECK(s.write(1, "x").ec == copoll::errc::closed);
}

TEST_CASE("yamux: output is bounded, in one record of Noise") {
    subject s;
    s.accepted(1);
    s.accepted(3);
    CHECK(s.write(1, full_window).n == 65506);
    CHECK(s.write(1, "x").n == 0);
    CHECK(s.write(3, "x").n == 0);
    CHECK(s.session.send_window(3) > 0);
    CHECK(s.session.output(s.now).size() == 65518);
    s.says();
    CHECK(s.write(3, "x").n == 1);
}

TEST_CASE("yamux: the peer is granted more when half of the window was read") {
    subject s;
    s.accepted(1);
    CHECK_FALSE(s.hear(data(1, full_window)));
    CHECK(s.read(1, initial_window / 2 - 1).size() == initial_window / 2 - 1);
    CHECK(s.says_of_streams().empty());
    CHECK(s.read(1, 1).size() == 1);
    CHECK(s.says_of_streams() == std::vector{update(1, initial_window / 2)});
    CHECK(s.session.unread() == initial_window / 2);
}

TEST_CASE("yamux: a peer that ended is granted nothing") {
    subject s;
    s.accepted(1);
    CHECK_FALSE(s.hear(data(1, full_window, flag_fin)));
    CHECK(s.read(1).size() == initial_window);
    CHECK(s.says_of_streams().empty());
}

TEST_CASE("yamux: the window grows when round trips limit it, up to its bounds") {
    subject s{role::listener, {.max_window = 1024 * 1024, .max_window_growth = 1024 * 1024}};
    s.accepted(1);
    s.accepted(3);
    CHECK_FALSE(s.hear(data(1, "x")));
    const auto asked = s.says();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].header.type == frame_type::ping);
    CHECK(asked[0].header.flags == flag_syn);
    s.now += 100ms;
    CHECK_FALSE(s.hear(ping(asked[0].header.length, flag_ack)));
    CHECK(s.session.round_trip() == 100ms);

    s.read(1);
    std::vector<std::uint32_t> grants;
    for (int i = 0; i < 5; ++i) {
        for (const stream_id id : {1u, 3u}) {
            for (auto rest = initial_window - 1; rest > 0;) {
                const auto n = std::min<std::uint32_t>(rest, 65536);
                REQUIRE_FALSE(s.hear(data(id, std::string(n, 'x'))));
                rest -= n;
            }
            while (!s.read(id).empty()) {}
            for (const auto& f : s.says_of_streams()) grants.push_back(f.header.length);
        }
    }
    std::uint32_t granted = 0;
    for (const std::uint32_t n : grants) granted += n;
    // 256 KiB to begin with, at most 1 MiB for each, and at most 1 MiB more for both
    CHECK(granted <= 10 * (initial_window - 1) + 1 + 1024 * 1024);
    CHECK(granted >= 10 * (initial_window - 1) + 512 * 1024);
}

TEST_CASE("yamux: windows do not grow beyond the memory that is left for them") {
    options in_all{.max_unread = 32 * initial_window};
    in_all.unread_of_all = std::make_shared<unread_budget>(12 * initial_window, 0, 0);
    for (const options& o : {options{.max_unread = 4 * initial_window}, in_all}) {
        subject s{role::listener, o};
        s.accepted(1);
        CHECK_FALSE(s.hear(data(1, "x")));
        const auto asked = s.says();
        REQUIRE(asked.size() == 1);
        s.now += 100ms;
        CHECK_FALSE(s.hear(ping(asked[0].header.length, flag_ack)));
        s.read(1);
        std::uint32_t allowed = initial_window - 1;
        for (int i = 0; i < 10; ++i) {
            for (std::uint32_t sent = 0; sent < allowed; sent += 32768) {
                const std::size_t n = std::min<std::uint32_t>(allowed - sent, 32768);
                REQUIRE_FALSE(s.hear(data(1, std::string(n, 'x'))));
                REQUIRE(s.read(1).size() == n);
            }
            allowed = 0;
            for (const frame& f : s.says_of_streams()) allowed += f.header.length;
        }
        CHECK(allowed > initial_window);
        CHECK(allowed <= 4 * initial_window);
    }
}

TEST_CASE("yamux: at most 256 streams wait for the peer to accept them") {
    subject s{role::dialer};
    for (int i = 0; i < 256; ++i) s.open();
    const auto none = s.session.open();
    REQUIRE(none);
    CHECK_FALSE(*none);
    CHECK_FALSE(s.hear(update(1, 0, flag_ack)));
    CHECK(s.open() == 513);
    CHECK_FALSE(*s.session.open());
    CHECK_FALSE(s.hear(update(3, 0, flag_rst)));  // refused is an answer as well
    s.open();
    CHECK_FALSE(s.hear(data(5, "x")));  // and so are bytes
    s.open();
}

TEST_CASE("yamux: streams that nobody accepts are reset, and the others go on") {
    subject s;
    for (stream_id i = 0; i < 300; ++i) CHECK_FALSE(s.hear(update(2 * i + 1, 0, flag_syn)));
    const auto resets = s.says();
    REQUIRE(resets.size() == 44);
    CHECK(resets[0] == update(513, 0x1002, flag_rst));
    for (stream_id i = 0; i < 256; ++i) CHECK(s.session.accept() == 2 * i + 1);
    CHECK_FALSE(s.session.accept());
}

TEST_CASE("yamux: each side opens as many streams as it may, whatever the other does") {
    subject s{role::listener, {.max_accepted = 2, .max_opened = 2}};
    s.accepted(1);
    s.accepted(3);
    s.open();
    s.open();
    s.says();
    CHECK(error_of(s.session.open()) == errc::too_many_streams);
    CHECK_FALSE(s.hear(data(5, "x", flag_syn)));
    const auto answer = s.says_of_streams();
    REQUIRE(!answer.empty());
    CHECK(answer.back() == update(5, 0x1002, flag_rst));
    s.session.release(1);
    s.says();
    CHECK_FALSE(s.hear(data(7, "x", flag_syn)));
    CHECK(s.session.accept() == stream_id{7});
    CHECK(error_of(s.session.open()) == errc::too_many_streams);
    s.session.release(2);
    s.says();
    s.open();
}

TEST_CASE("yamux: a stream that would hold too much in all is reset") {
    subject s{role::listener, {.max_unread = initial_window + 1000}};
    s.accepted(1);
    s.accepted(3);
    CHECK_FALSE(s.hear(data(1, full_window)));
    CHECK_FALSE(s.hear(data(3, std::string(1001, 'x'))));
    CHECK(s.session.unread() == initial_window);
    CHECK(s.read_error(3) == errc::stream_reset);
    CHECK(s.says_of_streams() == std::vector{update(3, 0x1002, flag_rst)});
    CHECK(s.read(1).size() == initial_window);
}

TEST_CASE("yamux: a stream that would hold more than all sessions may is reset") {
    const auto budget = std::make_shared<unread_budget>(3 * initial_window, 0, 0);
    options o;
    o.unread_of_all = budget;
    std::optional<subject> first{std::in_place, role::listener, o};
    subject second{role::listener, o};
    first->accepted(1);
    second.accepted(1);
    second.accepted(3);
    CHECK_FALSE(first->hear(data(1, full_window)));
    const std::size_t third = 2 * initial_window / 3;
    CHECK_FALSE(second.hear(data(1, std::string(third, 'x'))));
    CHECK_FALSE(second.hear(data(3, "y")));
    CHECK(second.read_error(3) == errc::stream_reset);
    CHECK(second.says_of_streams() == std::vector{update(3, 0x1002, flag_rst)});
    CHECK(budget->used == initial_window + third);

    CHECK(second.read(1).size() == third);
    CHECK(budget->used == initial_window);
    first.reset();
    CHECK(budget->used == 0);
    second.accepted(5);
    CHECK_FALSE(second.hear(data(5, full_window)));
    CHECK(second.read(5) == full_window);
}

TEST_CASE("yamux: what one session holds, or eight, leaves room for streams of others") {
    const auto budget = std::make_shared<unread_budget>(64 * initial_window);
    options o;
    o.unread_of_all = budget;
    std::vector<std::unique_ptr<subject>> greedy;
    for (int i = 0; i < 8; ++i) {
        greedy.push_back(std::make_unique<subject>(role::listener, o));
        for (stream_id id = 1; id < 2 * 100; id += 2) {
            greedy.back()->accepted(id);
            CHECK_FALSE(greedy.back()->hear(data(id, full_window)));
            greedy.back()->says();
        }
        const auto of_one = greedy.back()->session.held() - budget->apart;
        CHECK(of_one <= budget->limit / 3);
        CHECK(budget->limit - budget->used >= budget->limit / 32);
    }
    CHECK(budget->limit - budget->used < budget->limit / 8);  // they took what was to be had
    subject honest{role::listener, o};
    honest.accepted(1);
    honest.accepted(3);
    CHECK_FALSE(honest.hear(data(1, full_window)));
    CHECK_FALSE(honest.hear(data(3, full_window)));
    CHECK(honest.read(1) == full_window);
    CHECK(honest.read(3) == full_window);
    honest.says();
    budget->used = budget->limit;  // and if nothing is left
    CHECK_FALSE(honest.hear(data(1, "little")));
    CHECK(honest.read(1) == "little");
    budget->used = 0;
    for (const auto& g : greedy) budget->used += g->session.held() - budget->apart;
}

TEST_CASE("yamux: a byte that is left unread holds little memory, and that counts") {
    const auto before = copoll_tests::heap_bytes_in_use();
    subject s;
    for (stream_id id = 1; id < 2 * 200; id += 2) {
        s.accepted(id);
        CHECK_FALSE(s.hear(data(id, full_window)));
        for (std::size_t left = initial_window - 1; left > 0;)
            left -= s.read(id, std::min<std::size_t>(left, 50'000)).size();
        s.says();
    }
    CHECK(s.session.unread() == 200);
    CHECK(s.session.held() <= 200 * 16 * 1024);
    // spares are 2 MiB and 128 KiB at most
    CHECK(copoll_tests::heap_bytes_in_use() - before <= s.session.held() + 3 * 1024 * 1024);
    for (stream_id id = 1; id < 2 * 200; id += 2) CHECK(s.read(id) == "x");
    CHECK(s.session.held() == 0);
}

TEST_CASE("yamux: little that comes does not hold the memory of much that came before") {
    subject s;
    for (stream_id id = 1; id < 2 * 8; id += 2) {
        s.accepted(id);
        CHECK_FALSE(s.hear(data(id, full_window)));
    }
    for (stream_id id = 1; id < 2 * 8; id += 2) CHECK(s.read(id) == full_window);
    s.says();
    for (stream_id id = 1; id < 2 * 8; id += 2) CHECK_FALSE(s.hear(data(id, "x")));
    CHECK(s.session.unread() == 8);
    CHECK(s.session.held() <= 8 * 16 * 1024);
}

TEST_CASE("yamux: what another session has taken while a frame came is not there any more") {
    options o;
    o.unread_of_all = std::make_shared<unread_budget>(1800, 0, 0);
    subject s{role::listener, o}, other{role::listener, o};
    s.accepted(1);
    other.accepted(1);
    buffer wire;
    wire.append(data(1, "").header.encode());
    wire.data()[frame_header::size - 1] = std::byte{200};  // so many bytes follow
    CHECK(s.session.input(std::as_const(wire).data(), s.now));
    CHECK_FALSE(other.hear(data(1, std::string(600, 'x'))));
    CHECK(s.session.input(bytes_of(std::string(100, 'x')), s.now));
    CHECK(s.session.input(bytes_of(std::string(100, 'x')), s.now));
    CHECK(o.unread_of_all->used == 600);
    CHECK(s.read_error(1) == errc::stream_reset);
    CHECK(other.read(1).size() == 600);
    s.accepted(3);  // the rest of the frame was understood
}

TEST_CASE("yamux: a stream on which nothing moves is reset in time, and says why") {
    const auto passes = [](subject& s, copoll::clock::duration d) {
        const auto until = s.now + d;
        while (s.session.deadline() <= until) {
            s.now = s.session.deadline();
            CHECK(error_of(s.session.check_time(s.now)) == no_error);
        }
        s.now = until;
    };
    subject s{role::listener, {.keep_alive = 0s, .idle_stream = 120s}};
    CHECK(s.session.deadline() == s.now + 30s);
    passes(s, 29s);
    for (const stream_id id : {1u, 3u, 5u, 7u}) s.accepted(id);
    CHECK(s.read_error(5) == no_error);  // waits
    CHECK_FALSE(s.hear(data(7, "unread")));
    for (int i = 0; i < 100; ++i) {  // for 25 minutes
        passes(s, 15s);
        CHECK_FALSE(s.hear(data(1, "x")));
        CHECK(s.write(3, "x").n == 1);
        CHECK_FALSE(s.hear(update(3, 1)));
        s.says();
    }
    CHECK(s.read_error(5) == errc::stream_reset);
    CHECK_FALSE(s.session.reset_by_peer(5));
    CHECK(s.read(7) == "unread");
    CHECK(s.read(1).size() == 100);
    CHECK(s.write(3, "x").n == 1);
    CHECK(s.session.unread() == 0);
}

TEST_CASE("yamux: reading what came long ago keeps a stream, and idle ones are told of") {
    subject s{role::listener, {.keep_alive = 0s, .idle_stream = 4s}};
    s.accepted(1);
    CHECK_FALSE(s.hear(data(1, "0123456789")));
    s.accepted(3);
    CHECK(s.read_error(3) == no_error);
    CHECK_FALSE(s.hear(update(5, 0, flag_syn)));  // nobody accepts it
    s.says();
    std::vector<frame> said;
    for (int second = 1; second <= 10; ++second) {
        s.now += 1s;
        CHECK(s.read(1, 1).size() == 1);
        CHECK(error_of(s.session.check_time(s.now)) == no_error);
        for (const frame& f : s.says_of_streams()) {
            CHECK(second == 5);
            said.push_back(f);
        }
    }
    REQUIRE(said.size() == 2);
    CHECK(said[0].header.stream + said[1].header.stream == 8);
    for (const frame& f : said) CHECK(f == update(f.header.stream, 0x1006, flag_rst));
    CHECK_FALSE(s.session.accept());
    CHECK(s.read_error(3) == errc::stream_reset);
    CHECK(s.read_error(1) == no_error);
}

TEST_CASE("yamux: a stream on which it is up to this side is not idle, one up to the peer is") {
    subject s{role::listener, {.keep_alive = 0s, .idle_stream = 4s}};
    const auto pass = [&s] {
        for (int second = 0; second < 10; ++second) {
            s.now += 1s;
            CHECK(error_of(s.session.check_time(s.now)) == no_error);
            s.says();
        }
    };
    for (const stream_id id : {1u, 3u, 5u, 7u, 9u, 11u}) s.accepted(id);
    // up to this side
    CHECK_FALSE(s.hear(data(1, "request", flag_fin)));
    CHECK(s.read(1) == "request");
    CHECK(s.read_error(1) == copoll::errc::eof);  // the answer takes long
    CHECK_FALSE(s.hear(data(3, "more than is read")));
    CHECK(s.read(3, 4) == "more");
    CHECK(s.read_error(5) == no_error);
    s.session.wait_for_room(5, true);
    // up to the peer
    CHECK(s.read_error(7) == no_error);
    for (io_result r{{}, 1}; r.n > 0; s.says()) r = s.write(9, full_window);
    s.session.finish(11);
    s.says();
    pass();
    for (const stream_id id : {1u, 3u, 5u}) CHECK(s.write(id, "x").n == 1);
    for (const stream_id id : {7u, 9u, 11u}) CHECK(s.read_error(id) == errc::stream_reset);
    s.session.wait_for_room(5, false);
    pass();
    CHECK(s.read_error(5) == errc::stream_reset);
    CHECK(s.write(1, "x").n == 1);
}

TEST_CASE("yamux: a stream for which nobody waits any more is not idle") {
    subject s{role::listener, {.keep_alive = 0s, .idle_stream = 4s}};
    for (const stream_id id : {1u, 3u}) s.accepted(id);
    CHECK(s.read_error(1) == no_error);
    for (io_result r{{}, 1}; r.n > 0; s.says()) r = s.write(3, full_window);
    s.session.stop_reading(1);
    s.session.stop_writing(3);
    for (int second = 0; second < 10; ++second) {
        s.now += 1s;
        CHECK(error_of(s.session.check_time(s.now)) == no_error);
    }
    for (const stream_id id : {1u, 3u}) CHECK(s.read_error(id) == no_error);
}

TEST_CASE("yamux: what comes on a stream that was left keeps it") {
    subject s{role::listener, {.keep_alive = 0s, .idle_stream = 4s}};
    s.accepted(1);
    s.session.finish(1);
    s.session.release(1);
    s.says();
    const auto pass = [&s](int seconds, bool hears) {
        for (int second = 0; second < seconds; ++second) {
            s.now += 1s;
            if (hears) CHECK_FALSE(s.hear(data(1, "x")));
            CHECK(error_of(s.session.check_time(s.now)) == no_error);
        }
    };
    pass(20, true);
    CHECK(s.says_of_streams().empty());
    pass(6, false);
    CHECK(s.says_of_streams() == std::vector{update(1, 0x1006, flag_rst)});
}

TEST_CASE("yamux: a stream is idle from when it was accepted and all was said that is to be") {
    subject s{role::listener, {.keep_alive = 0s, .idle_stream = 4s}};
    const auto pass = [&s](int seconds) {
        for (int second = 0; second < seconds; ++second) {
            s.now += 1s;
            CHECK(error_of(s.session.check_time(s.now)) == no_error);
        }
    };
    CHECK_FALSE(s.hear(update(1, 0, flag_syn)));
    CHECK_FALSE(s.hear(update(3, 0, flag_syn)));
    pass(4);
    CHECK(s.session.accept() == stream_id{1});
    CHECK(s.session.accept() == stream_id{3});
    s.says();
    CHECK(s.read_error(1) == no_error);
    CHECK(s.write(3, "answer").n == 6);
    s.session.finish(3);
    pass(4);
    CHECK(s.read_error(1) == no_error);
    pass(20);  // the output is not taken: the peer cannot know
    CHECK(s.says_of_streams() == std::vector{data(3, "answer"), update(3, 0, flag_fin),
                                             update(1, 0x1006, flag_rst)});
    pass(5);
    CHECK(s.says_of_streams() == std::vector{update(3, 0x1006, flag_rst)});
}

TEST_CASE("yamux: pings are answered once, with their number") {
    subject s;
    CHECK_FALSE(s.hear(ping(7, flag_syn)));
    CHECK_FALSE(s.hear(ping(8, flag_syn)));
    CHECK(s.says() == std::vector{ping(7, flag_ack), ping(8, flag_ack)});
    CHECK(s.says().empty());
}

TEST_CASE("yamux: answers to nothing are ignored") {
    subject s;
    CHECK_FALSE(s.hear(ping(7, flag_ack)));
    CHECK_FALSE(s.hear(ping(7, 0)));
    CHECK(s.says().empty());
    CHECK_FALSE(s.session.round_trip());
}

TEST_CASE("yamux: a silent peer is asked, and given up when it stays silent") {
    subject s{role::listener, {.keep_alive = 30s, .answer_within = 10s}};
    CHECK(s.session.deadline() == s.now + 30s);
    s.now += 30s;
    CHECK_FALSE(error_of(s.session.check_time(s.now)));
    CHECK(s.says() == std::vector{ping(1, flag_syn)});
    CHECK(s.session.deadline() == s.now + 10s);
    s.now += 9s;
    CHECK_FALSE(s.hear(ping(9, flag_ack)));  // it lives, though this is not the answer
    s.now += 9s;
    CHECK_FALSE(error_of(s.session.check_time(s.now)));
    s.now += 1s;
    CHECK(error_of(s.session.check_time(s.now)) == errc::ping_unanswered);
    CHECK(s.session.error() == errc::ping_unanswered);
}

TEST_CASE("yamux: a ping that waits for something to be said is not missed") {
    subject s{role::listener, {.keep_alive = 30s, .answer_within = 10s}};
    const auto id = s.accepted(1);
    CHECK_FALSE(s.hear(data(id, "one way")));  // the round trip is to be measured
    CHECK_FALSE(s.session.has_output());
    s.now += 25s;
    CHECK(s.session.deadline() > s.now);
    s.now += 5s;
    CHECK(error_of(s.session.check_time(s.now)) == no_error);
    CHECK(s.session.has_output());
    const auto asked = s.says();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].header.type == frame_type::ping);
    s.now += 1s;
    CHECK_FALSE(s.hear(ping(asked[0].header.length, flag_ack)));
    CHECK(s.session.round_trip() == 1s);  // from when it left
}

TEST_CASE("yamux: streams that have ended do not count among those that go on at the peer") {
    subject s;
    const auto slow = s.accepted(1);
    s.session.finish(slow);
    s.session.release(slow);
    s.says();
    for (stream_id id = 3; id < 3 + 2 * 200; id += 2) {
        s.accepted(id);
        s.session.finish(id);
        s.session.release(id);
        CHECK_FALSE(s.hear(update(id, 0, flag_fin)));
        for (const frame& f : s.says()) CHECK(f.header.stream != slow);
    }
    CHECK(s.session.streams() == 1);
}

TEST_CASE("yamux: windows for streams that are gone are paid for by the data that they answer") {
    subject s{role::listener, {.idle_burst = 10, .idle_rate = 0}};
    for (stream_id id = 1; id < 200; id += 2) {
        s.accepted(id);
        CHECK(s.write(id, "answer").n == 6);
        s.session.finish(id);
        CHECK_FALSE(s.hear(update(id, 0, flag_fin)));
        s.session.release(id);
        s.says();
        CHECK_FALSE(s.hear(update(id, 6)));
    }
}

TEST_CASE("yamux: no keep-alive, no deadline") {
    subject s{role::listener, {.keep_alive = 0s}};
    CHECK(s.session.deadline() == copoll::clock::time_point::max());
}

TEST_CASE("yamux: after going away no stream is opened, and those that are go on") {
    subject s{role::listener};
    s.accepted(1);
    s.session.go_away();
    s.session.go_away();
    CHECK(s.says() == std::vector{go_away(go_away_code::normal)});
    CHECK(error_of(s.session.open()) == errc::going_away);
    CHECK_FALSE(s.hear(update(3, 0, flag_syn)));
    CHECK(s.says() == std::vector{update(3, 0x1002, flag_rst)});
    CHECK_FALSE(s.hear(data(1, "go on")));
    CHECK(s.read(1) == "go on");
}

TEST_CASE("yamux: with its last id used a session opens nothing, and all else goes on") {
    for (const role r : {role::dialer, role::listener}) {
        subject s{r, {.ids_used = 0x7ffffffe}};  // of 2^31
        const stream_id last = r == role::dialer ? 0xffffffff : 0xfffffffe;
        // the listener has one less, as 0 is none
        if (r == role::dialer) CHECK(s.open() == last - 2);
        CHECK(s.open() == last);
        s.says();
        for (int i = 0; i < 3; ++i) CHECK(error_of(s.session.open()) == errc::going_away);
        CHECK(s.says().empty());
        CHECK_FALSE(s.session.error());
        s.accepted(r == role::dialer ? 2 : 1);
        CHECK_FALSE(s.hear(data(last, "go on", flag_ack)));
        CHECK(s.read(last) == "go on");
        CHECK(s.write(last, "and on").n == 6);
        CHECK(s.says_of_streams() == std::vector{data(last, "and on")});
        CHECK_FALSE(s.hear(update(last, 0, flag_fin)));
        s.session.finish(last);
        s.session.release(last);
        s.says();
        CHECK(s.session.streams() == (r == role::dialer ? 2 : 1));
    }
}

TEST_CASE("yamux: a peer that goes away takes no streams") {
    subject s{role::dialer};
    const auto id = s.open();
    CHECK_FALSE(s.hear(go_away(go_away_code::normal)));
    CHECK(s.session.peer_went_away() == go_away_code::normal);
    CHECK(error_of(s.session.open()) == errc::going_away);
    CHECK(s.write(id, "x").n == 1);
}

TEST_CASE("yamux: a peer that goes away for an error ends everything") {
    subject s{role::dialer};
    const auto id = s.open();
    s.says();
    while (s.session.next_event()) {}
    CHECK_FALSE(s.hear(data(id, "before")));
    CHECK(s.hear(go_away(go_away_code::rate_limited)) == errc::closed_by_peer);
    CHECK(s.session.peer_went_away() == go_away_code::rate_limited);
    const auto event = s.session.next_event();
    REQUIRE(event);
    CHECK(event->readable);
    CHECK(event->writable);
    CHECK(s.read(id) == "before");
    CHECK(s.read_error(id) == errc::closed_by_peer);
    CHECK(s.write(id, "x").ec == errc::closed_by_peer);
    CHECK(error_of(s.session.open()) == errc::closed_by_peer);
    CHECK(s.hear(data(id, "after")) == errc::closed_by_peer);
}

TEST_CASE("yamux: what breaks the protocol ends the session, and the peer is told") {
    const auto ends_with = [](const std::vector<frame>& frames, role r = role::listener) {
        subject s{r};
        std::error_code last;
        for (const frame& f : frames) last = s.hear(f);
        const auto said = s.says();
        CHECK(!said.empty());
        if (!said.empty()) CHECK(said.back() == go_away(go_away_code::protocol_error));
        CHECK(s.session.error() == last);
        return last;
    };
    const auto syn = update(1, 0, flag_syn);
    CHECK(ends_with({syn, syn}) == errc::illegal_frame);
    CHECK(ends_with({update(2, 0, flag_syn)}) == errc::illegal_frame);  // an id of ours
    CHECK(ends_with({update(1, 0, flag_syn)}, role::dialer) == errc::illegal_frame);
    CHECK(ends_with({data(0, "x")}) == errc::malformed_frame);
    CHECK(ends_with({syn, update(1, 0xffffffff)}) == errc::illegal_frame);
    CHECK(ends_with({syn, data(1, full_window), data(1, "x")}) == errc::window_exceeded);
    CHECK(ends_with({syn, data(1, full_window + "x")}) == errc::window_exceeded);
    CHECK(ends_with({{{frame_type{4}, 0, 0, 0}}}) == errc::malformed_frame);
}

TEST_CASE("yamux: 262,145 bytes with SYN are refused before there is a stream") {
    subject s;
    frame f = data(1, "", flag_syn);
    f.header.length = initial_window + 1;
    CHECK(s.hear(f) == errc::window_exceeded);
    CHECK(s.session.streams() == 0);
    CHECK_FALSE(s.session.accept());
}

TEST_CASE("yamux: a huge length is not believed") {
    subject s;
    s.accepted(1);
    frame f = data(1, "");
    f.header.length = 0xffffffff;
    CHECK(s.hear(f) == errc::window_exceeded);
    subject unknown;
    f.header.stream = 77;  // on a stream that there is not, bytes are passed as they come
    CHECK_FALSE(unknown.hear(f));
    CHECK(unknown.session.unread() == 0);
}

TEST_CASE("yamux: frames that bring nothing end it when there are too many") {
    const std::vector<std::pair<const char*, std::vector<frame>>> floods = {
        {"no bytes", {data(1, "")}},
        {"no window", {update(1, 0)}},
        {"the end again", {data(1, "", flag_fin)}},
        {"accepted again", {update(1, 0, flag_ack)}},
        {"pings", {ping(1, flag_syn)}},
        {"answers", {ping(1, flag_ack)}},
        {"going away", {go_away(go_away_code::normal)}},
        {"streams that there are not", {update(77, 5)}},
        {"opened and reset", {update(3, 0, flag_syn), update(3, 0, flag_rst)}}};
    for (const auto& [name, frames] : floods) {
        INFO(name);
        subject s{role::listener, {.idle_burst = 100, .idle_rate = 10}};
        s.accepted(1);
        std::error_code ec;
        int heard = 0;
        for (; !ec && heard < 10'000; ++heard)
            for (const frame& f : frames)
                if (!ec) ec = s.hear(f);
        CHECK(ec == errc::too_much_work);
        CHECK(heard <= 102);
        CHECK(s.session.output(s.now).size() <= 12 * 35);
    }
}

TEST_CASE("yamux: frames that bring nothing are no harm at a low rate") {
    subject s{role::listener, {.idle_burst = 100, .idle_rate = 10}};
    for (int i = 0; i < 1000; ++i) {
        s.now += 100ms;
        REQUIRE_FALSE(s.hear(ping(1, flag_syn)));
        REQUIRE(s.says().size() == 1);
    }
}

TEST_CASE("yamux: who sends frames that bring little is heard later, and not cut off") {
    const std::vector<std::pair<const char*, frame>> little = {
        {"a byte", data(1, "x")}, {"a byte of window", update(1, 1)},
        {"a byte for nobody", data(77, "x")}};
    for (const auto& [name, f] : little) {
        INFO(name);
        subject s{role::listener, {.frame_burst = 100, .frame_rate = 1000}};
        s.accepted(1);
        int heard = 0;
        for (; s.session.next_input() <= s.now && heard < 1000; ++heard)
            REQUIRE_FALSE(s.hear(f));
        CHECK(heard >= 99);
        CHECK(heard <= 101);
        for (int i = 0; i < 1000; ++i) {  // a frame costs a millisecond from now on
            while (s.session.next_input() > s.now) s.now += 1ms;
            REQUIRE_FALSE(s.hear(f));
            s.read(1);
        }
        CHECK(s.now.time_since_epoch() >= 990ms);
        CHECK(s.now.time_since_epoch() <= 1100ms);
        s.now += 1h;
        for (int i = 0; i < 99; ++i) REQUIRE_FALSE(s.hear(f));
        CHECK(s.session.next_input() <= s.now);
    }
}

TEST_CASE("yamux: rates are those that were given, however often something comes") {
    subject s{role::listener, {.idle_burst = 10, .idle_rate = 999}};
    for (int i = 0; i < 100'000; ++i) {
        s.now += 1002us;
        REQUIRE_FALSE(s.hear(ping(1, flag_syn)));
        s.says();
    }
    int more = 0;
    for (; !s.hear(ping(1, flag_syn)); ++more) s.now += 500us;
    CHECK(more <= 40);

    subject fast{role::listener, {.frame_burst = 0, .frame_rate = 0xffffffff}};
    fast.accepted(1);
    CHECK_FALSE(fast.hear(data(1, "x")));
    CHECK(fast.session.next_input() > fast.now);
    CHECK(fast.session.next_input() <= fast.now + 1us);
}

TEST_CASE("yamux: who owes nothing is heard") {
    subject s{role::listener, {.frame_burst = 10, .frame_rate = 1}};
    for (stream_id id = 1; id < 20; id += 2) {
        CHECK(s.session.next_input() <= s.now);
        CHECK_FALSE(s.hear(update(id, 0, flag_syn)));
    }
    CHECK(s.session.next_input() == copoll::clock::time_point::min());
    CHECK_FALSE(s.hear(update(21, 0, flag_syn)));
    CHECK(s.session.next_input() == s.now + 1s);
}

TEST_CASE("yamux: frames are paid for by the bytes that are received and sent") {
    subject s{role::listener, {.frame_burst = 100, .frame_rate = 1}};
    s.accepted(1);
    for (int i = 0; i < 1000; ++i) {
        CHECK_FALSE(s.hear(data(1, std::string(600, 'x'))));
        CHECK_FALSE(s.hear(update(1, 1)));
        s.read(1);
        s.says();
    }
    CHECK(s.session.next_input() <= s.now);
    for (int i = 0; i < 1000; ++i) {
        CHECK(s.write(1, std::string(600, 'x')).n == 600);
        CHECK_FALSE(s.hear(update(1, 600)));
        CHECK_FALSE(s.hear(data(1, "x")));
        s.read(1);
        s.says();
    }
    CHECK(s.session.next_input() <= s.now);
}

TEST_CASE("yamux: a peer is not silent while it is not listened to") {
    subject s{role::listener, {.keep_alive = 30s, .answer_within = 10s, .frame_burst = 10,
                               .frame_rate = 1}};
    const auto overdraws = [&s] {  // with frames that do not make it measure the round trip
        for (int i = 0; i < 100; ++i) REQUIRE_FALSE(s.hear(data(77, "x")));
    };
    overdraws();
    const auto listens_at = s.session.next_input();
    CHECK(listens_at > s.now + 80s);
    CHECK(s.session.deadline() == listens_at + 30s);
    s.now = listens_at + 30s;
    CHECK(error_of(s.session.check_time(s.now)) == no_error);
    CHECK(s.says().size() == 1);  // asked
    CHECK(s.session.deadline() == s.now + 10s);
    overdraws();
    CHECK(s.session.next_input() > s.now + 10s);
    CHECK(s.session.deadline() == s.session.next_input() + 10s);
    s.now = s.session.deadline();
    CHECK(error_of(s.session.check_time(s.now)) == errc::ping_unanswered);
}

TEST_CASE("yamux: echoes of a byte, 200,000 a second, are neither slowed nor cut off") {
    subject s;
    s.accepted(1);
    for (int i = 0; i < 400'000; ++i) {
        s.now += 5us;
        REQUIRE_FALSE(s.hear(data(1, "x")));
        REQUIRE(s.session.next_input() <= s.now);
        s.read(1, 1);
        REQUIRE(s.write(1, "x").n == 1);
        s.session.output(s.now).clear();
        if (i % 1000 == 0) REQUIRE_FALSE(s.hear(update(1, 1000)));
    }
}

TEST_CASE("yamux: no bound on frames") {
    subject s{role::listener, {.frame_burst = 0, .frame_rate = 0}};
    s.accepted(1);
    for (int i = 0; i < 10'000; ++i) CHECK_FALSE(s.hear(data(1, "x")));
    CHECK(s.session.next_input() <= s.now);
}

TEST_CASE("yamux: who resets a stream reads nothing more, though the peer had ended it") {
    subject s;
    s.accepted(1);
    CHECK_FALSE(s.hear(data(1, "unread", flag_fin)));
    CHECK_FALSE(s.hear(update(1, 7, flag_rst)));
    s.accepted(3);
    CHECK_FALSE(s.hear(data(3, "unread", flag_fin)));
    s.session.finish(3);
    s.says();
    CHECK(s.session.unread() == 12);
    for (const stream_id id : {1u, 3u}) {
        s.session.reset(id);
        CHECK(s.read_error(id) == errc::stream_reset);
        CHECK(s.write(id, "x").ec == errc::stream_reset);
    }
    CHECK(s.session.unread() == 0);
    CHECK(s.session.held() == 0);
    CHECK(s.says_of_streams().empty());
    CHECK(s.session.reset_by_peer(1) == reset_code{7});
    for (const stream_id id : {1u, 3u}) s.session.release(id);
    CHECK(s.says_of_streams().empty());
    CHECK(s.session.streams() == 0);
}

TEST_CASE("yamux: refusals that nobody reads stop the input") {
    subject s{role::listener, {.max_unaccepted = 1}};
    CHECK(s.session.wants_input());
    for (stream_id i = 0; i < 65; ++i) CHECK_FALSE(s.hear(update(2 * i + 1, 0, flag_syn)));
    CHECK_FALSE(s.session.wants_input());
    s.says();
    CHECK(s.session.wants_input());
}

TEST_CASE("yamux: a stream that was reset before it was accepted is not accepted") {
    subject s;
    CHECK_FALSE(s.hear(data(1, "x", flag_syn)));
    CHECK_FALSE(s.hear(update(1, 0, flag_rst)));
    CHECK_FALSE(s.session.accept());
    CHECK(s.session.streams() == 0);
    CHECK(s.session.unread() == 0);
}

TEST_CASE("yamux: understands its input in any pieces") {
    buffer wire;
    for (const frame& f : {data(1, "hello", flag_syn), ping(3, flag_syn), data(1, " world"),
                           update(1, 0, flag_fin)}) {
        wire.append(f.header.encode());
        wire.append(bytes_of(f.body));
    }
    const auto all = std::as_const(wire).data();
    for (std::size_t piece = 1; piece < all.size(); ++piece) {
        subject s;
        for (std::size_t at = 0; at < all.size(); at += piece)
            REQUIRE(s.session.input(all.subspan(at, std::min(piece, all.size() - at)), s.now));
        REQUIRE(s.session.accept() == stream_id{1});
        CHECK(s.read(1) == "hello world");
        CHECK(s.read_error(1) == copoll::errc::eof);
    }
}

TEST_CASE("yamux: the end of the transport is the end of streams, after what was received") {
    subject s;
    s.accepted(1);
    CHECK_FALSE(s.hear(data(1, "received")));
    s.session.end(copoll::errc::connection_reset);
    CHECK(s.read(1) == "received");
    CHECK(s.read_error(1) == copoll::errc::connection_reset);
    CHECK(s.write(1, "x").ec == copoll::errc::connection_reset);
}
