// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <system_error>

namespace copoll::tls::detail {

/// Of a code of mbedTLS, or of PSA. Not for the codes that are no failure.
std::error_code error_of_ssl(int code) noexcept;
/// Of the flags of a verification: no error if there are none, else the weightiest.
std::error_code error_of_flags(std::uint32_t flags) noexcept;

}  // namespace copoll::tls::detail
