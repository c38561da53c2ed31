// SPDX-License-Identifier: MIT OR Apache-2.0
#include "address_protocols.hpp"

#include <algorithm>
#include <charconv>

#include <copoll/ip.hpp>
#include <copoll/p2p/varint.hpp>

#include "multibase.hpp"

namespace copoll::p2p::detail {
namespace {

using bytes = std::vector<std::byte>;
using enum value_kind;

constexpr address_protocol all[] = {
    {protocol_code::ip4, "ip4", ip4, 4},
    {protocol_code::tcp, "tcp", number, 2},
    {protocol_code::dccp, "dccp", number, 2},
    {protocol_code::ip6, "ip6", ip6, 16},
    {protocol_code::ip6zone, "ip6zone", text},
    {protocol_code::ipcidr, "ipcidr", number, 1},
    {protocol_code::dns, "dns", text},
    {protocol_code::dns4, "dns4", text},
    {protocol_code::dns6, "dns6", text},
    {protocol_code::dnsaddr, "dnsaddr", text},
    {protocol_code::sctp, "sctp", number, 2},
    {protocol_code::udp, "udp", number, 2},
    {protocol_code::p2p_webrtc_star, "p2p-webrtc-star"},
    {protocol_code::p2p_webrtc_direct, "p2p-webrtc-direct"},
    {protocol_code::p2p_stardust, "p2p-stardust"},
    {protocol_code::webrtc_direct, "webrtc-direct"},
    {protocol_code::webrtc, "webrtc"},
    {protocol_code::p2p_circuit, "p2p-circuit"},
    {protocol_code::udt, "udt"},
    {protocol_code::utp, "utp"},
    {protocol_code::unix_path, "unix", path},
    {protocol_code::p2p, "p2p", peer},
    {protocol_code::https, "https"},
    {protocol_code::tls, "tls"},
    {protocol_code::sni, "sni", text},
    {protocol_code::noise, "noise"},
    {protocol_code::quic, "quic"},
    {protocol_code::quic_v1, "quic-v1"},
    {protocol_code::webtransport, "webtransport"},
    {protocol_code::certhash, "certhash", certificate_hash},
    {protocol_code::ws, "ws"},
    {protocol_code::wss, "wss"},
    {protocol_code::p2p_websocket_star, "p2p-websocket-star"},
    {protocol_code::http, "http"},
    {protocol_code::http_path, "http-path", escaped},
    {protocol_code::memory, "memory", number, 8},
};

/// An older name of p2p.
constexpr std::string_view ipfs = "ipfs";

bytes copy_of(std::span<const std::byte> from) { return {from.begin(), from.end()}; }

std::uint64_t big_endian(std::span<const std::byte> value) noexcept {
    std::uint64_t number = 0;
    for (const std::byte b : value) number = number << 8 | std::to_integer<std::uint64_t>(b);
    return number;
}

std::optional<bytes> parse_number(std::string_view digits, std::size_t size) {
    std::uint64_t n = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, ec] = std::from_chars(digits.data(), end, n);
    if (ec != std::errc{} || stop != end) return std::nullopt;
    if (size < 8 && n >> (8 * size) != 0) return std::nullopt;
    bytes value(size);
    for (std::size_t i = size; i-- > 0; n >>= 8) value[i] = static_cast<std::byte>(n);
    return value;
}

std::optional<bytes> parse_ip(std::string_view written, bool v6) {
    if (written.contains('%')) return std::nullopt;  // that is for ip6zone to say
    const auto address = ip::address::parse(written);
    if (!address || address->is_v6() != v6) return std::nullopt;
    if (!v6) {
        const auto four = address->to_v4();
        return copy_of(std::as_bytes(std::span(four)));
    }
    return copy_of(std::as_bytes(std::span(address->to_v6())));
}

std::string print_ip4(std::span<const std::byte> value) {
    ip::address::v4_bytes four;
    std::ranges::transform(value, four.begin(), [](std::byte b) { return std::uint8_t(b); });
    return ip::to_string(ip::address{four});
}

std::string print_ip6(std::span<const std::byte> value) {
    ip::address::v6_bytes sixteen;
    std::ranges::transform(value, sixteen.begin(), [](std::byte b) { return std::uint8_t(b); });
    return ip::to_string(ip::address{sixteen});
}

bool is_multihash(std::span<const std::byte> value) {
    const auto code = varint::decode(value);
    if (!code || !*code) return false;
    value = value.subspan((*code)->size);
    const auto size = varint::decode(value);
    if (!size || !*size) return false;
    return value.size() - (*size)->size == (*size)->value;
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

/// RFC 3986 §2.1.
std::optional<bytes> unescape(std::string_view escaped_text) {
    bytes value;
    for (std::size_t i = 0; i < escaped_text.size(); ++i) {
        if (escaped_text[i] != '%') {
            value.push_back(static_cast<std::byte>(escaped_text[i]));
            continue;
        }
        if (escaped_text.size() - i < 3) return std::nullopt;
        const auto high = hex_digit(escaped_text[i + 1]), low = hex_digit(escaped_text[i + 2]);
        if (!high || !low) return std::nullopt;
        value.push_back(static_cast<std::byte>(*high << 4 | *low));
        i += 2;
    }
    return value;
}

std::string escape(std::span<const std::byte> value) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view unreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string made;
    for (const char c : text_of(value)) {
        if (unreserved.contains(c)) {
            made += c;
        } else {
            const auto b = static_cast<unsigned char>(c);
            made += {'%', digits[b >> 4], digits[b & 15]};
        }
    }
    return made;
}

}  // namespace

const address_protocol* find_protocol(std::uint64_t code) noexcept {
    const auto found = std::ranges::find_if(
        all, [&](const address_protocol& p) { return static_cast<std::uint32_t>(p.code) == code; });
    return found == std::end(all) ? nullptr : &*found;
}

const address_protocol* find_protocol(std::string_view name) noexcept {
    if (name == ipfs) return find_protocol(static_cast<std::uint32_t>(protocol_code::p2p));
    const auto found = std::ranges::find(all, name, &address_protocol::name);
    return found == std::end(all) ? nullptr : &*found;
}

std::optional<bytes> value_from_text(const address_protocol& of, std::string_view written) {
    std::optional<bytes> value;
    switch (of.kind) {
        case none: return bytes{};
        case ip4: return parse_ip(written, false);
        case ip6: return parse_ip(written, true);
        case number: return parse_number(written, of.size);
        case text:
        case path: value = copy_of(bytes_of(written)); break;
        case escaped: value = unescape(written); break;
        case peer: {
            const auto id = peer_id::parse(written);
            return id ? std::optional(copy_of(id->bytes())) : std::nullopt;
        }
        case certificate_hash: value = multibase::decode(written); break;
    }
    if (!value || !is_value(of, *value)) return std::nullopt;
    return value;
}

std::string value_to_text(const address_protocol& of, std::span<const std::byte> value) {
    switch (of.kind) {
        case none: return {};
        case ip4: return print_ip4(value);
        case ip6: return print_ip6(value);
        case number: return std::to_string(big_endian(value));
        case text:
        case path: return std::string(text_of(value));
        case escaped: return escape(value);
        case peer: return peer_id::from_bytes(value)->to_string();
        case certificate_hash: return 'u' + multibase::encode_base64url(value);
    }
    return {};
}

bool is_value(const address_protocol& of, std::span<const std::byte> value) {
    const std::string_view written = text_of(value);
    switch (of.kind) {
        case none:
        case ip4:
        case ip6:
        case number: return value.size() == of.size;
        case text: return !value.empty() && !written.contains('/') && !written.contains('\0');
        case escaped: return !value.empty();
        // a slash at the end would not come back from the text
        case path:
            return value.size() > 1 && written.starts_with('/') && !written.ends_with('/') &&
                   !written.contains('\0');
        case peer: return peer_id::from_bytes(value).has_value();
        case certificate_hash: return is_multihash(value);
    }
    return false;
}

}  // namespace copoll::p2p::detail
