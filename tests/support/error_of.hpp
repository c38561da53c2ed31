// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <system_error>

#include <copoll/result.hpp>

namespace copoll_tests {

using namespace copoll;

inline const std::error_code no_error{};

/// The error of a result or a byte transfer; `no_error` if it succeeded.
template <detail::fallible R>
std::error_code error_of(const R& r) noexcept {
    return detail::result_traits<R>::error(r);
}

}  // namespace copoll_tests
