// SPDX-License-Identifier: MIT OR Apache-2.0
#include "errors.hpp"

#include <cerrno>

#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace asio {

std::error_code to_error(int error) noexcept {
    switch (error) {
        case EPIPE:
        case ECONNRESET: return errc::connection_reset;
        case ECONNREFUSED: return errc::connection_refused;
        case ECONNABORTED: return errc::connection_aborted;
        case ETIMEDOUT: return errc::timed_out;
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH: return errc::unreachable;
        case EADDRINUSE: return errc::address_in_use;
        case EADDRNOTAVAIL: return errc::address_not_available;
        case EACCES:
        case EPERM: return errc::access_denied;
        case EMFILE:
        case ENFILE: return errc::too_many_open;
        case ENOMEM:
        case ENOBUFS: return errc::out_of_memory;
        case EMSGSIZE: return errc::message_too_large;
        case EINVAL: return errc::invalid_argument;
        case EOPNOTSUPP:
        case EAFNOSUPPORT:
        case EPROTONOSUPPORT: return errc::not_supported;
        case EIO: return errc::io;
        default: return {error, std::system_category()};
    }
}

}  // namespace asio
}  // namespace copoll::backend
