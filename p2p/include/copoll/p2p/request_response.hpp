// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <copoll/check.hpp>
#include <copoll/clock.hpp>
#include <copoll/p2p/stream.hpp>
#include <copoll/task.hpp>
#include <copoll/time.hpp>

/// One request and its response on a stream of its own. The end of each is that of its direction,
/// so neither needs a length.

namespace copoll::p2p {

struct request_options {
    std::size_t max_response = 1024 * 1024;  ///< bytes
    /// For all of it: until the response has ended.
    clock::duration timeout = std::chrono::seconds{10};
};

/// Sends the request on a stream that was opened for it, and gives the response.
/// *Errors:* `copoll::errc::message_too_large`, `timed_out`; those of the stream, among them
/// `errc::protocol_not_supported`, and `errc::stream_reset` if the peer does not want to answer.
/// After an error, and a cancellation, the stream is reset.
/// *Lifetime:* the stream and `bytes`, until completion.
task<result<std::vector<std::byte>>> request(stream& s, std::span<const std::byte> bytes,
                                             request_options options = {});

struct answer_options {
    /// Bytes. Each stream that is being answered can hold as many, and twice as many while they
    /// come: with the 1,024 streams that a host serves by default that makes 128 MiB.
    std::size_t max_request = 64 * 1024;
    /// How long the request may take to come, and then the response to be taken.
    clock::duration timeout = std::chrono::seconds{10};
};

namespace detail {

/// All that comes until the peer finishes. *Errors:* `message_too_large`; the stream is reset then.
task<result<std::vector<std::byte>>> receive_message(stream& s, std::size_t most);
/// All of it, and the end.
task<result<void>> send_message(stream& s, std::span<const std::byte> message);

}  // namespace detail

/// The other side, on a stream whose protocol is agreed on: `handler(request)`, a task that is
/// given the bytes and gives `result<std::vector<std::byte>>`, makes the response.
/// *Errors:* `copoll::errc::message_too_large`, `timed_out`; those of the stream and the handler.
/// After an error, and a cancellation, the stream is reset.
template <class F>
    requires std::invocable<F&, std::vector<std::byte>>
task<result<void>> answer_request(stream s, F handler, answer_options options = {}) {
    auto asked = co_await check(
        with_timeout(detail::receive_message(s, options.max_request), options.timeout));
    const std::vector<std::byte> response =
        co_await check(std::invoke(handler, std::move(asked)));
    co_return co_await with_timeout(detail::send_message(s, response), options.timeout);
}

}  // namespace copoll::p2p
