// SPDX-License-Identifier: MIT OR Apache-2.0
// The engine: the ClientHello, and what a handshake is made with.
#include "engine_state.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <copoll/ip.hpp>

#include "clock.hpp"
#include "crypto_ready.hpp"
#include "native_identity.hpp"
#include "records.hpp"
#include "ssl_errors.hpp"

namespace copoll::tls {

namespace d = detail;

namespace {

/// mbedTLS has these in TLS 1.3 alone.
bool is_pss(signature_scheme s) noexcept {
    return s == signature_scheme::rsa_pss_rsae_sha256 ||
           s == signature_scheme::rsa_pss_rsae_sha384 || s == signature_scheme::rsa_pss_rsae_sha512;
}

bool is_address(const std::string& name) noexcept {
    return ip::address::parse(name).has_value();
}

}  // namespace

/// Until the ClientHello is whole. The bytes are kept: mbedTLS reads them again. A client may give
/// up at once, by an alert in its place.
progress engine::state::parse_hello() {
    for (;;) {
        const auto received = std::as_const(held).data();
        if (!received.empty() && received[0] == d::alert_type) {
            if (received.size() >= d::alert_record_size) {
                fail_with(d::error_of_alert(received[d::alert_record_size - 1]));
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
    if (message.size() > d::most_plaintext) return;  // refused for its size
    const auto size = static_cast<unsigned>(message.size());
    const std::array header{d::handshake_type, std::byte{3}, std::byte{1},
                            static_cast<std::byte>(size >> 8), static_cast<std::byte>(size)};
    buffer framed;
    framed.append(header);
    framed.append(message);
    framed.append(std::as_const(held).data().subspan(hello->wire_size()));
    held = std::move(framed);
}

/// The newest version in common, which mbedTLS will find, too.
std::optional<protocol_version> engine::state::agreed_version() const noexcept {
    const auto ours = d::versions_of(server.protocol);
    std::optional<protocol_version> newest;
    for (const protocol_version v : hello->versions())
        if (v >= ours.min && v <= ours.max && (!newest || v > *newest)) newest = v;
    return newest;
}

/// What mbedTLS would tell the client, or the application, something less clear about.
std::error_code engine::state::nothing_in_common() const noexcept {
    const auto version = agreed_version();
    if (!version) return errc::unsupported_version;
    const auto& schemes = server.protocol.signature_schemes;
    if (*version == protocol_version::tls1_2 && !schemes.empty() &&
        std::ranges::all_of(schemes, is_pss))
        return errc::no_common_parameters;
    return {};
}

bool engine::state::set_up() {
    trace = d::trace{&sink()};
    watch.tell(trace);
    if (const auto wrong = server_role ? nothing_in_common() : std::error_code{})
        return refuse(wrong);
    const d::clock_guard clock{now()};
    mbedtls_ssl_init(&ssl);
    has_ssl = true;
    int ret = d::crypto_ready() ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    if (ret == 0) ret = server_role ? config.set_up(server, *hello) : config.set_up(client);
    if (ret == 0 && server_role && server.tickets) {
        if (server.on_session && agreed_version() == protocol_version::tls1_2)
            mbedtls_ssl_conf_session_cache(&config.native(), this, find_by_id, keep_by_id);
        else
            mbedtls_ssl_conf_session_tickets_cb(&config.native(), write_ticket, read_ticket, this);
    }
    if (ret == 0 && server_role && !server.psks.empty())
        mbedtls_ssl_conf_psk_cb(&config.native(), find_psk, this);
    if (ret == 0 && sends_early)
        mbedtls_ssl_conf_early_data(&config.native(), MBEDTLS_SSL_EARLY_DATA_ENABLED);
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
                                 blob.size()) != 0)
        return ret;
    // mbedTLS would offer the session's version, whatever is configured
    const auto version = static_cast<protocol_version>(copoll_ssl_session_version(session.get()));
    const auto spoken = d::versions_of(client.protocol);
    if (version >= spoken.min && version <= spoken.max)
        mbedtls_ssl_set_session(&ssl, session.get());
    return ret;
}

/// mbedTLS takes the first that fits the client's signature schemes.
int engine::state::set_up_server() {
    std::vector<const private_identity*> order, others;
    const auto name = hello->server_name();
    for (const auto& identity : server.identities) {
        const bool first = name && names_host(identity.identity().leaf(), *name);
        (first ? order : others).push_back(&identity);
    }
    order.insert(order.end(), others.begin(), others.end());
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

}  // namespace copoll::tls
