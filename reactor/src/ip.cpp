// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/ip.hpp>

#include <algorithm>
#include <limits>
#include <optional>

namespace copoll::ip {
namespace {

/// Reads a text from its front. A function that says no may have read some of it: the parsers
/// give up then, none goes back.
class scanner {
public:
    explicit scanner(std::string_view text) noexcept : rest_(text) {}

    bool at_end() const noexcept { return rest_.empty(); }

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
    // What was read behind the gap belongs at the end; the bytes not read yet are zero.
    std::rotate(bytes.begin() + static_cast<std::ptrdiff_t>(*gap),
                bytes.begin() + static_cast<std::ptrdiff_t>(size), bytes.end());
    return bytes;
}

std::optional<address> scan_v6_with_zone(scanner& in) noexcept {
    const auto bytes = scan_v6(in);
    if (!bytes) return std::nullopt;
    if (!in.skip("%")) return address{*bytes};
    const auto zone = in.decimal(std::numeric_limits<std::uint32_t>::max());
    if (!zone) return std::nullopt;
    return address{*bytes, *zone};
}

/// The IPv4 address in an IPv4-mapped one; an IPv4 address itself.
std::optional<address::v4_bytes> embedded_v4(const address& a) noexcept {
    if (a.is_v4()) return a.to_v4();
    const address::v6_bytes& b = a.to_v6();
    const bool mapped = b[10] == 0xff && b[11] == 0xff &&
                        std::all_of(b.begin(), b.begin() + 10, [](auto x) { return x == 0; });
    if (!mapped) return std::nullopt;
    return address::v4_bytes{b[12], b[13], b[14], b[15]};
}

void print(std::string& to, std::uint32_t value, std::uint32_t base) {
    if (value >= base) print(to, value / base, base);
    to += "0123456789abcdef"[value % base];
}

void print(std::string& to, const address::v4_bytes& bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0) to += '.';
        print(to, bytes[i], 10);
    }
}

void print(std::string& to, const address::v6_bytes& bytes) {
    std::array<std::uint16_t, 8> groups{};
    for (std::size_t i = 0; i < groups.size(); ++i)
        groups[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);

    // RFC 5952 section 4.2: the first of the longest runs of zeros, if longer than one group.
    std::size_t gap = groups.size();
    std::size_t gap_size = 1;
    for (std::size_t i = 0; i < groups.size();) {
        std::size_t end = i;
        while (end < groups.size() && groups[end] == 0) ++end;
        if (end - i > gap_size) {
            gap = i;
            gap_size = end - i;
        }
        i = end + 1;
    }

    for (std::size_t i = 0; i < groups.size();) {
        if (i == gap) {
            to += "::";
            i += gap_size;
            continue;
        }
        if (i > 0 && i != gap + gap_size) to += ':';
        print(to, groups[i++], 16);
    }
}

}  // namespace

result<address> address::parse(std::string_view text) noexcept {
    scanner v4{text};
    if (const auto bytes = scan_v4(v4); bytes && v4.at_end()) return address{*bytes};
    scanner v6{text};
    if (const auto a = scan_v6_with_zone(v6); a && v6.at_end()) return *a;
    return fail(errc::parse_error);
}

bool address::is_loopback() const noexcept {
    if (const auto v4 = embedded_v4(*this)) return (*v4)[0] == 127;
    return bytes_ == loopback_v6.bytes_;
}

bool address::is_unspecified() const noexcept {
    if (const auto v4 = embedded_v4(*this)) return *v4 == v4_bytes{};
    return bytes_ == any_v6.bytes_;
}

result<endpoint> endpoint::parse(std::string_view text) noexcept {
    scanner in{text};
    std::optional<ip::address> host;
    if (in.skip("[")) {
        host = scan_v6_with_zone(in);
        if (!host || !in.skip("]")) return fail(errc::parse_error);
    } else if (const auto v4 = scan_v4(in)) {
        host = ip::address{*v4};
    }
    if (!host || !in.skip(":")) return fail(errc::parse_error);
    const auto port = in.decimal(std::numeric_limits<std::uint16_t>::max());
    if (!port || !in.at_end()) return fail(errc::parse_error);
    return endpoint{*host, static_cast<std::uint16_t>(*port)};
}

std::string to_string(const address& a) {
    std::string text;
    const auto v4 = embedded_v4(a);
    if (v4) {
        if (a.is_v6()) text = "::ffff:";
        print(text, *v4);
    } else {
        print(text, a.to_v6());
    }
    if (a.scope() != 0) {
        text += '%';
        print(text, a.scope(), 10);
    }
    return text;
}

std::string to_string(const endpoint& e) {
    std::string text = to_string(e.address);
    if (e.address.is_v6()) text = '[' + text + ']';
    text += ':';
    print(text, e.port, 10);
    return text;
}

}  // namespace copoll::ip
