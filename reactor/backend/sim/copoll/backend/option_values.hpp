// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <copoll/detail/socket_option.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace sim {

class network;

/// What a socket's options are set to. Only `reset_on_close` changes what it does.
class option_values {
public:
    std::uint64_t& operator[](detail::socket_option o) noexcept {
        return values_[static_cast<std::size_t>(o)];
    }
    std::uint64_t operator[](detail::socket_option o) const noexcept {
        return values_[static_cast<std::size_t>(o)];
    }

private:
    // in the order of the enumeration; the defaults of Linux
    std::array<std::uint64_t, 9> values_{0, 7200, 75, 9, 64, 65536, 65536, 1, 0};
};

// Setting and getting fail when told to, like any other call.
result<void> set_option(network& net, option_values& values, detail::socket_option o,
                        std::uint64_t value) noexcept;
result<std::uint64_t> get_option(network& net, const option_values& values,
                                 detail::socket_option o) noexcept;

}  // namespace sim
}  // namespace copoll::backend
