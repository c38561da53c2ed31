// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <copoll/backend/context.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace asio {

class lookup;

/// getaddrinfo in a thread of its own: one that takes long holds up no other. It can't be
/// interrupted, so a canceled operation completes at once and leaves the thread behind, whose
/// answer nobody takes. Asio's resolver has one thread for all, and a loop that ends waits for it.
class resolve_op : public waiter {
public:
    copoll::result<std::vector<ip::address>> result{};

    explicit resolve_op(std::string name) noexcept : name_(std::move(name)) {}
    const std::string& name() const noexcept { return name_; }

    bool start(context& io) noexcept;
    void arm(context& io, continuation& k) noexcept;
    void cancel(context& io) noexcept;

private:
    friend class lookup;
    void answered() noexcept;

    std::string name_;
    std::shared_ptr<lookup> lookup_;
    context* io_ = nullptr;
    continuation* k_ = nullptr;
};

}  // namespace asio
}  // namespace copoll::backend
