// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>

/// Records as they are on the wire (RFC 8446 §5.1).

namespace copoll::tls::detail {

inline constexpr std::byte change_cipher_type{20};
inline constexpr std::byte alert_type{21};
inline constexpr std::byte handshake_type{22};

/// Bytes of plaintext that a record carries at most.
inline constexpr std::size_t most_plaintext = 16384;
/// Of a record beyond its plaintext, at most: header, explicit nonce or type, tag.
inline constexpr std::size_t record_overhead = 32;

/// An alert in the clear has this size.
inline constexpr std::size_t alert_record_size = 7;
inline constexpr std::array change_cipher_record{change_cipher_type, std::byte{3}, std::byte{3},
                                                 std::byte{0},       std::byte{1}, std::byte{1}};

}  // namespace copoll::tls::detail
