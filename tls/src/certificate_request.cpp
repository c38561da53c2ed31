// SPDX-License-Identifier: MIT OR Apache-2.0
#include "certificate_request.hpp"

#include <cstdint>

#include "wire_reader.hpp"

namespace copoll::tls::detail {
namespace {

distinguished_names names_in(wire_reader list) {
    distinguished_names names;
    while (!list.empty()) {
        const auto name = list.vector(2, 1);
        names.emplace_back(name.begin(), name.end());
    }
    if (list.failed()) names.clear();
    return names;
}

}  // namespace

distinguished_names authorities_of(std::span<const std::byte> message, protocol_version version) {
    wire_reader from{message};
    from.u8();
    wire_reader body{from.vector(3)};
    body.vector(1);  // the context; in TLS 1.2 the types of certificates
    if (version == protocol_version::tls1_2) {
        body.vector(2);  // signature schemes
        return names_in(wire_reader{body.vector(2)});
    }
    constexpr std::uint16_t certificate_authorities = 47;
    wire_reader extensions{body.vector(2)};
    while (!extensions.empty()) {
        const std::uint16_t type = extensions.u16();
        wire_reader content{extensions.vector(2)};
        if (type == certificate_authorities) return names_in(wire_reader{content.vector(2)});
    }
    return {};
}

}  // namespace copoll::tls::detail
