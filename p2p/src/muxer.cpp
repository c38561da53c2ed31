// SPDX-License-Identifier: MIT OR Apache-2.0
#include "muxer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/detail/next_turn.hpp>
#include <copoll/loop.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "farewell.hpp"
#include "protocols.hpp"
#include "spare_buffers.hpp"

namespace copoll::p2p::detail {
namespace {

task<void> turns(int n) {
    for (int i = 0; i < n; ++i) co_await copoll::detail::next_turn{};
}

/// A write that waits for other streams.
class in_line {
public:
    in_line(yamux::session& s, yamux::stream_id id) noexcept : session_(s), id_(id) {
        session_.wait_for_room(id_, true);
    }
    in_line(const in_line&) = delete;
    in_line& operator=(const in_line&) = delete;
    ~in_line() { session_.wait_for_room(id_, false); }

private:
    yamux::session& session_;
    yamux::stream_id id_;
};

constexpr int turns_of_an_answer = 4;

/// For a connection that is being closed, to send what was written.
constexpr clock::duration patience_with_the_last_words = std::chrono::seconds{10};
/// A write that takes longer is that of a peer that does not read; looked at with the keep-alive.
constexpr clock::duration longest_write = std::chrono::seconds{20};

}  // namespace

muxer::muxer(any_stream transport, peer remote_peer, role r, const connection_options& options,
             buffer unread, buffer unsent, muxer_agreement agreement, clock::time_point agreed_by)
    : remote(std::move(remote_peer)), own_role(r),
      agreed_early(agreement == muxer_agreement::early),
      lazy_negotiation(options.lazy_negotiation),
      negotiation_timeout(options.negotiation_timeout), transport_(std::move(transport)),
      session_(r, clock::now(), options.yamux), agreed_by_(agreed_by),
      unread_(std::move(unread)), leaving_(std::move(unsent)) {
    if (agreement != muxer_agreement::proposed) return;
    proposal_.emplace(muxer_protocols());
    buffer nothing;
    const auto begun = proposal_->advance(nothing, leaving_);
    copoll::detail::expects(begun.has_value(), "multistream: proposing");
}

// ---- Running

task<result<void>> muxer::run() {
    // the writer first: what is there to be said goes with what the handshake left
    auto [first, results] =
        co_await first_done(write_all_streams(), read_all_streams(), keep_time());
    const auto& [wrote, read, kept_time] = results;
    const std::array all{&wrote, &read, &kept_time};
    std::error_code stopped = *all[first] ? std::error_code{} : all[first]->error();
    // a peer that ends it has said all, and perhaps why, before it resets the connection
    if (first == 0 && stopped && stopped != copoll::errc::canceled) {
        const std::error_code heard = co_await hear_the_rest();
        if (heard == copoll::errc::eof) stopped = heard;
    }
    const std::error_code why = why_ended(stopped);
    end(why == copoll::errc::canceled ? make_error_code(copoll::errc::closed) : why);
    if (why != copoll::errc::canceled) co_await take_leave();
    transport_.reset();  // streams may live on
    if (why == copoll::errc::eof || why == copoll::errc::closed) co_return {};
    co_return fail(why);
}

std::error_code muxer::why_ended(std::error_code stopped) const noexcept {
    if (session_.error() == copoll::errc::closed || (closing_ && !stopped))
        return copoll::errc::closed;
    if (session_.error()) return session_.error();
    const bool cut_off = stopped == copoll::errc::eof && session_.expects_input();
    return cut_off ? make_error_code(errc::truncated) : stopped;
}

void muxer::end(std::error_code why) {
    session_.end(why);
    tell_waiters();
    for (event* e : {&room_, &incoming_, &openable_}) e->set();
}

task<std::error_code> muxer::hear_the_rest() {
    using namespace std::chrono_literals;
    const auto heard = co_await with_timeout(read_all_streams(), 250ms);
    co_return heard.error();  // reading does not end without one
}

/// What is still to be said: why the connection ends, if this side ends it.
task<void> muxer::take_leave() {
    collect_output();
    buffer last = std::move(leaving_);
    const bool in_order = session_.error() == copoll::errc::closed;
    co_await say_farewell(transport_, std::move(last), in_order ? in_good_order : in_a_hurry);
}

void muxer::close(go_away_code why) noexcept {
    if (!std::exchange(closing_, true)) leave_by_ = clock::now() + patience_with_the_last_words;
    session_.go_away(why);
    tell_waiters();
    work_.set();
    closed_.set();
}

task<result<void>> muxer::keep_time() {
    for (;;) {
        auto at = session_.deadline();
        if (proposal_) at = std::min(at, agreed_by_);
        if (closing_) at = std::min(at, leave_by_);
        if (!closing_) {
            const auto left = at == clock::time_point::max() ? clock::duration::max()
                                                             : at - clock::now();
            const auto closed = co_await with_timeout(closed_.wait(), left);
            if (closed) continue;
            if (closed.error() != copoll::errc::timed_out) co_return closed;
        } else {
            co_await check(sleep_until(at));
        }
        const auto now = clock::now();
        if (closing_ && now >= leave_by_) co_return {};
        if (writing_since_ && now - *writing_since_ >= longest_write)
            co_return fail(errc::ping_unanswered);
        if (proposal_ && now >= agreed_by_) co_return fail(copoll::errc::timed_out);
        co_await check(session_.check_time(now));
        tell_waiters();
        said_something();
    }
}

// ---- Writing

void muxer::said_something() noexcept {
    if (session_.has_output()) work_.set();
}

/// Whether there is something to be written.
bool muxer::collect_output() {
    buffer& out = session_.output(clock::now());
    if (leaving_.empty()) {
        leaving_.swap(out);
    } else {  // behind the proposal of the muxer
        leaving_.append(std::as_const(out).data());
        out.clear();
    }
    room_.set();
    heard_.set();
    return !leaving_.empty();
}

/// Ends when there is nothing more to come.
task<result<void>> muxer::write_all_streams() {
    work_.set();  // at the beginning, as the reader waits for it
    for (;;) {
        co_await check(work_.wait());
        // A stream that was opened is accepted, given to a task, negotiated and answered, each in a
        // turn of its own; all of that is one write.
        if (!session_.is_full()) co_await turns(turns_of_an_answer);
        work_.reset();
        while (collect_output()) {
            while (!leaving_.empty()) {
                writing_since_ = clock::now();
                const io_result r = co_await transport_.write_some(std::as_const(leaving_).data());
                writing_since_.reset();
                leaving_.consume(r.n);
                if (r.ec) co_return fail(r.ec);
            }
        }
        spare_buffers::give_back(leaving_);
        if (closing_) co_return {};
    }
}

// ---- Reading

task<result<void>> muxer::read_all_streams() {
    {
        const buffer early = std::exchange(unread_, {});
        co_await check(take_input(early.data()));
    }
    // reading would send what the handshake left, which is to go with what is said first
    co_await turns(turns_of_an_answer + 1);
    for (;;) {
        // what is sent makes room for answers, and pays for what was heard
        for (;;) {
            const auto at = session_.wants_input() ? session_.next_input()
                                                   : clock::time_point::max();
            if (at <= clock::now()) break;
            heard_.reset();
            const auto sent = co_await with_deadline(heard_.wait(), at);
            if (!sent && sent.error() != copoll::errc::timed_out) co_return fail(sent.error());
        }
        const auto got = co_await transport_.read_chunk();
        if (!got) co_return fail(got.error());
        co_await check(take_input(std::span<const std::byte>(*got)));
    }
}

result<void> muxer::take_input(std::span<const std::byte> bytes) {
    const auto taken = proposal_ ? take_answer(bytes) : session_.input(bytes, clock::now());
    tell_waiters();
    said_something();
    return taken;
}

/// The answer to the proposal of the muxer comes before all.
result<void> muxer::take_answer(std::span<const std::byte> bytes) {
    unread_.append(bytes);
    buffer nothing;
    const auto answered = proposal_->advance(unread_, nothing);
    if (!answered) return fail(answered.error());
    if (*answered == progress::needs_input) return {};
    proposal_.reset();
    const buffer rest = std::move(unread_);
    unread_ = buffer{};
    return session_.input(rest.data(), clock::now());
}

void muxer::tell_waiters() {
    while (const auto event = session_.next_event()) {
        const auto found = waiters_.find(event->stream);
        if (found == waiters_.end()) continue;
        if (event->readable) found->second.readable.set();
        if (event->writable) {
            found->second.writable.set();
            room_.set();  // it may wait there, and have been reset
        }
    }
    if (session_.has_unaccepted()) incoming_.set();
    openable_.set();
}

// ---- Streams

task<result<yamux::stream_id>> muxer::open() {
    for (;;) {
        const auto opened = session_.open();
        said_something();
        if (!opened) {
            openable_.set();  // others who wait can open nothing either
            co_return fail(opened.error());
        }
        if (*opened) co_return **opened;
        openable_.reset();
        co_await check(openable_.wait());
    }
}

/// What the peer opened before it ended the connection can still be accepted.
task<result<yamux::stream_id>> muxer::accept() {
    for (;;) {
        const std::error_code ended = session_.error();
        if (ended && !ended_by_peer()) co_return fail(ended);
        if (const auto accepted = session_.accept()) {
            said_something();
            co_return *accepted;
        }
        if (ended) co_return fail(ended);
        incoming_.reset();
        co_await check(incoming_.wait());
    }
}

io_result muxer::read(yamux::stream_id id, std::span<std::byte> into) {
    const io_result r = session_.read(id, into);
    said_something();
    return r;
}

/// The end of what a peer says is an end to reads alone.
std::error_code muxer::why_unsent(std::error_code ec) const noexcept {
    return ec == copoll::errc::eof ? make_error_code(copoll::errc::connection_reset) : ec;
}

/// Those who wait for room get it in turn: a stream that writes much must not keep the others out.
task<io_result> muxer::write_some(yamux::stream_id id, stream_waiters& w,
                                  std::span<const std::byte> bytes) {
    for (;;) {
        {
            const in_line waiting{session_, id};
            const auto turn = co_await writers_.lock();
            if (!turn) co_return io_result{turn.error(), 0};
            for (;;) {
                const io_result r = session_.write(id, bytes);
                said_something();
                if (r.ec) co_return io_result{why_unsent(r.ec), 0};
                if (r.n > 0 || bytes.empty()) co_return r;
                if (session_.send_window(id) == 0) break;
                room_.reset();
                const auto waited = co_await room_.wait();
                if (!waited) co_return io_result{waited.error(), 0};
            }
        }
        w.writable.reset();
        const auto waited = co_await w.writable.wait();
        if (!waited) {
            session_.stop_writing(id);
            co_return io_result{waited.error(), 0};
        }
    }
}

result<void> muxer::finish(yamux::stream_id id) noexcept {
    const auto finished = session_.finish(id);
    tell_waiters();
    said_something();
    if (!finished) return fail(why_unsent(finished.error()));
    return {};
}

void muxer::reset(yamux::stream_id id, reset_code why) noexcept {
    session_.reset(id, why);
    tell_waiters();
    said_something();
}

void muxer::release(yamux::stream_id id) noexcept {
    waiters_.erase(id);
    session_.release(id);
    openable_.set();
    said_something();
}

}  // namespace copoll::p2p::detail
