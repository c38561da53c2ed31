// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/dns.hpp>

#include <algorithm>
#include <cstddef>

#include <copoll/backend/stream.hpp>

#include "network.hpp"

namespace copoll::backend {
inline namespace wasi {
namespace {

ip::address to_address(const host::resolved_address& a) noexcept {
    if (a.family == 0) return ip::address{a.v4};
    ip::address::v6_bytes bytes{};
    for (std::size_t i = 0; i < a.v6.size(); ++i) {
        bytes[2 * i] = static_cast<std::uint8_t>(a.v6[i] >> 8);
        bytes[2 * i + 1] = static_cast<std::uint8_t>(a.v6[i]);
    }
    return ip::address{bytes};
}

/// What is denied here is the lookup: the message of the code says how to have it granted.
std::error_code to_lookup_error(host::socket_error code) noexcept {
    const std::error_code ec = to_error(code);
    return ec == errc::access_denied ? make_error_code(errc::lookup_denied) : ec;
}

}  // namespace

bool resolve_op::start(context&) noexcept {
    const auto r = host::returned<host::handle_result, host::raw::copoll_resolve_addresses,
                                  host::call::lookup>(
        network(), name_.data(), static_cast<std::uint32_t>(name_.size()));
    if (r.tag != 0) {
        result = fail(to_lookup_error(r.code));
        return true;
    }
    answers_ = resource<host::drop_resolve>{r.value};
    return attempt();
}

bool resolve_op::attempt() noexcept {
    for (;;) {
        const auto r = host::returned<host::resolve_result, host::raw::copoll_resolve_next_address,
                                      host::call::other>(answers_.get());
        if (r.tag != 0 && r.code == host::socket_error::would_block) return false;
        if (r.tag == 0 && r.ok.some != 0) {
            const ip::address a = to_address(r.ok.address);
            if (std::ranges::find(found_, a) == found_.end()) found_.push_back(a);
            continue;
        }
        if (r.tag != 0)
            result = fail(to_lookup_error(r.code));
        else if (found_.empty())
            result = fail(errc::name_unresolvable);
        else
            result = std::move(found_);
        close();
        return true;
    }
}

void resolve_op::cancel(context& io) noexcept {
    pollable_op::cancel(io);
    close();
}

void resolve_op::close() noexcept {
    pollable_.reset();
    answers_.reset();
}

host::handle resolve_op::pollable() {
    using host::call::subscribe;
    if (!pollable_)
        pollable_ = wasi::pollable{
            host::counted<host::raw::copoll_resolve_subscribe, subscribe>(answers_.get())};
    return pollable_.get();
}

}  // namespace wasi
}  // namespace copoll::backend
