// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/backend/host.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

host::flat_address flatten(const ip::endpoint& e) noexcept;
host::socket_address to_address(const ip::endpoint& e) noexcept;
ip::endpoint to_endpoint(const host::socket_address& a) noexcept;
result<ip::endpoint> to_endpoint(const host::address_result& r) noexcept;

}  // namespace wasi
}  // namespace copoll::backend
