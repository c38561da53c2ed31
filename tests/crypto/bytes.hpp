// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <span>
#include <string_view>
#include <vector>

/// Bytes that a failing check prints in hexadecimal.
struct bytes : std::vector<std::byte> {
    using vector::vector;
    bytes(std::span<const std::byte> from) : vector(from.begin(), from.end()) {}

    const unsigned char* raw() const {
        return reinterpret_cast<const unsigned char*>(data());
    }
    unsigned char* raw() { return reinterpret_cast<unsigned char*>(data()); }

    friend std::ostream& operator<<(std::ostream& out, const bytes& b) {
        constexpr std::string_view digits = "0123456789abcdef";
        for (const std::byte one : b) {
            out << digits[std::to_integer<unsigned>(one) >> 4]
                << digits[std::to_integer<unsigned>(one) & 15];
        }
        return out;
    }
};

inline bytes from_hex(std::string_view text) {
    const auto digit = [](char c) {
        return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    };
    bytes made;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        made.push_back(static_cast<std::byte>(digit(text[i]) << 4 | digit(text[i + 1])));
    }
    return made;
}

inline bytes from_text(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Its first `N` bytes. Precondition: it has them.
template <std::size_t N>
std::span<const std::byte, N> first(const bytes& b) {
    return std::span(b).template first<N>();
}
