// SPDX-License-Identifier: MIT OR Apache-2.0
#include "descriptor.hpp"

#include <memory>
#include <utility>

#include <unistd.h>

#include "errors.hpp"

namespace copoll::backend {
inline namespace asio {

descriptor::descriptor(context& io) noexcept : io_(io), fd_(io.reactor_->io) { ++io_.open_; }

descriptor* descriptor::create(context& io) noexcept {
    void* memory = io.spare_descriptors_;
    if (memory) {
        io.spare_descriptors_ = io.spare_descriptors_->next;
    } else {
        memory = ::operator new(sizeof(descriptor));
        ++io.allocations_;
    }
    return new (memory) descriptor{io};
}

void descriptor::release() noexcept {
    if (--references_ > 0) return;
    context& io = io_;
    this->~descriptor();
    io.spare_descriptors_ = new (this) spare{io.spare_descriptors_};
}

std::error_code descriptor::adopt(int fd) noexcept {
    std::error_code ec;
    fd_.assign(fd, ec);
    return ec;
}

void descriptor::close() noexcept {
    for (const way& w : ways_)
        detail::expects(w.waiting.empty(), "closed while an operation on it is awaited");
    std::error_code ignored;
    fd_.close(ignored);
    --io_.open_;
    release();
}

void descriptor::watch(waiter& w, readiness r) noexcept {
    to(r).waiting.push_back(w);
    if (!std::exchange(to(r).watched, true)) ask(r);
}

void descriptor::ask(readiness r) noexcept {
    fd_.async_wait(r == readiness::read ? ::asio::posix::descriptor_base::wait_read
                                        : ::asio::posix::descriptor_base::wait_write,
                   handler{*this, r});
}

void descriptor::answered(readiness r) noexcept {
    to(r).watched = false;
    while (waiter* w = to(r).waiting.pop_front()) io_.ready(*w);
}

result<watched_fd> watched_fd::adopt(context& io, int fd) noexcept {
    watched_fd w;
    w.d_ = descriptor::create(io);
    if (const std::error_code ec = w.d_->adopt(fd)) {
        ::close(fd);
        return fail(to_error(ec.value()));
    }
    w.fd_ = fd;
    return w;
}

void watched_fd::close() noexcept {
    fd_ = -1;
    std::exchange(d_, nullptr)->close();
}

}  // namespace asio
}  // namespace copoll::backend
