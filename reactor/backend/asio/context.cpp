// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/context.hpp>

#include <cerrno>
#include <chrono>
#include <new>

#include <fcntl.h>

#include <copoll/loop.hpp>

#include "descriptor.hpp"

namespace copoll {

clock::time_point clock::now() noexcept {
    return time_point{
        std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

namespace backend {
inline namespace asio {
namespace {

/// So many handlers may run before the loop has its turn: Asio goes on while more become ready.
constexpr int most_at_once = 256;

/// In a process that was started without standard streams the first descriptors of the loop would
/// get their numbers, and what is printed would go into a socket.
void occupy_standard_descriptors() noexcept {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF && ::open("/dev/null", O_RDWR) != fd)
            return;
}

std::unique_ptr<reactor> make_reactor() {
    occupy_standard_descriptors();
    return std::make_unique<reactor>();
}

}  // namespace

/// A loop without a descriptor for itself ends the program here: there is nobody to tell.
context::context(loop& owner, const polling_options&) noexcept
    : owner_(owner), reactor_(make_reactor()) {}

context::~context() {
    detail::expects(armed_ == 0, "loop ended while operations wait");
    detail::expects(open_ == 0, "loop ended before its sockets and streams");
    reactor_.reset();  // destroys the handlers of closed descriptors, and those with them
    while (spare_descriptors_)
        ::operator delete(std::exchange(spare_descriptors_, spare_descriptors_->next));
}

void context::post(continuation& k) noexcept { owner_.post(k); }
detail::chunk_pool& context::chunks() noexcept { return owner_.chunks(); }

void context::wait(std::optional<clock::time_point> deadline) {
    ++waits_;
    if (deadline)
        reactor_->io.run_one_until(*deadline);
    else
        reactor_->io.run_one();
    drain();
}

void context::look() {
    ++waits_;
    drain();
}

void context::drain() {
    for (int i = 0; i < most_at_once && reactor_->io.poll_one() > 0; ++i) {
    }
}

void context::arm(waiter& w, watched_fd& fd, readiness r) noexcept {
    arm(w);
    fd.d_->watch(w, r);
}

void context::wait_again(waiter& w, watched_fd& fd, readiness r) noexcept { fd.d_->watch(w, r); }

void context::disarm(waiter& w) noexcept {
    if (w.linked()) w.unlink();
    w.armed_ = false;
    --armed_;
}

}  // namespace asio
}  // namespace backend
}  // namespace copoll
