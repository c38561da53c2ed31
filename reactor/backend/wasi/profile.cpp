// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/profile.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace copoll::backend {
inline namespace wasi {
namespace {

profile by_environment() noexcept {
    const char* const named = std::getenv("COPOLL_WASI_HOST_PROFILE");
    if (!named || !*named) return profile::unknown;
    if (named == std::string_view{"wasmtime"}) return profile::wasmtime;
    if (named == std::string_view{"jco"}) return profile::jco;
    std::fprintf(stderr, "copoll: COPOLL_WASI_HOST_PROFILE is neither wasmtime nor jco: %s\n",
                 named);
    return profile::unknown;
}

}  // namespace

profile find_profile(host::handle new_tcp_socket) noexcept {
    if (const profile named = by_environment(); named != profile::unknown) return named;
    const auto hops = host::returned<host::value_result<std::uint8_t>,
                                     host::raw::copoll_tcp_hop_limit, host::call::other>(
        new_tcp_socket);
    return hops.tag == 0 && hops.value == 1 ? profile::jco : profile::wasmtime;
}

}  // namespace wasi
}  // namespace copoll::backend
