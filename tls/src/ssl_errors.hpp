// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>

namespace copoll::tls::detail {

/// Of a code of mbedTLS, or of PSA. Not for the codes that are no failure.
std::error_code error_of_ssl(int code) noexcept;
/// Of the flags of a verification: no error if there are none, else the weightiest.
std::error_code error_of_flags(std::uint32_t flags) noexcept;

/// Of the description in an alert of the peer's. A close_notify has no error code of its own: it is
/// the end.
std::error_code error_of_alert(std::byte description) noexcept;

}  // namespace copoll::tls::detail
