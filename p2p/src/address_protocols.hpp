// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <copoll/p2p/multiaddr.hpp>

/// What each protocol of an address has for a value, in bytes and in text.
namespace copoll::p2p::detail {

enum class value_kind : std::uint8_t {
    none,
    ip4,
    ip6,
    number,       ///< big-endian, of a fixed size
    text,         ///< not empty, and without slash
    escaped,      ///< in text with percent signs for what a text must not hold
    path,         ///< all that follows, slashes included
    peer,
    certificate_hash,  ///< a multihash
};

struct address_protocol {
    protocol_code code;
    std::string_view name;
    value_kind kind = value_kind::none;
    std::size_t size = 0;  ///< of the value; 0 if it has a length in front, or there is none

    bool has_length() const noexcept { return kind >= value_kind::text; }
};

/// Null if there is none.
const address_protocol* find_protocol(std::uint64_t code) noexcept;
const address_protocol* find_protocol(std::string_view name) noexcept;

std::optional<std::vector<std::byte>> value_from_text(const address_protocol& of,
                                                      std::string_view text);
std::string value_to_text(const address_protocol& of, std::span<const std::byte> value);
bool is_value(const address_protocol& of, std::span<const std::byte> value);

}  // namespace copoll::p2p::detail
