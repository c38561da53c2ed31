// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#if !defined(__cpp_exceptions) && !defined(ASIO_NO_EXCEPTIONS)
#define ASIO_NO_EXCEPTIONS
#endif
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>

#include <copoll/detail/assert.hpp>

#if defined(ASIO_NO_EXCEPTIONS)
/// Asio leaves this to the program. Only a loop that finds no descriptor for itself comes here.
template <class Exception>
void asio::detail::throw_exception(const Exception& e ASIO_SOURCE_LOCATION_PARAM) {
    copoll::detail::fatal(e.what());
}
#endif

namespace copoll::backend {
inline namespace asio {

using executor = ::asio::io_context::executor_type;

struct reactor {
    ::asio::io_context io{1};
    /// A loop waits even if only its own timers are left.
    ::asio::executor_work_guard<executor> work{io.get_executor()};
    /// Never open: makes Asio take the descriptors of its own now and not at the first socket,
    /// where running out of them could not be reported.
    ::asio::posix::basic_stream_descriptor<executor> first{io};
};

}  // namespace asio
}  // namespace copoll::backend
