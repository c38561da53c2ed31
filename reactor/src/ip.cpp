// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/ip.hpp>

#include <algorithm>
#include <limits>
#include <optional>

namespace copoll::ip {
namespace {

constexpr std::size_t groups_in_v6 = 8;

/// Reads a text from its front. A function that says no may have read some of it: the parsers
/// give up then, none goes back.
class scanner {
public:
    explicit scanner(std::string_view text) noexcept : rest_(text) {}

    bool at_end() const noexcept { return rest_.empty(); }
    std::string_view rest() const noexcept { return rest_; }

    bool skip(std::string_view prefix) noexcept {
        if (!rest_.starts_with(prefix)) return false;
        rest_.remove_prefix(prefix.size());
        return true;
    }

    /// A decimal number without sign or leading zeros.
    std::optional<std::uint32_t> decimal(std::uint32_t max) noexcept {
        std::uint64_t value = 0;
        std::size_t digits = 0;
        while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') {
            value = value * 10 + static_cast<std::uint64_t>(rest_[digits++] - '0');
            if (value > max) return std::nullopt;
        }
        if (digits == 0 || (digits > 1 && rest_[0] == '0')) return std::nullopt;
        rest_.remove_prefix(digits);
        return static_cast<std::uint32_t>(value);
    }

    /// One to four hexadecimal digits; stops before a fifth.
    std::optional<std::uint16_t> group() noexcept {
        std::uint32_t value = 0;
        std::size_t digits = 0;
        while (digits < 4 && digits < rest_.size()) {
            const int digit = hex_digit(rest_[digits]);
            if (digit < 0) break;
            value = value * 16 + static_cast<std::uint32_t>(digit);
            ++digits;
        }
        if (digits == 0) return std::nullopt;
        rest_.remove_prefix(digits);
        return static_cast<std::uint16_t>(value);
    }

private:
    static int hex_digit(char c) noexcept {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    }

    std::string_view rest_;
};

std::optional<address::v4_bytes> scan_v4(scanner& in) noexcept {
    address::v4_bytes bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0 && !in.skip(".")) return std::nullopt;
        const auto octet = in.decimal(255);
        if (!octet) return std::nullopt;
        bytes[i] = static_cast<std::uint8_t>(*octet);
    }
    return bytes;
}

std::optional<address::v6_bytes> scan_v6(scanner& in) noexcept {
    address::v6_bytes bytes{};
    std::size_t size = 0;
    std::optional<std::size_t> gap;  // where "::" stands
    if (in.skip("::")) gap = 0;
    while (size < bytes.size()) {
        if (bytes.size() - size >= 4) {
            scanner dotted = in;
            if (const auto v4 = scan_v4(dotted)) {
                in = dotted;
                std::ranges::copy(*v4, bytes.begin() + static_cast<std::ptrdiff_t>(size));
                size += v4->size();
                break;
            }
        }
        const auto group = in.group();
        if (!group) {
            if (gap == size) break;  // "::" may be the end
            return std::nullopt;
        }
        bytes[size++] = static_cast<std::uint8_t>(*group >> 8);
        bytes[size++] = static_cast<std::uint8_t>(*group & 0xff);
        if (in.skip("::")) {
            if (gap) return std::nullopt;
            gap = size;
        } else if (size == bytes.size() || !in.skip(":")) {
            break;
        }
    }
    if (!gap) {
        if (size != bytes.size()) return std::nullopt;
        return bytes;
    }
    if (size == bytes.size()) return std::nullopt;  // "::" stands for one group at least
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(*gap);
    const auto to = bytes.begin() + static_cast<std::ptrdiff_t>(size);
    std::fill(std::copy_backward(from, to, bytes.end()) - (0), bytes.end(), std::uint8_t{0});
    return bytes;
}

}  // namespace
}  // namespace copoll::ip
