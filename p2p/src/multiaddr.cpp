// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/multiaddr.hpp>

#include <utility>

#include <copoll/detail/assert.hpp>
#include <copoll/p2p/varint.hpp>

#include "address_protocols.hpp"

namespace copoll::p2p {
namespace {

using byte_vector = std::vector<std::byte>;

/// The component at the front of `bytes`, and the bytes it takes; none if it is malformed.
struct front {
    const detail::address_protocol* protocol;
    std::span<const std::byte> value;
    std::size_t size;
};

std::optional<front> front_of(std::span<const std::byte> from) {
    const auto code = varint::decode(from);
    if (!code || !*code) return std::nullopt;
    const auto* protocol = detail::find_protocol((*code)->value);
    if (!protocol) return std::nullopt;
    auto rest = from.subspan((*code)->size);
    std::uint64_t size = protocol->size;
    if (protocol->has_length()) {
        const auto length = varint::decode(rest);
        if (!length || !*length) return std::nullopt;
        size = (*length)->value;
        rest = rest.subspan((*length)->size);
    }
    if (size > rest.size()) return std::nullopt;
    const auto value = rest.first(static_cast<std::size_t>(size));
    return front{protocol, value, from.size() - rest.size() + value.size()};
}

void append(byte_vector& to, const detail::address_protocol& protocol,
            std::span<const std::byte> value) {
    const auto put = [&](std::span<const std::byte> more) {
        to.insert(to.end(), more.begin(), more.end());
    };
    put(varint::encoded{static_cast<std::uint32_t>(protocol.code)}.bytes());
    if (protocol.has_length()) put(varint::encoded{value.size()}.bytes());
    put(value);
}

void append(byte_vector& to, protocol_code code, std::span<const std::byte> value) {
    append(to, *detail::find_protocol(static_cast<std::uint32_t>(code)), value);
}

/// Takes what is before the next slash from the front of `rest`, and the slash.
std::string_view take_segment(std::string_view& rest) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
    return segment;
}

}  // namespace

std::string_view name_of(protocol_code code) noexcept {
    const auto* protocol = detail::find_protocol(static_cast<std::uint32_t>(code));
    return protocol ? protocol->name : "unknown";
}

std::string address_component::value_text() const {
    return detail::value_to_text(
        *detail::find_protocol(static_cast<std::uint32_t>(protocol)), value);
}

std::uint64_t address_component::number() const noexcept {
    if (detail::find_protocol(static_cast<std::uint32_t>(protocol))->kind !=
        detail::value_kind::number) {
        return 0;
    }
    std::uint64_t n = 0;
    for (const std::byte b : value) n = n << 8 | std::to_integer<std::uint64_t>(b);
    return n;
}

result<multiaddr> multiaddr::parse(std::string_view text) {
    while (text.ends_with('/')) text.remove_suffix(1);
    if (!text.starts_with('/')) return fail(errc::malformed_multiaddr);
    std::string_view rest = text.substr(1);
    byte_vector made;
    while (!rest.empty()) {
        const auto* protocol = detail::find_protocol(take_segment(rest));
        if (!protocol) return fail(errc::malformed_multiaddr);
        std::string_view written;
        if (protocol->kind == detail::value_kind::path) {
            // with the slash in front, which the name has taken
            if (rest.empty()) return fail(errc::malformed_multiaddr);
            written = text.substr(text.size() - rest.size() - 1);
            rest = {};
        } else if (protocol->kind != detail::value_kind::none) {
            written = take_segment(rest);
        }
        const auto value = detail::value_from_text(*protocol, written);
        if (!value) return fail(errc::malformed_multiaddr);
        append(made, *protocol, *value);
    }
    return multiaddr{std::move(made)};
}

result<multiaddr> multiaddr::from_bytes(std::span<const std::byte> from) {
    if (from.empty()) return fail(errc::malformed_multiaddr);
    for (auto rest = from; !rest.empty();) {
        const auto next = front_of(rest);
        if (!next || !detail::is_value(*next->protocol, next->value))
            return fail(errc::malformed_multiaddr);
        rest = rest.subspan(next->size);
        // what has no end in text must be the last
        if (next->protocol->kind == detail::value_kind::path && !rest.empty())
            return fail(errc::malformed_multiaddr);
    }
    return multiaddr{byte_vector{from.begin(), from.end()}};
}

multiaddr multiaddr::tcp(const ip::endpoint& at) {
    byte_vector made;
    if (at.address.is_v4()) {
        const auto four = at.address.to_v4();
        append(made, protocol_code::ip4, std::as_bytes(std::span(four)));
    } else {
        append(made, protocol_code::ip6, std::as_bytes(std::span(at.address.to_v6())));
    }
    const std::byte port[] = {static_cast<std::byte>(at.port >> 8),
                              static_cast<std::byte>(at.port)};
    append(made, protocol_code::tcp, port);
    return multiaddr{std::move(made)};
}

multiaddr multiaddr::p2p(const peer_id& id) {
    byte_vector made;
    append(made, protocol_code::p2p, id.bytes());
    return multiaddr{std::move(made)};
}

std::vector<address_component> multiaddr::components() const {
    std::vector<address_component> all;
    for (auto rest = bytes(); !rest.empty();) {
        const auto next = front_of(rest);
        all.push_back({next->protocol->code, next->value});
        rest = rest.subspan(next->size);
    }
    return all;
}

std::string multiaddr::to_string() const {
    std::string text;
    for (const address_component& c : components()) {
        text += '/';
        text += name_of(c.protocol);
        const std::string value = c.value_text();
        if (!value.empty() && !value.starts_with('/')) text += '/';
        text += value;
    }
    return text;
}

std::optional<ip::endpoint> multiaddr::tcp_endpoint() const {
    const auto all = components();
    if (all.size() < 2 || all[1].protocol != protocol_code::tcp) return std::nullopt;
    if (all[0].protocol != protocol_code::ip4 && all[0].protocol != protocol_code::ip6)
        return std::nullopt;
    const auto address = ip::address::parse(all[0].value_text());
    copoll::detail::expects(address.has_value(), "multiaddr: an address that was printed");
    return ip::endpoint{*address, static_cast<std::uint16_t>(all[1].number())};
}

std::optional<peer_id> multiaddr::peer() const {
    const auto all = components();
    if (all.back().protocol != protocol_code::p2p) return std::nullopt;
    return *peer_id::from_bytes(all.back().value);
}

std::optional<multiaddr> multiaddr::of_some(std::span<const std::byte> some) {
    if (some.empty()) return std::nullopt;
    return multiaddr{std::vector<std::byte>{some.begin(), some.end()}};
}

std::optional<multiaddr> multiaddr::without_peer() const {
    const auto id = peer();
    if (!id) return *this;
    return of_some(bytes().first(bytes_.size() - p2p(*id).bytes_.size()));
}

multiaddr multiaddr::encapsulate(const multiaddr& inner) const {
    std::vector<std::byte> made = bytes_;
    made.insert(made.end(), inner.bytes_.begin(), inner.bytes_.end());
    return multiaddr{std::move(made)};
}

std::optional<multiaddr> multiaddr::decapsulate(const multiaddr& inner) const {
    std::optional<std::size_t> last;
    for (std::size_t at = 0; at < bytes_.size(); at += front_of(bytes().subspan(at))->size) {
        const auto rest = bytes().subspan(at);
        if (rest.size() >= inner.bytes_.size() &&
            std::ranges::equal(rest.first(inner.bytes_.size()), inner.bytes_)) {
            last = at;
        }
    }
    return last ? of_some(bytes().first(*last)) : *this;
}

}  // namespace copoll::p2p
