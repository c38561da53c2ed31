// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/buffer.hpp>
#include <copoll/p2p/key.hpp>

#include <cerrno>
#include <string>

#include "files.hpp"

namespace examples {

/// The key in a file, in the form that other implementations keep theirs in; a new one is written
/// there if there is no such file. Without a file a new one each time.
inline copoll::result<copoll::p2p::private_key> load_or_make_key(const std::string& path) {
    using copoll::p2p::private_key;
    if (path.empty()) return private_key::generate_ed25519();
    const auto kept = read_file(path);
    if (kept) {
        auto key = private_key::decode(copoll::bytes_of(*kept));
        if (!key) return copoll::fail(about(path, key.error()));
        return key;
    }
    if (errno != ENOENT) return copoll::fail(kept.error());
    auto made = private_key::generate_ed25519();
    const auto written = write_secret_file(path, made.encode());
    if (!written) return copoll::fail(written.error());
    return made;
}

}  // namespace examples
