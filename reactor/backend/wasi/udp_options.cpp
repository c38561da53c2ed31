// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/udp.hpp>

#include "option_calls.hpp"

namespace copoll::backend {
inline namespace wasi {

using detail::socket_option;

result<void> udp_socket::set(socket_option o, std::uint64_t value) noexcept {
    const host::handle s = socket_.get();
    const auto large = static_cast<std::int64_t>(value);
    namespace raw = host::raw;
    switch (o) {
        case socket_option::hop_limit:
            return set_with<raw::copoll_udp_set_hop_limit>(s, static_cast<std::int32_t>(value));
        case socket_option::receive_buffer_size:
            return set_with<raw::copoll_udp_set_receive_buffer>(s, large);
        case socket_option::send_buffer_size:
            return set_with<raw::copoll_udp_set_send_buffer>(s, large);
        default: return fail(errc::not_supported);
    }
}

result<std::uint64_t> udp_socket::get(socket_option o) const noexcept {
    const host::handle s = socket_.get();
    namespace raw = host::raw;
    switch (o) {
        case socket_option::hop_limit:
            return get_with<raw::copoll_udp_hop_limit, std::uint8_t>(s);
        case socket_option::receive_buffer_size:
            return get_with<raw::copoll_udp_receive_buffer, std::uint64_t>(s);
        case socket_option::send_buffer_size:
            return get_with<raw::copoll_udp_send_buffer, std::uint64_t>(s);
        default: return fail(errc::not_supported);
    }
}

}  // namespace wasi
}  // namespace copoll::backend
