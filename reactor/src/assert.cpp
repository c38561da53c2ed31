// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/detail/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace copoll::detail {

void fatal(const char* what, std::source_location where) noexcept {
    std::fprintf(stderr, "%s:%u: copoll: %s\n", where.file_name(),
                 static_cast<unsigned>(where.line()), what);
    std::abort();
}

}  // namespace copoll::detail
