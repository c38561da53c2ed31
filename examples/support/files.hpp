// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/result.hpp>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace examples {

/// A whole file; says on stderr if it cannot be read. A component sees the folders that its host
/// opened for it: `./dev run` opens the current one.
inline copoll::result<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (file.good() || file.eof()) return text;
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return copoll::fail(std::error_code(errno ? errno : EIO, std::generic_category()));
}

}  // namespace examples
