// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include <copoll/clock.hpp>
#include <copoll/p2p/stream.hpp>
#include <copoll/task.hpp>

/// How fast bytes go to a peer and come from it (libp2p perf specification). Whoever may open such
/// a stream can have as much sent as he likes, so it is offered only where that is wanted.

namespace copoll::p2p {

constexpr const char* perf_protocol = "/perf/1.0.0";

struct perf_result {
    std::uint64_t sent = 0;      ///< bytes
    std::uint64_t received = 0;  ///< bytes
    /// From the first byte that was sent until the peer, which has read all then, answers.
    clock::duration upload{};
    /// From there to the end.
    clock::duration download{};
};

/// Sends `upload` bytes, then has the peer send `download` bytes, on a stream that was opened for
/// it. `progress`, if given, is called with what there is so far after each piece.
/// *Errors:* those of the stream; `errc::truncated` if the peer sends less, `errc::wrong_answer` if
/// it sends more. After an error, and a cancellation, the stream is reset.
task<result<perf_result>> measure(stream s, std::uint64_t upload, std::uint64_t download,
                                  std::function<void(const perf_result&)> progress = {});

/// The side that is measured, on a stream whose protocol is agreed on. Takes the same memory
/// however much is sent or asked for, and next to none while nothing comes.
/// *Errors:* those of the stream, `errc::stream_reset` if the peer goes away; `errc::truncated`.
/// After an error, and a cancellation, the stream is reset.
task<result<void>> answer_perf(stream s);

}  // namespace copoll::p2p
