// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <utility>

#include <copoll/clock.hpp>
#include <copoll/p2p/stream.hpp>
#include <copoll/task.hpp>

/// Whether a peer is there, and how far away (libp2p ping specification): 32 random bytes there and
/// back, again and again on one stream.

namespace copoll::p2p {

constexpr const char* ping_protocol = "/ipfs/ping/1.0.0";
constexpr std::size_t ping_size = 32;

/// The side that asks. Peers allow one such stream of each other peer.
class pinger {
public:
    /// On a stream that was opened for `ping_protocol`.
    explicit pinger(stream s) noexcept : stream_(std::move(s)) {}

    /// Gives the time of the round trip. One at a time; wait no longer than
    /// `with_timeout(p.ping(), 10s)`.
    /// *Errors:* `errc::wrong_answer` if other bytes come back; those of the stream,
    /// `copoll::errc::eof` if the peer answers no more. After an error, and a cancellation, the
    /// stream is reset.
    task<result<clock::duration>> ping();

    /// Says that no more pings come. *Errors:* those of `stream::shutdown_write`.
    task<result<void>> close() { return stream_.shutdown_write(); }

private:
    task<result<void>> exchange(std::span<const std::byte> there, std::span<std::byte> back);

    stream stream_;
};

/// The side that answers, on a stream whose protocol is agreed on: until the peer finishes it,
/// which is success. Nothing is read while an answer is not taken.
/// *Errors:* those of the stream; `errc::truncated` within a ping; `timed_out` if the peer takes
/// longer than `patience` to send a ping, or to take an answer. After an error, and a cancellation,
/// the stream is reset.
task<result<void>> answer_pings(stream s, clock::duration patience = std::chrono::minutes{1});

}  // namespace copoll::p2p
