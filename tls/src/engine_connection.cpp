// SPDX-License-Identifier: MIT OR Apache-2.0
// The engine: a complete connection.
#include "engine_state.hpp"

#include <algorithm>
#include <utility>

#include "clock.hpp"
#include "native_identity.hpp"
#include "records.hpp"
#include "ssl_errors.hpp"

namespace copoll::tls {

namespace d = detail;

namespace {

constexpr std::uint8_t key_update_message = 24;
/// Messages without data that a peer may send one after another (BoringSSL's limit).
constexpr unsigned most_idle_messages = 32;

}  // namespace

/// A message of the connection's own concern, not data. False if it ends the connection.
bool engine::state::take_message(int ret, std::size_t output_before) {
    if (++idle_messages > most_idle_messages) return refuse(errc::too_much_work);
    traced = decltype(traced){};
    trace_message();
    if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
        keep_session();
        return true;
    }
    std::size_t size = 0;
    const std::uint8_t* message = copoll_ssl_post_handshake_message(&ssl, &size);
    if (message && auth.is_pending() && *message != key_update_message)
        return take_auth_message({reinterpret_cast<const std::byte*>(message), size});
    switch (copoll_ssl_take_key_update(&ssl)) {
        case copoll_ssl_key_update: return true;
        case copoll_ssl_key_update_requested:
            owes_key_update = true;
            return true;
        case copoll_ssl_key_update_malformed: return refuse(errc::malformed_message);
        case copoll_ssl_key_update_failed: return refuse(errc::internal);
        case copoll_ssl_no_key_update: break;
    }
    fail_from(ret, output_before);
    return false;
}

/// One of the messages in which a client tells who it is. False if it ends the connection.
bool engine::state::take_auth_message(std::span<const std::byte> message) {
    std::error_code wrong = auth.take(ssl, message, server.client_roots);
    if (!wrong) {
        if (auth.is_pending()) return true;
        peer = auth.identity();
        wrong = judge_client(d::error_of_flags(auth.flags()));
    }
    return !wrong || refuse(wrong);
}

result<void> engine::state::request_client_identity() {
    if (error) return fail(error);
    if (!server_role || position != copoll_ssl_over || write_closed || auth.is_pending() ||
        renegotiating)
        return fail(copoll::errc::invalid_state);
    if (!take_buffers()) return fail(error);
    auth_error.clear();
    if (version() == protocol_version::tls1_2) return ask_again();
    if (!hello->has_post_handshake_auth()) return fail(copoll::errc::not_supported);
    const std::uint16_t* schemes = copoll_ssl_accepted_schemes(&ssl);
    std::size_t count = 0;
    while (schemes[count]) ++count;
    const auto message = auth.request({schemes, count});
    if (message.empty() ||
        copoll_ssl_send_message(&ssl, reinterpret_cast<const std::uint8_t*>(message.data()),
                                message.size()) != 0) {
        fail_with(errc::internal);
        return fail(error);
    }
    return {};
}

/// Renegotiation, allowed as long as it takes: the client may not start one.
result<void> engine::state::ask_again() {
    if (!hello->has_secure_renegotiation()) return fail(copoll::errc::not_supported);
    for (const auto& identity : server.identities)  // those of the first handshake are forgotten
        if (own == identity.identity())
            mbedtls_ssl_conf_own_cert(&config.native(), d::native_chain(identity),
                                      d::native_key(identity));
    mbedtls_ssl_conf_authmode(&config.native(), MBEDTLS_SSL_VERIFY_OPTIONAL);
    mbedtls_ssl_conf_renegotiation(&config.native(), MBEDTLS_SSL_RENEGOTIATION_ENABLED);
    mbedtls_ssl_conf_renegotiation_enforced(&config.native(),
                                            MBEDTLS_SSL_RENEGOTIATION_NOT_ENFORCED);
    const std::size_t before = out.size();
    const int ret = mbedtls_ssl_renegotiate(&ssl);
    if (ret != 0 && ret != MBEDTLS_ERR_SSL_WANT_READ) {
        fail_from(ret, before);
        return fail(error);
    }
    renegotiating = true;
    return {};
}

/// Looks whether the client has answered. False if its answer ends the connection.
bool engine::state::end_renegotiation() {
    if (copoll_ssl_refused_renegotiation(&ssl)) {
        auth_error = errc::renegotiation_refused;
    } else if (copoll_ssl_is_renegotiating(&ssl)) {
        return true;
    } else {
        peer = d::identity_of(copoll_ssl_peer_chain(&ssl));
        if (const auto wrong = judge_client(d::error_of_flags(mbedtls_ssl_get_verify_result(&ssl))))
            return refuse(wrong);
    }
    renegotiating = false;
    mbedtls_ssl_conf_renegotiation(&config.native(), MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    return true;
}

read_result engine::state::read(std::span<std::byte> into) {
    if (!held_early.empty() && position == copoll_ssl_over) return read_early(into);
    if (read_ended) return {read_ended, 0};
    if (error) return {error, 0};
    if (into.empty()) return {};
    if (!take_buffers()) return {error, 0};
    const d::clock_guard clock{now()};
    for (;;) {
        const std::size_t before = out.size();
        const int ret = mbedtls_ssl_read(&ssl, reinterpret_cast<unsigned char*>(into.data()),
                                         into.size());
        if (renegotiating && !end_renegotiation()) return {error, 0};
        if (ret > 0) {
            idle_messages = 0;
            watch.progressed();
            return {{}, static_cast<std::size_t>(ret)};
        }
        if (ret == MBEDTLS_ERR_SSL_WANT_READ) {
            if (!in.empty() || !held.empty() || mbedtls_ssl_check_pending(&ssl)) continue;
            return {};
        }
        if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            read_ended = copoll::errc::eof;
            return {read_ended, 0};
        }
        if (ret == 0) {
            read_ended = errc::truncated;
            return {read_ended, 0};
        }
        if (ret != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET &&
            ret != MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE) {
            fail_from(ret, before);
            return {error, 0};
        }
        if (!take_message(ret, before)) return {error, 0};
    }
}

std::size_t engine::state::record_size() const noexcept {
    const std::size_t limit = server_role ? server.protocol.record_size_limit
                                          : client.protocol.record_size_limit;
    return limit ? limit : d::most_plaintext;
}

io_result engine::state::write(std::span<const std::byte> bytes) {
    if (error) return {error, 0};
    if (write_closed) return {copoll::errc::closed, 0};
    if (bytes.empty()) return {};
    if (!take_buffers()) return {error, 0};
    // one answer before data, however often the peer asked meanwhile (RFC 8446 §4.6.3)
    if (std::exchange(owes_key_update, false) && copoll_ssl_send_key_update(&ssl, false) != 0) {
        fail_with(errc::internal);
        return {error, 0};
    }
    const std::size_t record = record_size();
    io_result total;
    const std::size_t records = bytes.size() / record + 2;
    out.prepare(std::min(most_output, bytes.size() + records * d::record_overhead));
    while (total.n < bytes.size()) {
        const auto rest = bytes.subspan(total.n, std::min(record, bytes.size() - total.n));
        if (total.n > 0 && out.size() + rest.size() + d::record_overhead > most_output) break;
        const std::size_t before = out.size();
        const int ret = mbedtls_ssl_write(&ssl, reinterpret_cast<const unsigned char*>(rest.data()),
                                          rest.size());
        // in a renegotiation, the latter with data of the peer that is to be read first
        if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WAITING_SERVER_HELLO_RENEGO)
            return total;
        if (ret <= 0) {
            fail_from(ret, before);
            total.ec = error;
            return total;
        }
        total.n += static_cast<std::size_t>(ret);
    }
    return total;
}

}  // namespace copoll::tls
