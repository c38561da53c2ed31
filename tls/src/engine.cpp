// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/engine.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <mbedtls/ssl.h>

#include <copoll/buffer.hpp>
#include <copoll/detail/assert.hpp>
#include <copoll/ip.hpp>

#include "clock.hpp"
#include "crypto_ready.hpp"
#include "engine_state.hpp"
#include "native_identity.hpp"
#include "peer_checks.hpp"
#include "ssl_errors.hpp"

namespace copoll::tls {

using copoll::detail::expects;
namespace d = detail;

namespace {

/// Records that fit into one host write.
constexpr std::size_t most_output = 64 * 1024;
/// Of a record beyond its plaintext, at most: header, explicit nonce or type, tag.
constexpr std::size_t record_overhead = 32;
constexpr std::size_t default_record_size = 16384;
/// An alert in the clear: a record of this type, and of this size.
constexpr std::byte alert_record{21};
constexpr std::size_t alert_record_size = 7;
constexpr std::array change_cipher_record{std::byte{20}, std::byte{3}, std::byte{3},
                                          std::byte{0},  std::byte{1}, std::byte{1}};
constexpr std::uint8_t key_update_message = 24;
/// Messages without data that a peer may send one after another (BoringSSL's limit).
constexpr unsigned most_idle_messages = 32;

std::span<const std::byte> as_span(const mbedtls_x509_buf& der) noexcept {
    return {reinterpret_cast<const std::byte*>(der.p), der.len};
}

std::optional<public_identity> identity_of(const mbedtls_x509_crt* chain) {
    std::vector<std::vector<std::byte>> certificates;
    for (; chain && chain->raw.p; chain = chain->next) {
        const auto der = as_span(chain->raw);
        certificates.emplace_back(der.begin(), der.end());
    }
    if (certificates.empty()) return std::nullopt;
    return d::make_public_identity(std::move(certificates));
}

bool is_address(const std::string& name) noexcept {
    return ip::address::parse(name).has_value();
}

}  // namespace

// ---- What mbedTLS calls

int engine::state::send(void* p, const unsigned char* bytes, std::size_t n) noexcept {
    auto& self = *static_cast<state*>(p);
    const std::span record{reinterpret_cast<const std::byte*>(bytes), n};
    if (!record.empty() && record[0] == change_cipher_record[0]) self.changed_cipher = true;
    self.out.append(record);
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
    const auto leaf = certificate::parse(as_span(certificate->raw));
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

int engine::state::write_ticket(void* p, const mbedtls_ssl_session* session, unsigned char* start,
                                const unsigned char* end, std::size_t* size,
                                std::uint32_t* lifetime) noexcept {
    const auto& self = *static_cast<const state*>(p);
    const auto ticket = d::seal_ticket(
        self.server.tickets->state(),
        {self.server.session_context, d::wall_time(), self.peer, !self.verify_error,
         d::saved(*session)});
    const auto room = static_cast<std::size_t>(end - start);
    if (ticket.empty() || ticket.size() > room) return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    std::ranges::copy(ticket, reinterpret_cast<std::byte*>(start));
    *size = ticket.size();
    *lifetime = static_cast<std::uint32_t>(self.server.tickets->state().lifetime.count());
    return 0;
}

/// A ticket carries no certificate in TLS 1.3, so who the client is stands in what we put into it;
/// one that proved nothing does not pass where proof is wanted.
int engine::state::read_ticket(void* p, mbedtls_ssl_session* session, unsigned char* ticket,
                               std::size_t size) noexcept {
    auto& self = *static_cast<state*>(p);
    auto contents = d::open_ticket(self.server.tickets->state(),
                                   {reinterpret_cast<const std::byte*>(ticket), size},
                                   d::wall_time());
    if (!contents || contents->session_context != self.server.session_context)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    if (self.server.authenticate == client_authentication::required && !contents->client)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    if (self.server.verify_client == verification::required && contents->client &&
        !contents->client_verified)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    self.peer_of_ticket = std::move(contents->client);
    const int ret = mbedtls_ssl_session_load(
        session, reinterpret_cast<const unsigned char*>(contents->blob.data()),
        contents->blob.size());
    // mbedTLS takes a session whose suite cannot be agreed on any more for an attack, and in TLS
    // 1.2 resumes one whose suite the client does not offer any more
    const int suite = mbedtls_ssl_session_get_ciphersuite_id(session);
    const auto offered = self.hello->cipher_suites();
    if (ret != 0 || (self.config.has_suite(suite) &&
                     std::ranges::find(offered, static_cast<tls::cipher_suite>(suite)) !=
                         offered.end()))
        return ret;
    mbedtls_ssl_session_free(session);
    return MBEDTLS_ERR_SSL_INVALID_MAC;
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

// ---- The handshake

void engine::state::fail_with(std::error_code ec) noexcept {
    if (error) return;
    error = ec;
}

void engine::state::tell(alert a) noexcept {
    if (has_ssl && !take_buffers()) return;
    if (has_ssl) {
        // the former is new in TLS 1.3 (RFC 8446 §6.2; RFC 5246 §7.4.6)
        if (a == alert::certificate_required && version() == protocol_version::tls1_2)
            a = alert::handshake_failure;
        if (copoll_ssl_alert_needs_change_cipher(&ssl) && !changed_cipher) {
            changed_cipher = true;
            out.append(change_cipher_record);
        }
        copoll_ssl_write_alert(&ssl, static_cast<std::uint8_t>(a));
        return;
    }
    // nothing is set up that could write a record; one of an alert in the clear is simple
    const std::array<std::byte, alert_record_size> record{
        alert_record, std::byte{3}, std::byte{3}, std::byte{0},
        std::byte{2}, std::byte{2}, static_cast<std::byte>(a)};
    out.append(record);
}

/// Takes back all output but the first `kept` bytes. If it was an alert in the clear, which one.
std::optional<alert> engine::state::take_back_output(std::size_t kept) noexcept {
    const auto written = std::as_const(out).data();
    std::optional<alert> told;
    if (written.size() == kept + alert_record_size && written[kept] == alert_record)
        told = static_cast<alert>(written[kept + alert_record_size - 1]);
    buffer rest;
    rest.append(written.first(kept));
    out = std::move(rest);
    return told;
}

/// mbedTLS leaves on some ways without a word to the peer. What it wrote in the call that failed,
/// if anything, is an alert. The peer's own alert is not answered.
void engine::state::fail_from(int ret, std::size_t output_before) noexcept {
    std::error_code ec = d::error_of_ssl(ret);
    bool answer = true;
    if (ret == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        ec = static_cast<alert>(copoll_ssl_received_alert(&ssl));
        answer = false;
    } else if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        ec = alert::close_notify;
        answer = false;
    } else if (ret == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ||
               ret == MBEDTLS_ERR_SSL_BAD_CERTIFICATE) {  // the latter also for a wrong usage
        if (const auto why = d::error_of_flags(mbedtls_ssl_get_verify_result(&ssl))) ec = why;
    }
    if (ec == errc::truncated) answer = false;
    if (record_refused) {
        ec = record_refused->why;
        answer = record_refused->told.has_value();
    }
    if (answer) {
        alert told = record_refused ? *record_refused->told : alert_for(ec);
        if (copoll_ssl_take_keys_for_alert(&ssl))
            told = take_back_output(output_before).value_or(told);
        if (out.size() == output_before) tell(told);
    }
    fail_with(ec);
}

/// Ends it for what was found here, and tells the peer. Always false.
bool engine::state::refuse(std::error_code why) noexcept {
    tell(alert_for(why));
    fail_with(why);
    return false;
}

/// Until the ClientHello is whole. The bytes are kept: mbedTLS reads them again. A client may give
/// up at once, by an alert in its place.
progress engine::state::parse_hello() {
    for (;;) {
        const auto received = std::as_const(held).data();
        if (!received.empty() && received[0] == alert_record) {
            if (received.size() >= alert_record_size) {
                fail_with(static_cast<alert>(received[alert_record_size - 1]));
                return progress::failed;
            }
        } else {
            const auto parsed = client_hello::parse(received);
            if (!parsed) {
                refuse(parsed.error());
                return progress::failed;
            }
            if (*parsed) {
                hello = *parsed;
                frame_hello_anew();
                return progress::reached;
            }
        }
        if (in.empty()) {
            if (!in_ended) return progress::needs_input;
            fail_with(errc::truncated);
            return progress::failed;
        }
        held.append(in);
        in = {};
    }
}

/// One record of an ordinary version: mbedTLS refuses others, which mean nothing (RFC 8446 §5.1),
/// and a message whose header is cut.
void engine::state::frame_hello_anew() {
    const auto message = hello->message();
    if (message.size() > default_record_size) return;  // refused for its size
    const auto size = static_cast<unsigned>(message.size());
    const std::array header{std::byte{22}, std::byte{3}, std::byte{1},
                            static_cast<std::byte>(size >> 8), static_cast<std::byte>(size)};
    buffer framed;
    framed.append(header);
    framed.append(message);
    framed.append(std::as_const(held).data().subspan(hello->wire_size()));
    held = std::move(framed);
}

/// mbedTLS tells a client that speaks none of our versions something less clear.
bool engine::state::speaks_our_version() const noexcept {
    return std::ranges::any_of(hello->versions(), [this](protocol_version v) {
        return v >= server.protocol.min_version && v <= server.protocol.max_version;
    });
}

bool engine::state::set_up() {
    if (server_role && !speaks_our_version()) return refuse(errc::unsupported_version);
    const d::clock_guard clock{now()};
    mbedtls_ssl_init(&ssl);
    has_ssl = true;
    int ret = d::crypto_ready() ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    if (ret == 0) ret = server_role ? config.set_up(server, *hello) : config.set_up(client);
    if (ret == 0 && server_role && server.tickets) {
        mbedtls_ssl_conf_session_tickets_cb(&config.native(), write_ticket, read_ticket, this);
    }
    if (ret == 0 && server_role && !server.psks.empty())
        mbedtls_ssl_conf_psk_cb(&config.native(), find_psk, this);
    if (ret == 0) ret = mbedtls_ssl_setup(&ssl, &config.native());
    if (ret == 0) {
        mbedtls_ssl_set_bio(&ssl, this, send, receive, nullptr);
        mbedtls_ssl_set_verify(&ssl, verify, this);
        if (keys()) mbedtls_ssl_set_export_keys_cb(&ssl, export_keys, this);
        ret = server_role ? set_up_server() : set_up_client();
    }
    if (ret == 0) return true;
    fail_from(ret, out.size());
    return false;
}

int engine::state::set_up_client() {
    const bool by_name = !client.server_name.empty() && !is_address(client.server_name);
    if (client.server_name.empty() && client.verify == verification::required && !client.psk)
        return MBEDTLS_ERR_SSL_BAD_CONFIG;
    if (const auto address = ip::address::parse(client.server_name)) expected_address = *address;
    // an address must not stand in SNI (RFC 6066 §3); it is compared in `verify`
    int ret = mbedtls_ssl_set_hostname(&ssl, by_name ? client.server_name.c_str() : nullptr);
    if (ret != 0 || !client.resume || client.resume->server_name() != client.server_name)
        return ret;
    if (client.verify == verification::required && !client.resume->state().verified) return ret;
    d::ssl_session session;
    const auto& blob = client.resume->state().blob;
    // one that does not fit any more is no reason to fail: the handshake is a full one then
    if (mbedtls_ssl_session_load(session.get(), reinterpret_cast<const unsigned char*>(blob.data()),
                                 blob.size()) == 0)
        mbedtls_ssl_set_session(&ssl, session.get());
    return ret;
}

/// mbedTLS takes the first that fits the client's signature schemes.
int engine::state::set_up_server() {
    std::vector<const private_identity*> order;
    for (const auto& identity : server.identities) order.push_back(&identity);
    if (const auto name = hello->server_name())
        std::ranges::stable_partition(order, [&](const private_identity* identity) {
            return names_host(identity->identity().leaf(), *name);
        });
    for (const private_identity* identity : order) {
        const int ret = mbedtls_ssl_set_hs_own_cert(&ssl, d::native_chain(*identity),
                                                    d::native_key(*identity));
        if (ret != 0) return ret;
    }
    return 0;
}

bool engine::state::names_host(const certificate& leaf, std::string_view host) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    const auto same = [&](std::string_view a, std::string_view b) {
        return std::ranges::equal(a, b, {}, lower, lower);
    };
    return std::ranges::any_of(leaf.dns_names, [&](std::string_view name) {
        if (same(name, host)) return true;
        const auto dot = host.find('.');
        return name.starts_with("*.") && dot != std::string_view::npos &&
               same(name.substr(1), host.substr(dot));
    });
}

/// Looks at what a step has brought; some of it is gone after the next.
bool engine::state::observe() {
    position = std::max(position, copoll_ssl_where(&ssl));
    if (position < copoll_ssl_over) {
        resumed = copoll_ssl_resumed(&ssl);
        proved_by_psk = copoll_ssl_uses_psk(&ssl);
        retried = retried || copoll_ssl_retried_hello(&ssl);
        if (const auto agreed = copoll_ssl_group(&ssl)) group = static_cast<named_group>(agreed);
        if (shared_schemes.empty()) note_schemes();
        note_own_identity();
        copoll_ssl_accept_cookie(&ssl);
        if (!d::proof_is_fit(ssl)) return refuse(errc::illegal_parameter);
    }
    if (server_role && hello->has_post_handshake_auth() && copoll_ssl_is_at_wrapup(&ssl) &&
        !copoll_ssl_clone_transcript(&ssl, auth.handshake().native()))
        return refuse(errc::internal);
    if (position >= copoll_ssl_peer_proved && !peer_noted) {
        peer_noted = true;
        return note_peer();
    }
    return true;
}

void engine::state::note_schemes() {
    const auto& chosen = server_role ? server.protocol.signature_schemes
                                     : client.protocol.signature_schemes;
    const auto accepted = chosen.empty() ? signature_schemes() : std::span(chosen);
    for (const std::uint16_t* s = copoll_ssl_peer_signature_schemes(&ssl); *s; ++s) {
        const auto scheme = static_cast<signature_scheme>(*s);
        if (std::ranges::find(accepted, scheme) != accepted.end()) shared_schemes.push_back(scheme);
    }
}

void engine::state::note_own_identity() {
    if (!server_role || own) return;
    const mbedtls_x509_crt* leaf = copoll_ssl_own_leaf(&ssl);
    for (const auto& identity : server.identities)
        if (d::native_chain(identity) == leaf) own = identity.identity();
}

/// What the peer proved, and whether that will do. mbedTLS has refused a server by now that must be
/// refused; about a client the engine decides.
bool engine::state::note_peer() {
    const std::uint32_t flags = mbedtls_ssl_get_verify_result(&ssl);
    if (resumed)  // mbedTLS keeps the leaf of the chain, in TLS 1.2, or nothing
        peer = server_role ? peer_of_ticket : client.resume->server_identity();
    else
        peer = identity_of(copoll_ssl_peer_chain(&ssl));
    if (!server_role) {
        if (!resumed && !d::suite_fits_server(ssl)) return refuse(errc::illegal_parameter);
        if (peer && !resumed) verify_error = d::error_of_flags(flags);
        return true;
    }
    if (server.authenticate == client_authentication::none) return true;
    const std::error_code wrong = judge_client(resumed ? 0 : flags);
    return !wrong || refuse(wrong);
}

/// Whether `peer`, verified with these flags, will do; forgets one that does not.
std::error_code engine::state::judge_client(std::uint32_t flags) {
    if (!peer) {
        const bool required = server.authenticate == client_authentication::required;
        return required ? errc::certificate_required : std::error_code{};
    }
    verify_error = d::error_of_flags(flags);
    if (!verify_error || server.verify_client != verification::required) return {};
    peer.reset();
    return verify_error;
}

/// Chooses what to present now that it is known what the server takes.
bool engine::state::answer_request() {
    answered = true;
    if (!copoll_ssl_certificate_requested(&ssl)) return true;
    for (const auto& identity : client.identities) {
        const auto leaf = identity.identity().leaf();
        if (!fits(leaf)) continue;
        const int ret = mbedtls_ssl_conf_own_cert(&config.native(), d::native_chain(identity),
                                                  d::native_key(identity));
        if (ret != 0) {
            fail_from(ret, out.size());
            return false;
        }
        own = identity.identity();
        return true;
    }
    return true;
}

/// Whether the server takes signatures of this key. TLS 1.2 tells mbedTLS nothing about that.
bool engine::state::fits(const certificate& leaf) const noexcept {
    if (shared_schemes.empty()) return true;
    return std::ranges::any_of(shared_schemes,
                               [&](signature_scheme s) { return d::is_for(s, leaf); });
}

bool engine::state::has_reached(milestone m) const noexcept {
    switch (m) {
        case milestone::client_hello: return true;
        case milestone::server_identity:
        case milestone::client_identity: return position >= copoll_ssl_peer_proved;
        case milestone::client_identity_request: return position >= copoll_ssl_answer_wanted;
        case milestone::complete: return position >= copoll_ssl_over;
    }
    return true;
}

progress engine::state::step_until(milestone until) {
    const d::clock_guard clock{now()};
    for (;;) {
        if (has_reached(until)) return progress::reached;
        if (!server_role && position >= copoll_ssl_answer_wanted && !answered &&
            !answer_request())
            return progress::failed;
        const std::size_t before = out.size();
        const int ret = mbedtls_ssl_handshake_step(&ssl);
        if (ret == MBEDTLS_ERR_SSL_WANT_READ) {
            if (!in.empty() || !held.empty()) continue;
            return progress::needs_input;
        }
        if (ret != 0) {
            fail_from(ret, before);
            return progress::failed;
        }
        watch.progressed();
        if (!observe()) return progress::failed;
        if (position == copoll_ssl_over) completed();
    }
}

void engine::state::completed() {
    if (!server_role && client.allow_renegotiation && !own && !client.identities.empty()) {
        // what answers a server that asks later; mbedTLS does not say what fits
        const private_identity& first = client.identities.front();
        mbedtls_ssl_conf_own_cert(&config.native(), d::native_chain(first), d::native_key(first));
    }
    if (server_role || version() != protocol_version::tls1_2) return;
    keep_session();  // in TLS 1.3 it comes later
}

void engine::state::keep_session() {
    if (!client.on_session || !peer) return;
    d::ssl_session native;
    if (mbedtls_ssl_get_session(&ssl, native.get()) != 0) return;
    if (!copoll_ssl_can_be_resumed(native.get())) return;
    auto blob = d::saved(*native.get());
    if (blob.empty()) return;
    const bool verified = resumed ? client.resume->state().verified : !verify_error;
    client.on_session(session{std::make_shared<const d::session_state>(
        d::session_state{std::move(blob), client.server_name, *peer, verified})});
}

std::optional<protocol_version> engine::state::version() const noexcept {
    if (!has_ssl || position < copoll_ssl_peer_proved) return std::nullopt;
    return static_cast<protocol_version>(mbedtls_ssl_get_version_number(&ssl));
}

bool engine::state::take_buffers() noexcept {
    if (!has_ssl || !copoll_ssl_is_parked(&ssl)) return true;
    if (copoll_ssl_unpark(&ssl, counter)) return true;
    fail_with(copoll::errc::out_of_memory);
    return false;
}

// ---- The connection

/// A message of the connection's own concern, not data. False if it ends the connection.
bool engine::state::take_message(int ret, std::size_t output_before) {
    if (++idle_messages > most_idle_messages) return refuse(errc::too_much_work);
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
        wrong = judge_client(auth.flags());
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
        peer = identity_of(copoll_ssl_peer_chain(&ssl));
        if (const auto wrong = judge_client(mbedtls_ssl_get_verify_result(&ssl)))
            return refuse(wrong);
    }
    renegotiating = false;
    mbedtls_ssl_conf_renegotiation(&config.native(), MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    return true;
}

read_result engine::state::read(std::span<std::byte> into) {
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
    const std::size_t limit = server_role ? server.protocol.record_size_limit
                                          : client.protocol.record_size_limit;
    const std::size_t record = limit ? limit : default_record_size;
    io_result total;
    const std::size_t records = bytes.size() / record + 2;
    out.prepare(std::min(most_output, bytes.size() + records * record_overhead));
    while (total.n < bytes.size()) {
        const auto rest = bytes.subspan(total.n, std::min(record, bytes.size() - total.n));
        if (total.n > 0 && out.size() + rest.size() + record_overhead > most_output) break;
        const std::size_t before = out.size();
        const int ret = mbedtls_ssl_write(&ssl, reinterpret_cast<const unsigned char*>(rest.data()),
                                          rest.size());
        if (ret == MBEDTLS_ERR_SSL_WANT_READ) return total;
        if (ret <= 0) {
            fail_from(ret, before);
            total.ec = error;
            return total;
        }
        total.n += static_cast<std::size_t>(ret);
    }
    return total;
}

// ---- The public face

engine::engine(client_options options) : state_(std::make_unique<state>()) {
    state_->client = std::move(options);
}
engine::engine(server_options options) : state_(std::make_unique<state>()) {
    state_->server_role = true;
    state_->server = std::move(options);
}
engine::engine(engine&&) noexcept = default;
engine& engine::operator=(engine&&) noexcept = default;
engine::~engine() = default;

engine::state::~state() {
    if (has_ssl) mbedtls_ssl_free(&ssl);
}

bool engine::is_server() const noexcept { return state_->server_role; }

void engine::input(std::span<const std::byte> bytes) noexcept {
    expects(state_->in.empty(), "tls::engine: input while the last is not used up");
    state_->in = bytes;
}
void engine::input_ended() noexcept { state_->in_ended = true; }
std::size_t engine::unread() const noexcept { return state_->in.size(); }

buffer& engine::output() noexcept { return state_->out; }

progress engine::advance(milestone until) {
    state& s = *state_;
    if (s.error) return progress::failed;
    if (s.server_role && !s.hello) {
        const progress p = s.parse_hello();
        if (p != progress::reached || until == milestone::client_hello) return p;
    }
    if (until == milestone::client_hello) return progress::reached;
    if (!s.has_ssl && !s.set_up()) return progress::failed;
    return s.step_until(until);
}

void engine::abort(alert reason) noexcept {
    if (state_->error) return;
    state_->tell(reason);
    state_->fail_with(errc::aborted);
}

std::error_code engine::error() const noexcept {
    return state_->error ? state_->error : state_->read_ended;
}

client_options& engine::client() noexcept { return state_->client; }
server_options& engine::server() noexcept { return state_->server; }

const client_hello& engine::hello() const noexcept {
    expects(state_->hello.has_value(), "tls::engine: no ClientHello yet");
    return *state_->hello;
}

bool engine::client_identity_requested() const noexcept {
    return state_->has_ssl && copoll_ssl_certificate_requested(&state_->ssl);
}

void engine::present(std::vector<private_identity> identities) {
    expects(!state_->answered, "tls::engine: too late to present an identity");
    state_->client.identities = std::move(identities);
}

read_result engine::read(std::span<std::byte> into) { return state_->read(into); }
io_result engine::write(std::span<const std::byte> bytes) { return state_->write(bytes); }

void engine::close() noexcept {
    state& s = *state_;
    if (s.error || s.write_closed || !is_complete() || !s.take_buffers()) return;
    s.write_closed = true;
    mbedtls_ssl_close_notify(&s.ssl);
}
bool engine::is_closed() const noexcept { return state_->write_closed; }

result<void> engine::update_keys(bool request_peer) {
    state& s = *state_;
    if (s.error) return fail(s.error);
    if (!is_complete() || s.write_closed) return fail(copoll::errc::invalid_state);
    if (version() != protocol_version::tls1_3) return fail(copoll::errc::not_supported);
    if (!s.take_buffers()) return fail(s.error);
    if (copoll_ssl_send_key_update(&s.ssl, request_peer) == 0) return {};
    s.fail_with(errc::internal);
    return fail(s.error);
}

result<void> engine::request_client_identity() { return state_->request_client_identity(); }
bool engine::is_client_identity_pending() const noexcept {
    return !state_->error && (state_->auth.is_pending() || state_->renegotiating);
}
std::error_code engine::client_identity_error() const noexcept {
    return state_->error ? state_->error : state_->auth_error;
}

void engine::release_buffers() noexcept {
    state& s = *state_;
    if (s.has_ssl && is_complete()) copoll_ssl_park(&s.ssl, s.counter);
    if (s.out.empty()) s.out = buffer{};
    if (s.held.empty()) s.held = buffer{};
}

bool engine::is_complete() const noexcept { return state_->position == copoll_ssl_over; }

std::optional<protocol_version> engine::version() const noexcept { return state_->version(); }

std::optional<cipher_suite> engine::cipher_suite() const noexcept {
    if (!version()) return std::nullopt;
    const int id = mbedtls_ssl_get_ciphersuite_id_from_ssl(&state_->ssl);
    return static_cast<tls::cipher_suite>(id);
}

std::optional<named_group> engine::group() const noexcept { return state_->group; }

std::optional<std::string_view> engine::alpn_id() const noexcept {
    const char* id = state_->has_ssl ? mbedtls_ssl_get_alpn_protocol(&state_->ssl) : nullptr;
    if (!id) return std::nullopt;
    return id;
}

std::optional<std::string_view> engine::server_name() const noexcept {
    const state& s = *state_;
    if (s.server_role) return s.hello ? s.hello->server_name() : std::nullopt;
    if (s.client.server_name.empty()) return std::nullopt;
    return s.client.server_name;
}

std::optional<public_identity> engine::server_identity() const {
    return state_->server_role ? state_->own : state_->peer;
}
std::optional<public_identity> engine::client_identity() const {
    return state_->server_role ? state_->peer : state_->own;
}

std::error_code engine::verify_error() const noexcept { return state_->verify_error; }
bool engine::is_resumed() const noexcept { return state_->resumed; }
std::optional<std::string_view> engine::psk_identity() const noexcept {
    const state& s = *state_;
    if (!is_complete() || !s.proved_by_psk) return std::nullopt;
    return s.server_role ? s.psk_identity : s.client.psk->identity;
}
bool engine::was_retried() const noexcept { return state_->retried; }

std::span<const signature_scheme> engine::shared_signature_schemes() const noexcept {
    return state_->shared_schemes;
}

result<void> engine::export_keying_material(
    std::span<std::byte> into, std::string_view label,
    std::optional<std::span<const std::byte>> context) const {
    if (!is_complete()) return fail(copoll::errc::invalid_state);
    const auto with = context.value_or(std::span<const std::byte>{});
    const int ret = mbedtls_ssl_export_keying_material(
        &state_->ssl, reinterpret_cast<unsigned char*>(into.data()), into.size(), label.data(),
        label.size(), reinterpret_cast<const unsigned char*>(with.data()), with.size(),
        context.has_value());
    if (ret != 0) return fail(d::error_of_ssl(ret));
    return {};
}

}  // namespace copoll::tls
