// SPDX-License-Identifier: MIT OR Apache-2.0
// The engine: data ahead of the handshake (0-RTT).
#include "engine_state.hpp"

#include <algorithm>
#include <utility>

#include "clock.hpp"
#include "records.hpp"

namespace copoll::tls {

namespace d = detail;

namespace {

/// Bytes of refused early data that a server skips which has promised nothing (BoringSSL's limit).
constexpr std::uint64_t most_skipped = 16384;

}  // namespace

io_result engine::state::write_early_data(std::span<const std::byte> bytes) {
    if (error) return {error, 0};
    if (server_role || stepped || (has_ssl && !sends_early))
        return {copoll::errc::invalid_state, 0};
    if (!client.resume || client.resume->max_early_data() == 0)
        return {copoll::errc::not_supported, 0};
    sends_early = true;
    if (!has_ssl && !set_up()) return {error, 0};
    const d::clock_guard clock{now()};
    const std::size_t record = record_size();
    const auto later = std::exchange(in, {});  // mbedTLS would go on with the handshake
    io_result total;
    while (total.n < bytes.size() && out.size() + record + d::record_overhead <= most_output) {
        const auto rest = bytes.subspan(total.n, std::min(record, bytes.size() - total.n));
        const std::size_t before = out.size();
        const int ret = mbedtls_ssl_write_early_data(
            &ssl, reinterpret_cast<const unsigned char*>(rest.data()), rest.size());
        if (ret == MBEDTLS_ERR_SSL_CANNOT_WRITE_EARLY_DATA) {
            if (total.n == 0)
                total.ec = early_written < client.resume->max_early_data()
                               ? copoll::errc::not_supported
                               : copoll::errc::message_too_large;
            break;
        }
        if (ret <= 0) {
            fail_from(ret, before);
            total.ec = error;
            break;
        }
        early_written += static_cast<std::uint32_t>(ret);
        total.n += static_cast<std::size_t>(ret);
    }
    in = later;
    return total;
}

/// Of a client. False if the server took it for another application protocol than it was meant for
/// (RFC 8446 §4.2.10).
bool engine::state::note_fate_of_early_data() {
    if (early_written == 0) return true;
    early = copoll_ssl_early_data_was_taken(&ssl) ? early_data::accepted : early_data::refused;
    return early == early_data::refused || agreed_alpn() == client.resume->state().alpn;
}

void engine::state::note_early_data() {
    if (hello->has_early_data()) {
        early = copoll_ssl_takes_early_data(&ssl) ? early_data::accepted : early_data::refused;
        // what was promised, here or by another server with the same keys, in small records
        const std::uint64_t promised =
            2 * std::uint64_t{std::max(early_promised, server.max_early_data)};
        if (early == early_data::refused)
            copoll_ssl_skip_early_data(&ssl, static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
                                                 promised, most_skipped, UINT32_MAX)));
    }
    early_ended = !copoll_ssl_expects_early_data(&ssl);
}

/// Takes a record of it from mbedTLS, which goes on afterwards.
bool engine::state::hold_early_data() {
    const auto room = held_early.prepare(d::most_plaintext);
    const int ret = mbedtls_ssl_read_early_data(
        &ssl, reinterpret_cast<unsigned char*>(room.data()), room.size());
    if (ret < 0) return false;
    held_early.commit(static_cast<std::size_t>(ret));
    return true;
}

read_result engine::state::read_early(std::span<std::byte> into) {
    const auto data = std::as_const(held_early).data();
    const std::size_t n = std::min(data.size(), into.size());
    std::ranges::copy(data.first(n), into.begin());
    held_early.consume(n);
    return {{}, n};
}

}  // namespace copoll::tls
