// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/tcp.hpp>

#include "option_calls.hpp"

namespace copoll::backend {
inline namespace wasi {
namespace {

using detail::socket_option;

constexpr std::uint64_t second = 1'000'000'000;  // durations are in nanoseconds

result<void> set_option(host::handle socket, socket_option o, std::uint64_t value) noexcept {
    const auto small = static_cast<std::int32_t>(value);
    const auto large = static_cast<std::int64_t>(value);
    const auto duration = static_cast<std::int64_t>(value * second);
    namespace raw = host::raw;
    switch (o) {
        case socket_option::keep_alive:
            return set_with<raw::copoll_tcp_set_keep_alive_enabled>(socket, small);
        case socket_option::keep_alive_idle:
            return set_with<raw::copoll_tcp_set_keep_alive_idle>(socket, duration);
        case socket_option::keep_alive_interval:
            return set_with<raw::copoll_tcp_set_keep_alive_interval>(socket, duration);
        case socket_option::keep_alive_count:
            return set_with<raw::copoll_tcp_set_keep_alive_count>(socket, small);
        case socket_option::hop_limit:
            return set_with<raw::copoll_tcp_set_hop_limit>(socket, small);
        case socket_option::receive_buffer_size:
            return set_with<raw::copoll_tcp_set_receive_buffer>(socket, large);
        case socket_option::send_buffer_size:
            return set_with<raw::copoll_tcp_set_send_buffer>(socket, large);
        case socket_option::no_delay:
        case socket_option::reset_on_close: break;
    }
    return fail(errc::not_supported);
}

result<std::uint64_t> get_option(host::handle socket, socket_option o) noexcept {
    const auto in_seconds = [](result<std::uint64_t> r) {
        if (r) *r = (*r + second - 1) / second;
        return r;
    };
    namespace raw = host::raw;
    switch (o) {
        case socket_option::keep_alive:
            return get_with<raw::copoll_tcp_keep_alive_enabled, std::uint8_t>(socket);
        case socket_option::keep_alive_idle:
            return in_seconds(get_with<raw::copoll_tcp_keep_alive_idle, std::uint64_t>(socket));
        case socket_option::keep_alive_interval:
            return in_seconds(get_with<raw::copoll_tcp_keep_alive_interval, std::uint64_t>(socket));
        case socket_option::keep_alive_count:
            return get_with<raw::copoll_tcp_keep_alive_count, std::uint32_t>(socket);
        case socket_option::hop_limit:
            return get_with<raw::copoll_tcp_hop_limit, std::uint8_t>(socket);
        case socket_option::receive_buffer_size:
            return get_with<raw::copoll_tcp_receive_buffer, std::uint64_t>(socket);
        case socket_option::send_buffer_size:
            return get_with<raw::copoll_tcp_send_buffer, std::uint64_t>(socket);
        case socket_option::no_delay:
        case socket_option::reset_on_close: break;
    }
    return fail(errc::not_supported);
}

}  // namespace

result<void> tcp_socket::set(socket_option o, std::uint64_t value) noexcept {
    return set_option(socket_.get(), o, value);
}
result<std::uint64_t> tcp_socket::get(socket_option o) const noexcept {
    return get_option(socket_.get(), o);
}
result<void> tcp_listener::set(socket_option o, std::uint64_t value) noexcept {
    return set_option(socket_.get(), o, value);
}
result<std::uint64_t> tcp_listener::get(socket_option o) const noexcept {
    return get_option(socket_.get(), o);
}

}  // namespace wasi
}  // namespace copoll::backend
