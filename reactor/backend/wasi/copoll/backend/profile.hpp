// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>

#include <copoll/backend/host.hpp>

namespace copoll::backend {
inline namespace wasi {

/// Which host this is, where two of them want different calls for the same thing; docs/hosts.md has
/// what and why.
///
/// The environment variable COPOLL_WASI_HOST_PROFILE (`wasmtime` or `jco`) says it. Without it the
/// host is known by what it tells of a new TCP socket: jco says that its packets make one hop.
enum class profile : std::uint8_t { unknown, wasmtime, jco };

inline constinit profile known_profile = profile::unknown;

/// Called with the first socket that the program makes: one host call, once.
profile find_profile(host::handle new_tcp_socket) noexcept;

/// False before the first TCP socket: all it is asked about are the streams of one.
inline bool on_jco() noexcept { return known_profile == profile::jco; }

}  // namespace wasi
}  // namespace copoll::backend
