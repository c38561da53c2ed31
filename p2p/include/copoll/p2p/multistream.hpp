// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/engine.hpp>
#include <copoll/p2p/error.hpp>

/// multistream-select 1.0: agreeing on the protocol that follows, on a connection or a stream
/// (libp2p connections specification, "Protocol Negotiation"). Without I/O.
namespace copoll::p2p::multistream {

/// Bytes of one message, with its line feed. Longer ones, though others may send them, end it.
constexpr std::size_t longest_message = 1024;

/// Longest protocol id.
constexpr std::size_t longest_protocol = longest_message - 1;

/// Whether `id` can be proposed: it is not empty, has at most `longest_protocol` bytes, no line
/// feed, and is not one of the answers and questions of the negotiation itself (`na`, `ls`).
bool is_protocol(std::string_view id) noexcept;

/// The side that proposes, in its order of preference.
///
/// With one protocol to propose it need not wait: once `advance` has run, what follows may be
/// appended to `out` and sent along, and the first bytes that come in tell whether it was taken.
/// That saves a round trip. Two such negotiations must not follow each other with nothing between.
class dialer {
public:
    /// Precondition: at least one, and each `is_protocol`.
    explicit dialer(std::vector<std::string> protocols);

    /// See engine.hpp. *Errors:* `errc::protocol_not_supported` if the peer takes none;
    /// `errc::malformed_negotiation`.
    result<progress> advance(buffer& in, buffer& out);

    /// The one that was agreed on, or is being proposed.
    const std::string& protocol() const noexcept { return protocols_[proposed_]; }

private:
    std::vector<std::string> protocols_;
    std::size_t proposed_ = 0;
    bool started_ = false;
    bool has_header_ = false;
    bool complete_ = false;
};

/// The side that is asked. Answers what it does not know with `na`, and `ls` with what it knows.
class listener {
public:
    /// So many proposals may fail.
    static constexpr std::size_t most_refused = 32;

    /// *Lifetime:* `protocols`, until it is complete.
    explicit listener(std::span<const std::string> protocols) noexcept : protocols_(protocols) {}

    /// See engine.hpp. *Errors:* `errc::malformed_negotiation`; `errc::too_many_proposals`.
    result<progress> advance(buffer& in, buffer& out);

    /// Precondition: complete.
    const std::string& protocol() const noexcept { return *chosen_; }

private:
    result<void> answer(std::string_view message, buffer& out);

    std::span<const std::string> protocols_;
    const std::string* chosen_ = nullptr;
    std::size_t refused_ = 0;
    bool has_header_ = false;
};

}  // namespace copoll::p2p::multistream
