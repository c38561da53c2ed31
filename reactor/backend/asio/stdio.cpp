// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/stdio.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "errors.hpp"
#include "socket.hpp"

namespace copoll::backend {
inline namespace asio {
namespace {

/// A stream whose other end is gone.
std::error_code to_stream_error(int error) noexcept {
    return error == EPIPE ? make_error_code(errc::closed) : to_error(error);
}

template <class Call>
ssize_t uninterrupted(Call call) noexcept {
    ssize_t n;
    do n = call();
    while (n < 0 && errno == EINTR);
    return n;
}

}  // namespace

standard_fd::standard_fd(context& io, int number) noexcept {
    const int fd = ::fcntl(number, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        error_ = to_stream_error(errno);
        return;
    }
    struct stat s;
    if (::fstat(fd, &s) == 0 && S_ISREG(s.st_mode)) kind_ = kind::file;
    if (::fstat(fd, &s) == 0 && S_ISSOCK(s.st_mode)) kind_ = kind::socket;
    auto watched = watched_fd::adopt(io, fd);
    if (watched)
        fd_ = *std::move(watched);
    else
        error_ = watched.error();
}

/// Always true of regular files and the like, which Asio could not wait for.
bool standard_fd::ready(short events) const noexcept {
    pollfd p{fd_.get(), events, 0};
    return ::poll(&p, 1, 0) > 0;
}

bool standard_fd::read(std::span<std::byte> buffer, io_result& result) noexcept {
    result.ec = error_;
    if (error_) return true;
    if (kind_ == kind::other && !ready(POLLIN)) return false;
    const ssize_t n = uninterrupted([&] {
        return kind_ == kind::socket ? ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)
                                     : ::read(fd_.get(), buffer.data(), buffer.size());
    });
    if (n < 0 && would_block(errno)) return false;
    if (n < 0) result.ec = to_stream_error(errno);
    if (n == 0) result.ec = errc::eof;
    if (n > 0) result.n = static_cast<std::size_t>(n);
    return true;
}

bool standard_fd::write(std::span<const std::byte> bytes, io_result& result) noexcept {
    result.ec = error_;
    if (error_) return true;
    if (kind_ == kind::other) {
        // A pipe that is ready takes so much without blocking.
        bytes = bytes.first(std::min<std::size_t>(bytes.size(), PIPE_BUF));
        if (!ready(POLLOUT)) return false;
    }
    const ssize_t n = uninterrupted([&] {
        return kind_ == kind::socket ? ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)
                                     : ::write(fd_.get(), bytes.data(), bytes.size());
    });
    if (n < 0 && would_block(errno)) return false;
    if (n < 0) result.ec = to_stream_error(errno);
    if (n > 0) result.n = static_cast<std::size_t>(n);
    return true;
}

output::output(context& io, int number) noexcept : fd_(io, number) {
    struct sigaction present;
    if (::sigaction(SIGPIPE, nullptr, &present) == 0 && present.sa_handler == SIG_DFL)
        std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace asio
}  // namespace copoll::backend
