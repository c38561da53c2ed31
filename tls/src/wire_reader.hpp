// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace copoll::tls::detail {

/// Reads the presentation language of TLS (RFC 8446 §3). After something that is not there it has
/// failed: it gives zeros and empty spans from then on, so one look at the end is enough.
class wire_reader {
public:
    explicit wire_reader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

    std::size_t size() const noexcept { return rest_.size(); }
    bool empty() const noexcept { return rest_.empty(); }
    bool failed() const noexcept { return failed_; }
    /// Nothing was missing, and nothing is left.
    bool done() const noexcept { return !failed_ && rest_.empty(); }
    void fail() noexcept {
        failed_ = true;
        rest_ = {};
    }

    std::span<const std::byte> take(std::size_t n) noexcept {
        if (n > rest_.size()) {
            fail();
            return {};
        }
        const auto taken = rest_.first(n);
        rest_ = rest_.subspan(n);
        return taken;
    }
    /// A number of `n` bytes, up to four.
    std::uint32_t number(std::size_t n) noexcept {
        std::uint32_t value = 0;
        for (const std::byte b : take(n)) value = value << 8 | std::to_integer<std::uint32_t>(b);
        return value;
    }
    std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u24() noexcept { return number(3); }

    /// A vector: its length in `length_size` bytes, which is at least `least`, and its content.
    std::span<const std::byte> vector(std::size_t length_size, std::size_t least = 0) noexcept {
        const std::size_t length = number(length_size);
        if (length < least) fail();
        return take(failed_ ? 0 : length);
    }

private:
    std::span<const std::byte> rest_;
    bool failed_ = false;
};

}  // namespace copoll::tls::detail
