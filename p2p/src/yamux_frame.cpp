// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/yamux_frame.hpp>

namespace copoll::p2p::yamux {
namespace {

constexpr std::byte version{0};

std::uint32_t big_endian(std::span<const std::byte> bytes) noexcept {
    std::uint32_t value = 0;
    for (const std::byte b : bytes) value = value << 8 | std::to_integer<std::uint32_t>(b);
    return value;
}

void put_big_endian(std::uint32_t value, std::span<std::byte> into) noexcept {
    for (std::size_t i = into.size(); i-- > 0; value >>= 8) into[i] = static_cast<std::byte>(value);
}

}  // namespace

std::array<std::byte, frame_header::size> frame_header::encode() const noexcept {
    std::array<std::byte, size> bytes;
    const std::span all{bytes};
    bytes[0] = version;
    bytes[1] = static_cast<std::byte>(type);
    put_big_endian(flags, all.subspan(2, 2));
    put_big_endian(stream, all.subspan(4, 4));
    put_big_endian(length, all.subspan(8, 4));
    return bytes;
}

result<frame_header> frame_header::decode(std::span<const std::byte, size> bytes) noexcept {
    const frame_header h{static_cast<frame_type>(bytes[1]),
                         static_cast<std::uint16_t>(big_endian(bytes.subspan(2, 2))),
                         big_endian(bytes.subspan(4, 4)), big_endian(bytes.subspan(8, 4))};
    if (bytes[0] != version || h.type > frame_type::go_away) return fail(errc::malformed_frame);
    const bool of_session = h.type == frame_type::ping || h.type == frame_type::go_away;
    if (of_session != (h.stream == session_id)) return fail(errc::malformed_frame);
    return h;
}

}  // namespace copoll::p2p::yamux
