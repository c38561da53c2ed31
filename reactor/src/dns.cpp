// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/dns.hpp>

#include <algorithm>
#include <cstddef>

namespace copoll::detail {
namespace {

// RFC 1035 section 2.3.4, as text
constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_label = 63;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_hex_digit(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

constexpr bool is_of_a_label(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/// As inet_aton would take it, which resolvers try first: decimal, octal, or hexadecimal.
bool is_number(std::string_view label) noexcept {
    if (label.starts_with("0x") || label.starts_with("0X"))
        return std::ranges::all_of(label.substr(2), is_hex_digit);
    return std::ranges::all_of(label, is_digit);
}

bool is_name(std::string_view name) noexcept {
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.size() > longest_name) return false;
    for (;;) {
        const std::size_t dot = name.find('.');
        const std::string_view label = name.substr(0, dot);
        if (label.empty() || label.size() > longest_label) return false;
        if (!std::ranges::all_of(label, is_of_a_label)) return false;
        if (dot == name.npos) return !is_number(label);
        name.remove_prefix(dot + 1);
    }
}

}  // namespace

std::optional<result<std::vector<ip::address>>> resolve_at_once(std::string_view name) {
    if (const auto literal = ip::address::parse(name)) return std::vector{*literal};
    if (!is_name(name)) return fail(errc::invalid_argument);
    return std::nullopt;
}

}  // namespace copoll::detail
