// SPDX-License-Identifier: MIT OR Apache-2.0
#include "security.hpp"

#include <string>
#include <vector>

namespace copoll::p2p::detail {
namespace {

const std::vector<std::string>& protocols() {
    static const std::vector<std::string> noise{"/noise"};
    return noise;
}

std::variant<multistream::dialer, multistream::listener> negotiation(role own_role) {
    if (own_role == role::dialer) return multistream::dialer{protocols()};
    return multistream::listener{protocols()};
}

}  // namespace

security::security(role own_role, const identity& own, noise::handshake_options options, bool lazy)
    : begins_early_(lazy && own_role == role::dialer), protocol_(negotiation(own_role)),
      noise_(own_role, own, std::move(options)) {}

result<progress> security::negotiate(buffer& in, buffer& out) {
    return std::visit([&](auto& engine) { return engine.advance(in, out); }, protocol_);
}

result<progress> security::advance(buffer& in, buffer& out) {
    if (!agreed_) {
        const auto agreed = negotiate(in, out);
        if (!agreed) return agreed;
        agreed_ = *agreed == progress::complete;
        if (!agreed_ && !begins_early_) return progress::needs_input;
    }
    buffer nothing;  // what is in `in` is not for Noise until there is an agreement
    return noise_.advance(agreed_ ? in : nothing, out);
}

}  // namespace copoll::p2p::detail
