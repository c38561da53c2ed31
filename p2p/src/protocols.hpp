// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace copoll::p2p::detail {

/// The multiplexers that are spoken here.
inline const std::vector<std::string>& muxer_protocols() {
    static const std::vector<std::string> yamux{"/yamux/1.0.0"};
    return yamux;
}

}  // namespace copoll::p2p::detail
