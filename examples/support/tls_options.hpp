// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/tls/options.hpp>
#include <copoll/tls/types.hpp>

#include "command_line.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// What both ends of TLS take on the command line.

namespace examples {

/// The parts of "a,b,c".
inline std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        parts.emplace_back(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return parts;
}

inline setter into(std::vector<std::string>& list) {
    return [&list](std::string_view text) {
        list = split(text);
        return !list.empty();
    };
}

/// --tls 1.2: that version only.
inline setter only_version(tls::protocol_parameters& of) {
    return [&of](std::string_view text) {
        for (const auto v : {tls::protocol_version::tls1_2, tls::protocol_version::tls1_3}) {
            if (!tls::name_of(v).ends_with(text) || text.size() != 3) continue;
            of.min_version = of.max_version = v;
            return true;
        }
        return false;
    };
}

/// --groups x25519,secp256r1
inline setter groups(tls::protocol_parameters& of) {
    return [&of](std::string_view text) {
        of.groups.clear();
        const auto known = tls::named_groups();
        for (const std::string& name : split(text)) {
            const auto at = std::ranges::find(known, name, [](auto g) { return tls::name_of(g); });
            if (at == known.end()) return false;
            of.groups.push_back(*at);
        }
        return !of.groups.empty();
    };
}

}  // namespace examples
