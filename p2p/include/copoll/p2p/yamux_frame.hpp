// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <copoll/p2p/error.hpp>

/// What Yamux says on the wire: headers of twelve bytes, and the bytes of streams behind some.
namespace copoll::p2p::yamux {

enum class frame_type : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };

enum frame_flags : std::uint16_t {
    flag_syn = 1,  ///< Opens a stream; of a ping: asks.
    flag_ack = 2,  ///< Accepts a stream; of a ping: answers.
    flag_fin = 4,  ///< No more comes on the stream.
    flag_rst = 8,  ///< Aborts the stream.
};

using stream_id = std::uint32_t;

/// Of frames that are about the connection.
constexpr stream_id session_id = 0;

struct frame_header {
    static constexpr std::size_t size = 12;

    frame_type type = frame_type::data;
    std::uint16_t flags = 0;
    stream_id stream = session_id;
    /// Of data: bytes that follow; of a window update: bytes that may be sent in addition, or with
    /// RST why (0 if not said); of a ping: any number; of go away: why.
    std::uint32_t length = 0;

    bool has(frame_flags f) const noexcept { return (flags & f) != 0; }

    std::array<std::byte, size> encode() const noexcept;
    /// *Errors:* `errc::malformed_frame` for another version or type, and for a ping, go away or
    /// stream frame with the wrong kind of stream id.
    static result<frame_header> decode(std::span<const std::byte, size> bytes) noexcept;

    friend bool operator==(const frame_header&, const frame_header&) = default;
};

/// Why a session ended; the first three are Yamux's, the others those that go-libp2p sends.
enum class go_away_code : std::uint32_t {
    normal = 0,
    protocol_error = 1,
    internal_error = 2,
    negotiation_failed = 0x1000,
    resource_limit = 0x1001,
    rate_limited = 0x1002,
    protocol_violation = 0x1003,
    supplanted = 0x1004,
    garbage_collected = 0x1005,
    shutdown = 0x1006,
    gated = 0x1007,
};

/// Why a stream was reset, as go-libp2p says it. Numbers from 0x10000 on are the application's.
enum class reset_code : std::uint32_t {
    none = 0,
    negotiation_failed = 0x1001,
    resource_limit = 0x1002,
    rate_limited = 0x1003,
    protocol_violation = 0x1004,
    supplanted = 0x1005,
    garbage_collected = 0x1006,
    shutdown = 0x1007,
    gated = 0x1008,
    out_of_range = 0x1009,
};

}  // namespace copoll::p2p::yamux
