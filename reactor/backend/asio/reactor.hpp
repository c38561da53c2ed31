// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <asio/detail/config.hpp>
#if defined(ASIO_NO_EXCEPTIONS)
#include <copoll/detail/assert.hpp>
#include <asio/detail/throw_exception.hpp>
/// Asio leaves this to the program. Nothing here is asked to throw, but for a loop that finds no
/// descriptor for its own use.
template <class Exception>
void asio::detail::throw_exception(const Exception& e ASIO_SOURCE_LOCATION_PARAM) {
    copoll::detail::fatal(e.what());
}
#endif
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>

namespace copoll::backend {
inline namespace asio {

using executor = ::asio::io_context::executor_type;

struct reactor {
    ::asio::io_context io{1};
    /// A loop waits even if only its own timers are left.
    ::asio::executor_work_guard<executor> work{io.get_executor()};
};

}  // namespace asio
}  // namespace copoll::backend
