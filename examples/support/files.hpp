// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/result.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <system_error>

namespace examples {

/// An error about a file: its message, which ends the program on one line, names the file too.
/// A program has one at a time.
inline std::error_code about(const std::string& path, std::error_code ec) {
    struct told : std::error_category {
        std::string text;
        const char* name() const noexcept override { return "file"; }
        std::string message(int) const override { return text; }
    };
    static told last;
    last.text = path + ": " + ec.message();
    return {1, last};
}

inline std::error_code about_errno(const std::string& path) {
    return about(path, {errno ? errno : EIO, std::generic_category()});
}

struct close_file {
    void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};
using file = std::unique_ptr<std::FILE, close_file>;

/// A whole file. A component sees the folders that its host opened for it: `./dev run` opens the
/// current one.
inline copoll::result<std::string> read_file(const std::string& path) {
    const file from{std::fopen(path.c_str(), "rb")};
    if (!from) return copoll::fail(about_errno(path));
    std::string text;
    char part[4096];
    while (const std::size_t n = std::fread(part, 1, sizeof part, from.get())) text.append(part, n);
    if (std::ferror(from.get())) return copoll::fail(about_errno(path));
    return text;
}

/// Replaces it.
inline copoll::result<void> write_file(const std::string& path,
                                       std::span<const std::byte> bytes) {
    file to{std::fopen(path.c_str(), "wb")};
    if (!to) return copoll::fail(about_errno(path));
    const bool written = std::fwrite(bytes.data(), 1, bytes.size(), to.get()) == bytes.size();
    if (std::fclose(to.release()) != 0 || !written) return copoll::fail(about_errno(path));
    return {};
}

/// Makes it, readable for nobody else. There must be none yet.
inline copoll::result<void> write_secret_file(const std::string& path,
                                              std::span<const std::byte> bytes) {
    const int made = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (made < 0) return copoll::fail(about_errno(path));
    ::close(made);
    return write_file(path, bytes);
}

}  // namespace examples
