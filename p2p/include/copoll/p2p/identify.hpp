// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/key.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/p2p/stream.hpp>
#include <copoll/task.hpp>

/// What peers tell each other of themselves (libp2p identify specification): asked for once on each
/// connection, and sent again, as a push, when it has changed.

namespace copoll::p2p {

constexpr const char* identify_protocol = "/ipfs/id/1.0.0";
constexpr const char* identify_push_protocol = "/ipfs/id/push/1.0.0";

/// What a peer says of itself. Any of it may be missing: no key, nothing in a list, an empty text.
/// Texts are the peer's, and may hold any bytes; its protocols can be proposed.
struct identify_message {
    std::optional<public_key> key{};
    std::vector<multiaddr> listen_addresses{};
    std::vector<std::string> protocols{};
    std::optional<multiaddr> observed_address{};  ///< of the one it is told to, as the peer sees it
    std::string protocol_version{};
    std::string agent_version{};             ///< "go-libp2p/0.49.0"
    std::vector<std::byte> signed_record{};  ///< an envelope: see `open_record`

    friend bool operator==(const identify_message&, const identify_message&) = default;
};

/// What is taken of a peer; more is `copoll::errc::message_too_large`.
struct identify_limits {
    std::size_t message_size = 8 * 1024;
    std::size_t messages = 10;      ///< on one stream
    std::size_t protocols = 256;    ///< of all of them, as the next one
    std::size_t addresses = 512;
    std::size_t text_size = 256;    ///< of a protocol or version, in bytes
};

/// rust-libp2p takes no message that is longer.
constexpr std::size_t most_identify_sent = 4 * 1024;

/// The protobuf message, of at most `most_identify_sent` bytes. If that is too little for all the
/// record is left out first, then addresses from the last one on, then protocols.
std::vector<std::byte> encode(const identify_message& message);

/// Puts together what a peer says on one stream: messages with their lengths before them, of which
/// each adds to the lists and replaces the rest. No I/O.
class identify_decoder {
public:
    explicit identify_decoder(identify_limits limits = {}) noexcept : limits_(limits) {}

    /// Takes what came, in pieces as it came. Addresses of unknown kinds, malformed ones, and
    /// protocols that cannot be proposed (`multistream::is_protocol`) are skipped.
    /// *Errors:* `copoll::errc::message_too_large`, as soon as a length says so;
    /// `errc::malformed_varint`, `malformed_message`, `malformed_key`, `unsupported_key`. Nothing
    /// may follow an error.
    result<void> input(std::span<const std::byte> bytes);

    /// When the stream has ended. *Errors:* `errc::truncated` within a message, or before the
    /// first one.
    result<identify_message> finish();

private:
    result<bool> take_one();
    result<void> take(std::span<const std::byte> message);
    result<void> take_key(std::span<const std::byte> key);
    result<void> take_protocol(std::span<const std::byte> protocol);
    result<void> take_listen_address(std::span<const std::byte> address);
    result<void> take_text(std::string& to, std::span<const std::byte> text);

    identify_limits limits_;
    buffer unread_;
    std::size_t messages_ = 0;
    std::size_t addresses_ = 0;  ///< with those that were skipped
    std::size_t protocols_ = 0;  ///< the same
    identify_message said_{};
};

/// Whether the key in the message, if one is there, is that which the peer has proved on its
/// connection. *Errors:* `errc::bad_identity`.
result<void> check_identity(const identify_message& message, const public_key& remote);

/// Puts what a push says in place of what was known; what it does not mention stays.
void apply_push(identify_message& known, identify_message push);

/// Tells it, and finishes the stream. *Errors:* those of the stream, among them
/// `errc::protocol_not_supported` from one that was opened for a push. *Cancellation:* the stream
/// can only be destroyed. *Lifetime:* both, until completion.
task<result<void>> send_identify(stream& to, const identify_message& message);

/// What the peer tells until it finishes the stream, which is then finished here too, if the
/// connection has not ended meanwhile. A peer may take its time: await it `with_timeout`.
/// *Errors:* those of the stream; those of `identify_decoder`, for which the stream is reset.
/// *Cancellation:* the stream can only be destroyed. *Lifetime:* the stream, until completion.
task<result<identify_message>> receive_identify(stream& from, identify_limits limits = {});

}  // namespace copoll::p2p
