// SPDX-License-Identifier: MIT OR Apache-2.0
#include "multibase.hpp"

#include <algorithm>
#include <cstdint>

namespace copoll::p2p::multibase {
namespace {

constexpr std::string_view base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view base36 = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view base32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view base16 = "0123456789abcdef";
constexpr std::string_view base64url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using bytes = std::vector<std::byte>;

/// A large number in another base, both with the highest digit first. Zeros at the front stay.
template <class To, class From, class Digit>
std::vector<To> convert(const From& from, unsigned from_base, unsigned to_base, Digit digit_of) {
    std::vector<To> number;  // the lowest first
    std::size_t zeros = 0;
    bool leading = true;
    for (const auto c : from) {
        unsigned carry = digit_of(c);
        leading = leading && carry == 0;
        zeros += leading;
        for (To& n : number) {
            carry += static_cast<unsigned>(n) * from_base;
            n = static_cast<To>(carry % to_base);
            carry /= to_base;
        }
        for (; carry > 0; carry /= to_base) number.push_back(static_cast<To>(carry % to_base));
    }
    number.insert(number.end(), zeros, To{});
    std::ranges::reverse(number);
    return number;
}

std::optional<bytes> decode_number(std::string_view text, std::string_view digits) {
    if (text.size() > longest_number) return std::nullopt;
    if (text.find_first_not_of(digits) != text.npos) return std::nullopt;
    return convert<std::byte>(text, static_cast<unsigned>(digits.size()), 256, [&](char c) {
        return static_cast<unsigned>(digits.find(c));
    });
}

std::string encode_bits(std::span<const std::byte> from, std::string_view digits, unsigned width) {
    std::string text;
    unsigned held = 0, count = 0;
    for (const std::byte b : from) {
        held = (held << 8 | std::to_integer<unsigned>(b)) & 0xffff;
        for (count += 8; count >= width; count -= width)
            text += digits[held >> (count - width) & ((1u << width) - 1)];
    }
    if (count > 0) text += digits[held << (width - count) & ((1u << width) - 1)];
    return text;
}

std::optional<bytes> decode_bits(std::string_view text, std::string_view digits, unsigned width) {
    bytes made;
    unsigned held = 0, count = 0;
    for (const char c : text) {
        const auto digit = digits.find(c);
        if (digit == digits.npos) return std::nullopt;
        held = (held << width | static_cast<unsigned>(digit)) & 0xffff;
        count += width;
        if (count < 8) continue;
        count -= 8;
        made.push_back(static_cast<std::byte>(held >> count));
    }
    const bool whole = count < width && (held & ((1u << count) - 1)) == 0;
    return whole ? std::optional(std::move(made)) : std::nullopt;
}

/// In lower case; none if there are letters of both.
std::optional<std::string> one_case(std::string_view text) {
    const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (std::ranges::any_of(text, lower) && std::ranges::any_of(text, upper)) return std::nullopt;
    std::string made{text};
    for (char& c : made)
        if (upper(c)) c = static_cast<char>(c - 'A' + 'a');
    return made;
}

}  // namespace

std::string encode_base58(std::span<const std::byte> from) {
    std::string text;
    const auto value = [](std::byte b) { return std::to_integer<unsigned>(b); };
    for (const std::uint8_t digit : convert<std::uint8_t>(from, 256, 58, value))
        text += base58[digit];
    return text;
}
std::optional<bytes> decode_base58(std::string_view text) { return decode_number(text, base58); }
std::optional<bytes> decode_base36(std::string_view text) {
    const auto lower = one_case(text);
    return lower ? decode_number(*lower, base36) : std::nullopt;
}

std::string encode_base32(std::span<const std::byte> from) { return encode_bits(from, base32, 5); }
std::optional<bytes> decode_base32(std::string_view text) {
    const auto lower = one_case(text);
    return lower ? decode_bits(*lower, base32, 5) : std::nullopt;
}
std::optional<bytes> decode_base16(std::string_view text) {
    const auto lower = one_case(text);
    return lower ? decode_bits(*lower, base16, 4) : std::nullopt;
}
std::string encode_base64url(std::span<const std::byte> from) {
    return encode_bits(from, base64url, 6);
}
std::optional<bytes> decode_base64url(std::string_view text) {
    return decode_bits(text, base64url, 6);
}

std::optional<bytes> decode(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const std::string_view rest = text.substr(1);
    switch (text.front()) {
        case 'z': return decode_base58(rest);
        case 'k':
        case 'K': return decode_base36(rest);
        case 'b':
        case 'B': return decode_base32(rest);
        case 'f':
        case 'F': return decode_base16(rest);
        case 'u': return decode_base64url(rest);
        default: return std::nullopt;
    }
}

}  // namespace copoll::p2p::multibase
