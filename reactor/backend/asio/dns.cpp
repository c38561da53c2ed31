// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/dns.hpp>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>

#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include <asio/post.hpp>

#include "address.hpp"
#include "errors.hpp"
#include "reactor.hpp"

namespace copoll::backend {
inline namespace asio {
namespace {

std::error_code to_lookup_error(int error) noexcept {
    switch (error) {
        case EAI_AGAIN: return errc::resolver_failure;
        case EAI_FAIL: return errc::lookup_denied;
        case EAI_MEMORY: return errc::out_of_memory;
        case EAI_SYSTEM: return to_error(errno);
        default: return errc::name_unresolvable;
    }
}

/// Both families even if this machine has no address of one, as other hosts answer.
result<std::vector<ip::address>> addresses_of(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;  // or each address comes once a type
    addrinfo* list = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0)
        return fail(to_lookup_error(error));
    std::vector<ip::address> found;
    for (const addrinfo* i = list; i; i = i->ai_next) {
        if (i->ai_family != AF_INET && i->ai_family != AF_INET6) continue;
        const ip::address a = socket_address{*i->ai_addr, i->ai_addrlen}.to_endpoint().address;
        if (std::ranges::find(found, a) == found.end()) found.push_back(a);
    }
    ::freeaddrinfo(list);
    if (found.empty()) return fail(errc::name_unresolvable);
    return found;
}

/// A thread that nobody joins, and that takes no signal meant for the program.
int start_thread(void* (*f)(void*), void* argument) noexcept {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    const int error = ::pthread_create(&thread, nullptr, f, argument);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error == 0) ::pthread_detach(thread);
    return error;
}

}  // namespace

/// What an operation and its thread share, whichever lives longer.
class lookup : public std::enable_shared_from_this<lookup> {
public:
    lookup(context& io, resolve_op& op) noexcept
        : name_(op.name()), loop_(&io.reactor_->io), op_(&op) {}

    std::error_code start() {
        auto self = std::make_unique<std::shared_ptr<lookup>>(shared_from_this());
        const int error = start_thread(
            [](void* argument) -> void* {
                const std::unique_ptr<std::shared_ptr<lookup>> l{
                    static_cast<std::shared_ptr<lookup>*>(argument)};
                (*l)->run();
                return nullptr;
            },
            self.get());
        if (error != 0) return error == EAGAIN ? errc::out_of_memory : to_error(error);
        static_cast<void>(self.release());  // the thread's
        return {};
    }

    /// The answer, if it is there. The operation hears no more of this lookup.
    std::optional<result<std::vector<ip::address>>> give_up() {
        op_ = nullptr;
        const std::scoped_lock lock{mutex_};
        loop_ = nullptr;
        return std::move(answer_);
    }

private:
    void run() {
        auto found = addresses_of(name_);
        const std::scoped_lock lock{mutex_};
        if (!loop_) return;
        answer_ = std::move(found);
        ::asio::post(*loop_, [self = shared_from_this()] {
            if (self->op_) self->op_->answered();
        });
    }

    const std::string name_;
    std::mutex mutex_;
    ::asio::io_context* loop_;  // null: there may be no loop any more
    std::optional<result<std::vector<ip::address>>> answer_;
    resolve_op* op_;  // used by the loop's thread alone
};

bool resolve_op::start(context& io) noexcept {
    lookup_ = std::make_shared<lookup>(io, *this);
    const std::error_code ec = lookup_->start();
    if (ec) result = fail(ec);
    return static_cast<bool>(ec);
}

void resolve_op::arm(context& io, continuation& k) noexcept {
    io_ = &io;
    k_ = &k;
    on_ready_ = [](waiter& w) noexcept {
        auto& self = static_cast<resolve_op&>(w);
        self.result = *self.lookup_->give_up();
        self.io_->disarm(self);
        self.io_->post(*self.k_);
    };
    io.arm(*this);
}

void resolve_op::answered() noexcept { io_->ready(*this); }

void resolve_op::cancel(context& io) noexcept {
    if (!armed()) return;
    auto answer = lookup_->give_up();
    result = answer ? *std::move(answer) : fail(errc::canceled);
    io.disarm(*this);
    io.post(*k_);
}

}  // namespace asio
}  // namespace copoll::backend
