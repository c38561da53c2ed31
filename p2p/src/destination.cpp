// SPDX-License-Identifier: MIT OR Apache-2.0
#include "destination.hpp"

#include <array>

namespace copoll::p2p::detail {
namespace {

std::optional<destination> by_name(const address_component& name, std::uint16_t port) {
    const std::string text = name.value_text();
    switch (name.protocol) {
        case protocol_code::dns: return named_endpoint{text, std::nullopt, port};
        case protocol_code::dns4: return named_endpoint{text, ip::family::v4, port};
        case protocol_code::dns6: return named_endpoint{text, ip::family::v6, port};
        default: return std::nullopt;
    }
}

}  // namespace

std::optional<destination> destination_of(const multiaddr& address) {
    const auto plain = address.without_peer();
    if (!plain) return std::nullopt;
    const auto parts = plain->components();
    if (parts.size() == 1 && parts[0].protocol == protocol_code::memory)
        return memory_number{parts[0].number()};
    if (parts.size() != 2 || parts[1].protocol != protocol_code::tcp) return std::nullopt;
    if (const auto endpoint = plain->tcp_endpoint()) return *endpoint;
    return by_name(parts[0], static_cast<std::uint16_t>(parts[1].number()));
}

multiaddr memory_address(std::uint64_t number) {
    std::array<std::byte, 10> bytes{std::byte{0x89}, std::byte{0x06}};  // 777
    for (std::size_t i = 0; i < 8; ++i)
        bytes[2 + i] = static_cast<std::byte>(number >> (56 - 8 * i));
    return *multiaddr::from_bytes(bytes);
}

}  // namespace copoll::p2p::detail
