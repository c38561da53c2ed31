// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/error.hpp>

#include <string>

namespace copoll::p2p {
namespace {

const char* text(errc e) noexcept {
    switch (e) {
        case errc::malformed_varint: return "malformed variable-length integer";
        case errc::malformed_message: return "malformed protobuf message";
        case errc::malformed_key: return "malformed key";
        case errc::unsupported_key: return "unsupported kind of key";
        case errc::bad_signature: return "bad signature";
        case errc::malformed_peer_id: return "malformed peer id";
        case errc::malformed_multiaddr: return "malformed multiaddr";
        case errc::malformed_negotiation: return "malformed multistream-select message";
        case errc::protocol_not_supported: return "the peer supports none of the protocols";
        case errc::too_many_proposals: return "the peer proposes too many protocols";
        case errc::no_common_muxer: return "no stream multiplexer in common";
        case errc::malformed_handshake: return "malformed Noise handshake";
        case errc::bad_handshake: return "a Noise handshake message does not decrypt";
        case errc::bad_identity: return "the peer does not hold the key that it claims";
        case errc::wrong_peer: return "another peer than the expected one";
        case errc::bad_record: return "a Noise record does not decrypt";
        case errc::truncated: return "the connection ended within a message";
        case errc::wrong_answer: return "the peer answered with other bytes than were asked for";
        case errc::unknown_peer: return "no address of the peer is known";
        case errc::too_many_connections: return "too many connections";
        case errc::malformed_frame: return "malformed Yamux frame";
        case errc::illegal_frame: return "unexpected Yamux frame";
        case errc::window_exceeded: return "the peer sent more than the window allows";
        case errc::too_much_work: return "the peer asks for work without progress";
        case errc::ping_unanswered: return "the peer did not answer a ping";
        case errc::closed_by_peer: return "the peer ended the connection for an error";
        case errc::going_away: return "the connection takes no new streams";
        case errc::too_many_streams: return "too many streams on the connection";
        case errc::stream_reset: return "the stream was reset";
    }
    return "unknown libp2p error";
}

class p2p_category final : public std::error_category {
public:
    constexpr p2p_category() noexcept = default;
    const char* name() const noexcept override { return "p2p"; }
    std::string message(int e) const override { return text(static_cast<errc>(e)); }
};

}  // namespace

const std::error_category& category() noexcept {
    static const p2p_category instance;
    return instance;
}

}  // namespace copoll::p2p
