// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <system_error>

namespace copoll::backend {
inline namespace asio {

/// The library's code for an errno; one without keeps its own.
std::error_code to_error(int error) noexcept;

}  // namespace asio
}  // namespace copoll::backend
