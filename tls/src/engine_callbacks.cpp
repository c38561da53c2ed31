// SPDX-License-Identifier: MIT OR Apache-2.0
// The engine: what mbedTLS calls.
#include "engine_state.hpp"

#include <algorithm>
#include <string>

#include "clock.hpp"
#include "records.hpp"
#include "x509.hpp"

namespace copoll::tls {

namespace d = detail;

int engine::state::send(void* p, const unsigned char* bytes, std::size_t n) noexcept {
    auto& self = *static_cast<state*>(p);
    const std::span record{reinterpret_cast<const std::byte*>(bytes), n};
    // in TLS 1.3 what is encrypted is application data to those on the way
    const bool encrypted = self.changed_cipher && mbedtls_ssl_get_version_number(&self.ssl) ==
                                                      MBEDTLS_SSL_VERSION_TLS1_2;
    if (!record.empty() && record[0] == d::change_cipher_type) self.changed_cipher = true;
    if (!record.empty() && record[0] == d::handshake_type) self.traced = decltype(self.traced){};
    self.send_record(record, encrypted);
    return static_cast<int>(n);
}

int engine::state::receive(void* p, unsigned char* into, std::size_t n) noexcept {
    auto& self = *static_cast<state*>(p);
    self.record_refused = self.watch.look_back(self.ssl);
    if (self.record_refused) return MBEDTLS_ERR_SSL_UNEXPECTED_RECORD;
    const bool from_held = !self.held.empty();  // what the ClientHello was parsed from
    const auto source = from_held ? std::as_const(self.held).data() : self.in;
    if (source.empty()) return self.in_ended ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
    const auto taken = source.first(std::min(n, source.size()));
    std::ranges::copy(taken, reinterpret_cast<std::byte*>(into));
    self.record_refused = self.watch.pass(self.ssl, taken);
    if (self.record_refused) return MBEDTLS_ERR_SSL_UNEXPECTED_RECORD;
    const std::size_t size = taken.size();
    if (from_held)
        self.held.consume(size);
    else
        self.in = self.in.subspan(size);
    return static_cast<int>(size);
}

/// mbedTLS compares names; addresses are compared here.
int engine::state::verify(void* p, mbedtls_x509_crt* certificate, int depth,
                          std::uint32_t* flags) noexcept {
    auto& self = *static_cast<state*>(p);
    if (depth != 0 || self.server_role || !self.expected_address) return 0;
    const auto leaf = certificate::parse(std::as_bytes(d::bytes_of(certificate->raw)));
    if (!leaf || std::ranges::find(leaf->ip_addresses, *self.expected_address) ==
                     leaf->ip_addresses.end())
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    return 0;
}

void engine::state::export_keys(void* p, mbedtls_ssl_key_export_type type,
                                const unsigned char* secret, std::size_t size,
                                const unsigned char client_random[32], const unsigned char[32],
                                mbedtls_tls_prf_types) noexcept {
    const auto& self = *static_cast<const state*>(p);
    const char* label = nullptr;
    switch (type) {
        case MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET: label = "CLIENT_RANDOM"; break;
        case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_EARLY_SECRET:
            label = "CLIENT_EARLY_TRAFFIC_SECRET";
            break;
        case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_EARLY_EXPORTER_SECRET:
            label = "EARLY_EXPORTER_SECRET";
            break;
        case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_HANDSHAKE_TRAFFIC_SECRET:
            label = "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
            break;
        case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_HANDSHAKE_TRAFFIC_SECRET:
            label = "SERVER_HANDSHAKE_TRAFFIC_SECRET";
            break;
        case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET:
            label = "CLIENT_TRAFFIC_SECRET_0";
            break;
        case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET:
            label = "SERVER_TRAFFIC_SECRET_0";
            break;
        default: return;
    }
    std::string line = label;
    const auto add_hex = [&line](const unsigned char* bytes, std::size_t n) {
        constexpr char digits[] = "0123456789abcdef";
        line += ' ';
        for (std::size_t i = 0; i < n; ++i) {
            line += digits[bytes[i] >> 4];
            line += digits[bytes[i] & 15];
        }
    };
    add_hex(client_random, 32);
    add_hex(secret, size);
    self.keys()(line);
}

std::vector<std::byte> engine::state::sealed(const mbedtls_ssl_session& session) const {
    return d::seal_ticket(server.tickets->state(),
                          {server.session_context, d::wall_time(), peer, !verify_error,
                           d::saved(session)});
}

/// A session carries no certificate in TLS 1.3, so who the client is stands in what we put into it;
/// one that proved nothing does not pass where proof is wanted.
bool engine::state::open(std::span<const std::byte> sealed, mbedtls_ssl_session& into) noexcept {
    auto contents = d::open_ticket(server.tickets->state(), sealed, d::wall_time());
    if (!contents || contents->session_context != server.session_context) return false;
    if (server.authenticate == client_authentication::required && !contents->client) return false;
    if (server.verify_client == verification::required && contents->client &&
        !contents->client_verified)
        return false;
    peer_of_ticket = std::move(contents->client);
    peer_of_ticket_verified = contents->client_verified;
    if (mbedtls_ssl_session_load(&into,
                                 reinterpret_cast<const unsigned char*>(contents->blob.data()),
                                 contents->blob.size()) != 0)
        return false;
    early_promised = copoll_ssl_most_early_data(&into);
    if (early_promised > server.max_early_data) copoll_ssl_forbid_early_data(&into);
    // mbedTLS takes a session whose suite cannot be agreed on any more for an attack, and in TLS
    // 1.2 resumes one whose suite the client does not offer any more
    const int suite = mbedtls_ssl_session_get_ciphersuite_id(&into);
    const auto offered = hello->cipher_suites();
    if (config.has_suite(suite) &&
        std::ranges::find(offered, static_cast<tls::cipher_suite>(suite)) != offered.end() &&
        copoll_ssl_can_resume(&ssl, &into))
        return true;
    mbedtls_ssl_session_free(&into);
    return false;
}

int engine::state::write_ticket(void* p, const mbedtls_ssl_session* session, unsigned char* start,
                                const unsigned char* end, std::size_t* size,
                                std::uint32_t* lifetime) noexcept {
    const auto& self = *static_cast<const state*>(p);
    const auto ticket = self.sealed(*session);
    const auto room = static_cast<std::size_t>(end - start);
    if (ticket.empty() || ticket.size() > room) return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    std::ranges::copy(ticket, reinterpret_cast<std::byte*>(start));
    *size = ticket.size();
    *lifetime = static_cast<std::uint32_t>(self.server.tickets->state().lifetime.count());
    return 0;
}

int engine::state::read_ticket(void* p, mbedtls_ssl_session* session, unsigned char* ticket,
                               std::size_t size) noexcept {
    auto& self = *static_cast<state*>(p);
    const bool good = self.open(std::as_bytes(std::span(ticket, size)), *session);
    return good ? 0 : MBEDTLS_ERR_SSL_INVALID_MAC;
}

int engine::state::keep_by_id(void* p, const unsigned char* id, std::size_t size,
                              const mbedtls_ssl_session* session) noexcept {
    const auto& self = *static_cast<const state*>(p);
    if (self.renegotiating) return 0;  // who the client is now is judged later
    auto kept = self.sealed(*session);
    if (!kept.empty()) self.server.on_session(std::as_bytes(std::span(id, size)), std::move(kept));
    return 0;
}

int engine::state::find_by_id(void* p, const unsigned char* id, std::size_t size,
                              mbedtls_ssl_session* session) noexcept {
    auto& self = *static_cast<state*>(p);
    if (!self.open(self.server.resume, *session)) return MBEDTLS_ERR_SSL_CACHE_ENTRY_NOT_FOUND;
    const std::span own(*mbedtls_ssl_session_get_id(session),
                        mbedtls_ssl_session_get_id_len(session));
    if (std::ranges::equal(own, std::span(id, size))) return 0;
    mbedtls_ssl_session_free(session);
    return MBEDTLS_ERR_SSL_CACHE_ENTRY_NOT_FOUND;
}

int engine::state::find_psk(void* p, mbedtls_ssl_context* ssl, const unsigned char* identity,
                            std::size_t size) noexcept {
    auto& self = *static_cast<state*>(p);
    const std::string_view wanted{reinterpret_cast<const char*>(identity), size};
    const auto& known = self.server.psks;
    const auto found = std::ranges::find(known, wanted, &pre_shared_key::identity);
    if (found == known.end()) return MBEDTLS_ERR_SSL_UNKNOWN_IDENTITY;
    self.psk_identity = wanted;
    return mbedtls_ssl_set_hs_psk(
        ssl, reinterpret_cast<const unsigned char*>(found->key.data()), found->key.size());
}

}  // namespace copoll::tls
