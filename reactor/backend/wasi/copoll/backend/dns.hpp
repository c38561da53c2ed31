// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <copoll/backend/context.hpp>
#include <copoll/backend/pollable_op.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

/// `wasi:sockets/ip-name-lookup`. Not libc's getaddrinfo, which blocks the guest.
class resolve_op : public pollable_op<resolve_op, copoll::result<std::vector<ip::address>>> {
public:
    explicit resolve_op(std::string name) noexcept : name_(std::move(name)) {}
    const std::string& name() const noexcept { return name_; }

    bool start(context& io) noexcept;
    bool attempt() noexcept;
    void cancel(context& io) noexcept;
    host::handle pollable();

private:
    void close() noexcept;

    std::string name_;
    std::vector<ip::address> found_;
    resource<host::drop_resolve> answers_;
    wasi::pollable pollable_;
};

}  // namespace wasi
}  // namespace copoll::backend
