// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Bytes as text (multiformats/multibase).
namespace copoll::p2p::multibase {

/// Longest text that is taken of the bases below, as they take time in its square.
constexpr std::size_t longest_number = 256;

/// Bytes as one large number in base 58 or 36. None for a character that is not of it, or a text
/// that is too long.
std::string encode_base58(std::span<const std::byte> bytes);
std::optional<std::vector<std::byte>> decode_base58(std::string_view text);
std::optional<std::vector<std::byte>> decode_base36(std::string_view text);

/// RFC 4648 §6 and §8 in lower case, without padding. Decoding takes either case, but not mixed,
/// and no bits left over that are not zero.
std::string encode_base32(std::span<const std::byte> bytes);
std::optional<std::vector<std::byte>> decode_base32(std::string_view text);
std::optional<std::vector<std::byte>> decode_base16(std::string_view text);
/// RFC 4648 §5, without padding.
std::string encode_base64url(std::span<const std::byte> bytes);
std::optional<std::vector<std::byte>> decode_base64url(std::string_view text);

/// With the prefix that says which of the above it is: z, k, b, B, f, F, u.
std::optional<std::vector<std::byte>> decode(std::string_view text);

}  // namespace copoll::p2p::multibase
