// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// What the ceiling of scenario `p2p` and its load agree on: records as Noise has them, without the
/// handshake, under keys that both know.
namespace bench::sealed {

using key = std::array<std::byte, 32>;
inline constexpr key clients_key{std::byte{1}};
inline constexpr key servers_key{std::byte{2}};

inline constexpr std::size_t tag_size = 16;
inline constexpr std::size_t header_size = 2;
inline constexpr std::size_t overhead = header_size + tag_size;
inline constexpr std::size_t frame_size = 65536;  // the host takes that much at once
inline constexpr std::size_t most = frame_size - overhead;

/// The nonce of the n-th record of a key.
inline std::array<std::byte, 12> nonce(std::uint64_t n) noexcept {
    std::array<std::byte, 12> made{};
    for (unsigned i = 0; i < 8; ++i) made[4 + i] = static_cast<std::byte>(n >> (8 * i));
    return made;
}

}  // namespace bench::sealed
