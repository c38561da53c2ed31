// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/option_values.hpp>

#include "network.hpp"

namespace copoll::backend {
inline namespace sim {

result<void> set_option(network& net, option_values& values, detail::socket_option o,
                        std::uint64_t value) noexcept {
    if (const auto ec = net.decide(call::option).ec) return fail(ec);
    values[o] = value;
    return {};
}

result<std::uint64_t> get_option(network& net, const option_values& values,
                                 detail::socket_option o) noexcept {
    if (const auto ec = net.decide(call::option).ec) return fail(ec);
    return values[o];
}

}  // namespace sim
}  // namespace copoll::backend
