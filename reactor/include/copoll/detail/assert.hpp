// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <source_location>

namespace copoll::detail {

/// Prints "file:line: what" to stderr and traps. For broken preconditions and invariants only: bad
/// input is an error value.
[[noreturn]] void fatal(const char* what,
                        std::source_location where = std::source_location::current()) noexcept;

inline void expects(bool holds, const char* what,
                    std::source_location where = std::source_location::current()) noexcept {
    if (!holds) [[unlikely]]
        fatal(what, where);
}

}  // namespace copoll::detail
