// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <copoll/p2p/error.hpp>

/// Unsigned variable-length integers of multiformats: seven bits a byte, the lowest first, at most
/// 63 bits, and never longer than need be.
namespace copoll::p2p::varint {

constexpr std::size_t longest = 9;
constexpr std::uint64_t largest = (std::uint64_t{1} << 63) - 1;

/// The bytes of one.
class encoded {
public:
    /// Precondition: `value <= largest`.
    explicit encoded(std::uint64_t value) noexcept;
    std::span<const std::byte> bytes() const noexcept { return std::span(bytes_).first(size_); }
    std::size_t size() const noexcept { return size_; }

private:
    std::array<std::byte, longest> bytes_;
    std::size_t size_ = 0;
};

struct decoded {
    std::uint64_t value;
    std::size_t size;  ///< bytes that it takes
};

/// The integer at the front of `bytes`; none if more bytes are needed.
/// *Errors:* `errc::malformed_varint`, as soon as it is certain.
result<std::optional<decoded>> decode(std::span<const std::byte> bytes) noexcept;

}  // namespace copoll::p2p::varint
