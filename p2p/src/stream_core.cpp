// SPDX-License-Identifier: MIT OR Apache-2.0
#include "stream_core.hpp"

#include <algorithm>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/time.hpp>

namespace copoll::p2p::detail {

task<io_result> stream_core::read_some(std::span<std::byte> into) {
    if (proposal_) {
        const auto answered = co_await await_answer();
        if (!answered) co_return io_result{answered.error(), 0};
    }
    if (ahead_.empty()) co_return co_await read_raw(into);
    const auto data = std::as_const(ahead_).data();
    const std::size_t n = std::min(data.size(), into.size());
    std::ranges::copy(data.first(n), into.begin());
    ahead_.consume(n);
    if (ahead_.empty()) ahead_ = buffer{};
    co_return io_result{{}, n};
}

// js-libp2p resets a stream that is finished before it has answered the proposal, and rust-libp2p
// waits for the answer as well.
task<result<void>> stream_core::shutdown_write() {
    if (proposal_) co_await check(await_answer());
    co_return muxer_->finish(id_);
}

task<result<void>> stream_core::read_more(buffer& in) {
    const auto [ec, n] = co_await read_raw(in.prepare(multistream::longest_message));
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
            ahead_ = std::move(proposal_->in);
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
    ahead_ = std::move(in);
    co_return {};
}

}  // namespace copoll::p2p::detail
