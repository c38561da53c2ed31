// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <system_error>
#include <type_traits>

#include <copoll/result.hpp>

namespace copoll::p2p {

/// What went wrong in libp2p's protocols. All but the last three is the peer's doing, or that of
/// whoever wrote a text. Errors of the transport, `copoll::errc::canceled` and `timed_out` pass
/// through as they are.
enum class errc {
    // Values and their encodings.
    malformed_varint = 1,    ///< Longer than it need be, or over 63 bits.
    malformed_message,       ///< Not a protobuf message of the expected kind.
    malformed_key,           ///< Not a key in its documented form.
    unsupported_key,         ///< A key of a kind or size that is not taken.
    bad_signature,           ///< Not made by the holder of the key.
    malformed_peer_id,       ///< Neither a peer id nor a text of one.
    malformed_multiaddr,     ///< Not a multiaddr in text or binary.
    // Agreeing on a protocol.
    malformed_negotiation,   ///< Against the grammar of multistream-select.
    protocol_not_supported,  ///< The peer speaks none of the protocols that were asked for.
    too_many_proposals,      ///< The peer goes on proposing what is not spoken here.
    no_common_muxer,         ///< Both sides named their muxers, and have none in common.
    // Securing a connection.
    malformed_handshake,     ///< Against the grammar of the Noise handshake.
    bad_handshake,           ///< A handshake message that does not decrypt.
    bad_identity,            ///< The peer does not hold the key that it claims.
    wrong_peer,              ///< The peer is somebody else than the one that was expected.
    bad_record,              ///< A record that does not decrypt: damaged, replayed or reordered.
    truncated,               ///< The transport ended within a message: bytes may be missing.
    // Protocols on a stream.
    wrong_answer,            ///< The peer answered with other bytes than those that were asked for.
    // Connections to peers.
    unknown_peer,            ///< No address is known of the peer.
    too_many_connections,    ///< As many connections are open as may be.
    // Streams on a connection.
    malformed_frame,         ///< Against the grammar of Yamux.
    illegal_frame,           ///< A Yamux frame that may not come now.
    window_exceeded,         ///< The peer sent more than it was allowed to.
    too_much_work,           ///< The peer makes this side work without progress.
    ping_unanswered,         ///< The peer did not answer in time.
    closed_by_peer,          ///< The peer ended the connection because of an error.
    going_away,              ///< One side opens and takes no new streams any more.
    too_many_streams,        ///< As many streams are open as may be.
    stream_reset,            ///< The peer, or this side, aborted the stream.
};

const std::error_category& category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), category()};
}

}  // namespace copoll::p2p

template <>
struct std::is_error_code_enum<copoll::p2p::errc> : std::true_type {};
