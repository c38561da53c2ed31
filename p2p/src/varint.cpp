// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/varint.hpp>

#include <copoll/detail/assert.hpp>

namespace copoll::p2p::varint {

encoded::encoded(std::uint64_t value) noexcept {
    copoll::detail::expects(value <= largest, "varint: more than 63 bits");
    for (; value >= 0x80; value >>= 7) bytes_[size_++] = static_cast<std::byte>(value | 0x80);
    bytes_[size_++] = static_cast<std::byte>(value);
}

result<std::optional<decoded>> decode(std::span<const std::byte> bytes) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size() && i < longest; ++i) {
        const auto b = std::to_integer<std::uint64_t>(bytes[i]);
        value |= (b & 0x7f) << (7 * i);
        if (b >= 0x80) continue;
        if (b == 0 && i > 0) return fail(errc::malformed_varint);
        return decoded{value, i + 1};
    }
    if (bytes.size() >= longest) return fail(errc::malformed_varint);
    return std::nullopt;
}

}  // namespace copoll::p2p::varint
