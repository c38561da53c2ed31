// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/backend/host.hpp>

namespace copoll::backend {
inline namespace wasi {

/// A capability token without cost or children: taken once.
inline host::handle network() noexcept {
    static const host::handle n =
        host::counted<host::raw::copoll_instance_network, host::call::other>();
    return n;
}

}  // namespace wasi
}  // namespace copoll::backend
