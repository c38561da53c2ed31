// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdio>

#if __has_include(<copoll/backend/profile.hpp>)
#include <copoll/backend/profile.hpp>
#endif

namespace copoll_tests {

#if __has_include(<copoll/backend/profile.hpp>)
/// Also in a test that makes no TCP socket.
inline bool host_is_jco() {
    namespace backend = copoll::backend;
    namespace host = backend::host;
    if (backend::known_profile == backend::profile::unknown) {
        host::handle_result made;
        host::raw::copoll_create_tcp_socket(0, &made);
        if (made.tag != 0) return false;
        backend::known_profile = backend::find_profile(made.value);
        host::raw::copoll_drop_tcp_socket(made.value);
    }
    return backend::on_jco();
}
#else
inline bool host_is_jco() { return false; }
#endif

/// True on the host jco, after saying that the test is skipped there and why: for what jco does
/// not do and copoll can do nothing about.
inline bool skipped_on_jco(const char* why) {
    if (!host_is_jco()) return false;
    std::printf("SKIPPED: jco: %s\n", why);
    return true;
}

}  // namespace copoll_tests
