// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <copoll_crypto/secret.hpp>

namespace copoll::crypto {

/// Fills `bytes` with random bytes from the host, fit for keys: `wasi:random/random` in a
/// component, `getentropy` natively. Each call asks the host, so ask for few and long pieces. A
/// host that gives none ends the program: nothing that follows would be safe.
void fill_random(std::span<std::byte> bytes) noexcept;

/// A new key of `N` bytes.
template <std::size_t N>
secret<N> random_secret() noexcept {
    secret<N> made;
    fill_random(made.bytes());
    return made;
}

}  // namespace copoll::crypto
