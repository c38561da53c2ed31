// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>

#include <copoll/backend/host.hpp>
#include <copoll/backend/stream.hpp>
#include <copoll/result.hpp>

/// The two shapes of calls for a socket's options.

namespace copoll::backend {
inline namespace wasi {

template <auto Import, class Flat>
result<void> set_with(host::handle socket, Flat value) noexcept {
    const auto r =
        host::returned<host::socket_status, Import, host::call::other>(socket, value);
    if (r.tag != 0) return fail(to_error(r.code));
    return {};
}

template <auto Import, class T>
result<std::uint64_t> get_with(host::handle socket) noexcept {
    const auto r =
        host::returned<host::value_result<T>, Import, host::call::other>(socket);
    if (r.tag != 0) return fail(to_error(r.code));
    return r.value;
}

}  // namespace wasi
}  // namespace copoll::backend
