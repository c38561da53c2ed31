// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <copoll/clock.hpp>
#include <copoll/detail/assert.hpp>
#include <copoll/detail/intrusive_list.hpp>
#include <copoll/loop_options.hpp>
#include <copoll/result.hpp>

/// Asio is the reactor here, and nothing else: it tells when a descriptor is ready, and the calls
/// are made by the operations. No header of it is seen from outside.

namespace copoll {
class loop;
struct continuation;
namespace detail {
class chunk_pool;
}
}  // namespace copoll

namespace copoll::backend {
inline namespace asio {

inline constexpr const char* name = "asio";

class context;
class descriptor;
class lookup;
struct reactor;
struct spare;

enum class readiness : std::uint8_t { read, write };

/// Owns a file descriptor, registered with Asio. Nobody may wait for it when it is closed.
class watched_fd {
public:
    watched_fd() noexcept = default;
    watched_fd(watched_fd&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), d_(std::exchange(other.d_, nullptr)) {}
    watched_fd& operator=(watched_fd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
            d_ = std::exchange(other.d_, nullptr);
        }
        return *this;
    }
    ~watched_fd() { reset(); }

    /// Takes `fd` over, and closes it when that fails.
    static result<watched_fd> adopt(context& io, int fd) noexcept;

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return d_ != nullptr; }
    void reset() noexcept {
        if (d_) close();
    }

private:
    friend class context;
    void close() noexcept;
    int fd_ = -1;
    descriptor* d_ = nullptr;
};

/// Waits for a descriptor, in its list; or has been told that it is ready. Moving gives one that
/// does not wait.
class waiter : public detail::list_node {
public:
    waiter() noexcept = default;
    waiter(waiter&&) noexcept {}
    waiter& operator=(waiter&&) = delete;

    bool armed() const noexcept { return armed_; }

protected:
    ~waiter() { detail::expects(!armed(), "an operation was destroyed while it waits"); }

    /// Ready promises nothing; who finds that waits again. Not in the list any more when called.
    void (*on_ready_)(waiter&) noexcept = nullptr;

private:
    friend class context;
    bool armed_ = false;
};

class context {
public:
    context(loop& owner, const polling_options&) noexcept;
    ~context();
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    void wait(std::optional<clock::time_point> deadline);
    void look();
    void end_turn() noexcept {}
    bool idle() const noexcept { return armed_ == 0; }
    std::size_t waiters() const noexcept { return armed_; }
    /// The kernel delivers what closed sockets were given.
    void finish(clock::time_point) noexcept {}

    void arm(waiter& w, watched_fd& fd, readiness r) noexcept;
    /// For one that waits for something else than a descriptor, which then calls `ready`.
    void arm(waiter& w) noexcept {
        w.armed_ = true;
        ++armed_;
    }
    /// For one that is armed but was told ready in vain.
    void wait_again(waiter& w, watched_fd& fd, readiness r) noexcept;
    void disarm(waiter& w) noexcept;
    void ready(waiter& w) noexcept { w.on_ready_(w); }

    void post(continuation& k) noexcept;
    detail::chunk_pool& chunks() noexcept;
    std::uint64_t waits() const noexcept { return waits_; }
    std::uint64_t host_calls() const noexcept { return 0; }
    std::uint64_t allocations() const noexcept { return allocations_; }

private:
    friend class descriptor;
    friend class lookup;
    friend class watched_fd;
    void drain();

    loop& owner_;
    std::unique_ptr<reactor> reactor_;
    spare* spare_descriptors_ = nullptr;
    std::size_t open_ = 0;
    std::size_t armed_ = 0;
    std::uint64_t waits_ = 0;
    std::uint64_t allocations_ = 0;
};

}  // namespace asio
}  // namespace copoll::backend
