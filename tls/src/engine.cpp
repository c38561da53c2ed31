// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/engine.hpp>

#include <utility>

#include <mbedtls/ssl.h>

#include <copoll/buffer.hpp>
#include <copoll/detail/assert.hpp>

#include "engine_state.hpp"
#include "ssl_errors.hpp"

namespace copoll::tls {

using copoll::detail::expects;
namespace d = detail;

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

std::optional<protocol_version> engine::state::version() const noexcept {
    if (!has_ssl || position < copoll_ssl_peer_proved) return std::nullopt;
    return static_cast<protocol_version>(mbedtls_ssl_get_version_number(&ssl));
}

std::string_view engine::state::agreed_alpn() const noexcept {
    const char* id = has_ssl ? mbedtls_ssl_get_alpn_protocol(&ssl) : nullptr;
    return id ? id : "";
}

void engine::state::send_record(std::span<const std::byte> record, bool encrypted) noexcept {
    trace.sent(record, encrypted);
    out.append(record);
}

bool engine::state::take_buffers() noexcept {
    if (!has_ssl || !copoll_ssl_is_parked(&ssl)) return true;
    if (copoll_ssl_unpark(&ssl, counter)) return true;
    fail_with(copoll::errc::out_of_memory);
    return false;
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

std::span<const std::vector<std::byte>> engine::client_authorities() const noexcept {
    return state_->authorities;
}

void engine::present(std::vector<private_identity> identities) {
    expects(!state_->answered, "tls::engine: too late to present an identity");
    state_->client.identities = std::move(identities);
}

io_result engine::write_early_data(std::span<const std::byte> bytes) {
    return state_->write_early_data(bytes);
}
read_result engine::read_early_data(std::span<std::byte> into) {
    const state& s = *state_;
    if (s.error && s.position != copoll_ssl_over) return {s.error, 0};
    if (!s.held_early.empty()) return state_->read_early(into);
    if (s.error) return {s.error, 0};
    expects(s.early_ended, "tls::engine: early_data not reached");
    return {copoll::errc::eof, 0};
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
    if (s.held_early.empty()) s.held_early = buffer{};
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
    const auto id = state_->agreed_alpn();  // an id has a byte at least
    if (id.empty()) return std::nullopt;
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
early_data engine::early_data() const noexcept { return state_->early; }
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

std::span<const std::byte> engine::own_finished() const noexcept { return state_->own_finished; }
std::span<const std::byte> engine::peer_finished() const noexcept {
    return state_->peer_finished;
}

result<void> engine::export_keying_material(
    std::span<std::byte> into, std::string_view label,
    std::optional<std::span<const std::byte>> context) const {
    const bool is_over = is_complete() && copoll_ssl_where(&state_->ssl) == copoll_ssl_over;
    if (!is_over) return fail(copoll::errc::invalid_state);
    const auto with = context.value_or(std::span<const std::byte>{});
    const int ret = mbedtls_ssl_export_keying_material(
        &state_->ssl, reinterpret_cast<unsigned char*>(into.data()), into.size(), label.data(),
        label.size(), reinterpret_cast<const unsigned char*>(with.data()), with.size(),
        context.has_value());
    if (ret != 0) return fail(d::error_of_ssl(ret));
    return {};
}

}  // namespace copoll::tls
