// SPDX-License-Identifier: MIT OR Apache-2.0
#include "stream_core.hpp"

#include <algorithm>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/loop.hpp>
#include <copoll/time.hpp>

namespace copoll::p2p::detail {

/// What is there; n == 0 without an error: nothing.
io_result stream_core::take(std::span<std::byte> into) {
    if (ahead_.empty()) return muxer_->read(id_, into);
    const auto data = std::as_const(ahead_).data();
    const std::size_t n = std::min(data.size(), into.size());
    std::ranges::copy(data.first(n), into.begin());
    ahead_.consume(n);
    if (ahead_.empty()) ahead_ = buffer{};
    return {{}, n};
}

task<io_result> stream_core::read_behind_answer(std::span<std::byte> into) {
    const auto answered = co_await await_answer();
    if (!answered) co_return io_result{answered.error(), 0};
    co_return co_await read_taken(into);
}

/// Reads without looking at the proposal.
task<io_result> stream_core::read_taken(std::span<std::byte> into) {
    for (;;) {
        const io_result r = take(into);
        if (r.n > 0 || r.ec || into.empty()) co_return r;
        waiters_.readable.reset();
        const auto waited = co_await waiters_.readable.wait();
        if (!waited) {
            muxer_->stop_reading(id_);
            co_return io_result{waited.error(), 0};
        }
    }
}

task<result<chunk>> stream_core::read_chunk() {
    const env& here = co_await this_env{};
    if (proposal_) co_await check(await_answer());
    const auto try_read = [this](std::span<std::byte> into, io_result& r) {
        r = take(into);
        return r.n > 0 || r.ec;
    };
    result<chunk> got;
    while (!copoll::detail::fill_chunk(here.owner->chunks(), got, try_read)) {
        waiters_.readable.reset();
        const auto waited = co_await waiters_.readable.wait();
        if (!waited) {
            muxer_->stop_reading(id_);
            co_return fail(waited.error());
        }
    }
    co_return std::move(got);
}

// js-libp2p resets a stream that is finished before it has answered the proposal, and rust-libp2p
// waits for the answer as well.
task<result<void>> stream_core::shutdown_write() {
    if (proposal_) co_await check(await_answer());
    co_return muxer_->finish(id_);
}

task<result<void>> stream_core::read_more(buffer& in) {
    const auto [ec, n] = co_await read_taken(in.prepare(multistream::longest_message));
    if (ec == copoll::errc::eof) co_return fail(errc::truncated);
    if (ec) co_return fail(ec);
    in.commit(n);
    co_return {};
}

task<result<void>> stream_core::write_out(buffer& out) {
    while (!out.empty()) {
        const io_result r = co_await write_some(std::as_const(out).data());
        out.consume(r.n);
        if (r.ec) co_return fail(r.ec);
    }
    co_return {};
}

task<result<void>> stream_core::propose(std::vector<std::string> protocols) {
    multistream::dialer engine{std::move(protocols)};
    const auto answer_by = copoll::detail::after(clock::now(), muxer_->negotiation_timeout);
    proposal_ = std::make_unique<proposal>(std::move(engine), answer_by);
    protocol_ = proposal_->engine.protocol();
    buffer nothing, out;
    co_await check(proposal_->engine.advance(nothing, out));
    co_return co_await with_deadline(write_out(out), answer_by);
}

task<result<void>> stream_core::await_answer() {
    while (answer_awaited_) {
        answered_.reset();
        co_await check(answered_.wait());
    }
    if (refused_) co_return fail(refused_);
    if (!proposal_) co_return {};
    answer_awaited_ = true;
    const auto read = co_await with_deadline(read_answer(), proposal_->answer_by);
    if (!read && read.error() == copoll::errc::timed_out) refuse(read.error());
    answer_awaited_ = false;
    answered_.set();
    co_return read;
}

void stream_core::refuse(std::error_code why) noexcept {
    refused_ = why;
    reset(reset_code::negotiation_failed);
}

task<result<void>> stream_core::read_answer() {
    while (proposal_) {
        buffer out;
        const auto advanced = proposal_->engine.advance(proposal_->in, out);
        if (!advanced) {
            refuse(advanced.error());
            co_return fail(advanced.error());
        }
        protocol_ = proposal_->engine.protocol();
        if (*advanced == progress::complete) {
            if (!proposal_->in.empty()) ahead_ = std::move(proposal_->in);
            proposal_.reset();
            break;
        }
        co_await check(write_out(out));
        const auto more = co_await read_more(proposal_->in);
        // what followed the proposal can make the peer say so by a reset
        if (!more && reset_by_peer() == reset_code::negotiation_failed)
            refused_ = errc::protocol_not_supported;
        if (!more) co_return fail(refused_ ? refused_ : more.error());
    }
    co_return {};
}

task<result<void>> stream_core::negotiate(std::span<const std::string> protocols) {
    const auto agreed = co_await with_timeout(answer(protocols), muxer_->negotiation_timeout);
    if (!agreed && agreed.error() == copoll::errc::timed_out)
        reset(reset_code::negotiation_failed);
    co_return agreed;
}

task<result<void>> stream_core::answer(std::span<const std::string> protocols) {
    multistream::listener engine{protocols};
    buffer in, out;
    for (;;) {
        const auto advanced = engine.advance(in, out);
        const bool complete = advanced && *advanced == progress::complete;
        const auto written = co_await write_out(out);
        // a peer that has said all and closed the connection need not hear the answer
        if (!written && !(complete && muxer_->ended_by_peer())) co_return written;
        if (!advanced) {
            reset(reset_code::negotiation_failed);
            co_return fail(advanced.error());
        }
        if (complete) break;
        co_await check(read_more(in));
    }
    protocol_ = engine.protocol();
    if (!in.empty()) ahead_ = std::move(in);
    co_return {};
}

}  // namespace copoll::p2p::detail
