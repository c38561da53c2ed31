// SPDX-License-Identifier: MIT OR Apache-2.0
// The engine: the handshake, step by step.
#include "engine_state.hpp"

#include <algorithm>
#include <utility>

#include "clock.hpp"
#include "native_identity.hpp"
#include "peer_checks.hpp"
#include "ssl_errors.hpp"

namespace copoll::tls {

namespace d = detail;

/// mbedTLS keeps the last message until it reads the next. None comes twice in a row.
void engine::state::trace_message() {
    std::size_t size = 0;
    const std::uint8_t* message = copoll_ssl_last_message(&ssl, &size);
    if (!message || traced == std::pair{*message, size}) return;
    traced = {*message, size};
    trace.message(std::as_bytes(std::span(message, size)));
}

/// Looks at what a step has brought; some of it is gone after the next.
bool engine::state::observe(bool finish_written) {
    position = std::max(position, copoll_ssl_where(&ssl));
    if (position < copoll_ssl_over) {
        resumed = copoll_ssl_resumed(&ssl);
        proved_by_psk = copoll_ssl_uses_psk(&ssl);
        retried = retried || copoll_ssl_retried_hello(&ssl);
        if (const auto agreed = copoll_ssl_group(&ssl)) group = static_cast<named_group>(agreed);
        if (shared_schemes.empty()) note_schemes();
        note_own_identity();
        if (server_role)
            note_early_data();
        else
            note_authorities();
        copoll_ssl_accept_cookie(&ssl);
        if (mbedtls_ssl_get_version_number(&ssl) == MBEDTLS_SSL_VERSION_TLS1_3)
            note_finished(finish_written);
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

void engine::state::note_authorities() {
    constexpr std::uint8_t certificate_request = 13;
    std::size_t size = 0;
    const std::uint8_t* message = copoll_ssl_last_message(&ssl, &size);
    if (!message || *message != certificate_request || !authorities.empty()) return;
    authorities = d::authorities_of(
        std::as_bytes(std::span(message, size)),
        static_cast<protocol_version>(mbedtls_ssl_get_version_number(&ssl)));
}

void engine::state::note_finished(bool ours_is_written) {
    const auto keep = [this](std::vector<std::byte>& into, auto look) {
        std::size_t size = 0;
        const std::uint8_t* data = look(&ssl, &size);
        if (!data || !into.empty()) return;
        const auto carried = std::as_bytes(std::span(data, size));
        into.assign(carried.begin(), carried.end());
    };
    if (ours_is_written) keep(own_finished, copoll_ssl_own_finished);
    keep(peer_finished, copoll_ssl_peer_finished);
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
    std::error_code found = d::error_of_flags(mbedtls_ssl_get_verify_result(&ssl));
    if (resumed) {  // mbedTLS keeps the leaf of the chain, in TLS 1.2, or nothing
        peer = server_role ? peer_of_ticket : client.resume->server_identity();
        const bool was_verified =
            server_role ? peer_of_ticket_verified : client.resume->state().verified;
        found = was_verified ? std::error_code{} : errc::certificate_untrusted;
    } else {
        peer = d::identity_of(copoll_ssl_peer_chain(&ssl));
    }
    if (peer) verify_error = found;
    if (!server_role) {
        if (!note_fate_of_early_data()) return refuse(errc::illegal_parameter);
        if (!resumed && !d::suite_fits_server(ssl)) return refuse(errc::illegal_parameter);
        return true;
    }
    if (server.authenticate == client_authentication::none) return true;
    const std::error_code wrong = judge_client(found);
    return !wrong || refuse(wrong);
}

/// Whether `peer`, about whose certificate this was found, will do; forgets one that does not.
std::error_code engine::state::judge_client(std::error_code found) {
    if (!peer) {
        const bool required = server.authenticate == client_authentication::required;
        return required ? errc::certificate_required : std::error_code{};
    }
    verify_error = found;
    if (!verify_error || server.verify_client != verification::required) return {};
    peer.reset();
    return verify_error;
}

/// Chooses what to present now that it is known what the server takes.
bool engine::state::answer_request() {
    answered = true;
    if (!copoll_ssl_certificate_requested(&ssl)) return true;
    const private_identity* const chosen = choose_identity();
    if (!chosen) return true;
    const int ret = mbedtls_ssl_conf_own_cert(&config.native(), d::native_chain(*chosen),
                                              d::native_key(*chosen));
    if (ret != 0) {
        fail_from(ret, out.size());
        return false;
    }
    own = chosen->identity();
    return true;
}

/// A server may take more than the authorities that it names, so one of another is tried, too.
const private_identity* engine::state::choose_identity() const {
    const private_identity* other = nullptr;
    for (const auto& identity : client.identities) {
        if (!fits(identity.identity().leaf())) continue;
        if (is_of_authority(identity)) return &identity;
        if (!other) other = &identity;
    }
    return other;
}

bool engine::state::is_of_authority(const private_identity& identity) const noexcept {
    for (const mbedtls_x509_crt* c = d::native_chain(identity); c; c = c->next) {
        const auto issuer = std::as_bytes(d::bytes_of(c->issuer_raw));
        if (std::ranges::any_of(authorities, [issuer](const auto& name) {
                return std::ranges::equal(name, issuer);
            }))
            return true;
    }
    return authorities.empty();
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
        case milestone::early_data: return early_ended || !held_early.empty();
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
        copoll_ssl_flush(&ssl);  // so that what the step writes is all that comes behind `before`
        const std::size_t before = out.size();
        stepped = true;
        const bool finishes = copoll_ssl_finishes_next(&ssl);
        const int ret = mbedtls_ssl_handshake_step(&ssl);
        if (ret == MBEDTLS_ERR_SSL_WANT_READ) {
            if (!in.empty() || !held.empty()) continue;
            return progress::needs_input;
        }
        if (ret == MBEDTLS_ERR_SSL_RECEIVED_EARLY_DATA && hold_early_data()) continue;
        if (ret != 0) {
            fail_from(ret, before);
            return progress::failed;
        }
        watch.progressed();
        trace_message();
        if (!observe(finishes)) return progress::failed;
        if (position == copoll_ssl_over) completed();
    }
}

void engine::state::completed() {
    if (version() == protocol_version::tls1_2) note_finished(true);
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
        d::session_state{std::move(blob), client.server_name, std::string(agreed_alpn()), *peer,
                         verified, copoll_ssl_most_early_data(native.get())})});
}

}  // namespace copoll::tls
