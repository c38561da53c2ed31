// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/connection.hpp>

#include <utility>

#include <copoll/check.hpp>

#include "link.hpp"

namespace copoll::tls {

connection::connection(std::unique_ptr<detail::link> link) noexcept : link_(std::move(link)) {}
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;
connection::~connection() = default;

task<io_result> connection::read_some(std::span<std::byte> into) { return link_->read_some(into); }
task<result<chunk>> connection::read_chunk() { return link_->read_chunk(); }
task<io_result> connection::write_some(std::span<const std::byte> bytes) {
    return link_->write_some(bytes);
}
task<result<void>> connection::shutdown_write() { return link_->shutdown_write(); }

task<result<void>> connection::shutdown(close_options options) {
    return close_gracefully(*this, options);
}

task<result<void>> connection::update_keys(bool request_peer) {
    co_await check(link_->engine.update_keys(request_peer));
    co_return co_await link_->flush();
}

protocol_version connection::version() const noexcept { return *link_->engine.version(); }
cipher_suite connection::cipher_suite() const noexcept { return *link_->engine.cipher_suite(); }
std::optional<named_group> connection::group() const noexcept { return link_->engine.group(); }
std::optional<std::string_view> connection::alpn_id() const noexcept {
    return link_->engine.alpn_id();
}
std::optional<std::string_view> connection::server_name() const noexcept {
    return link_->engine.server_name();
}
std::optional<public_identity> connection::server_identity() const {
    return link_->engine.server_identity();
}
std::optional<public_identity> connection::client_identity() const {
    return link_->engine.client_identity();
}
std::error_code connection::verify_error() const noexcept { return link_->engine.verify_error(); }
bool connection::is_resumed() const noexcept { return link_->engine.is_resumed(); }
early_data connection::early_data() const noexcept { return link_->engine.early_data(); }
bool connection::was_retried() const noexcept { return link_->engine.was_retried(); }
std::optional<std::string_view> connection::psk_identity() const noexcept {
    return link_->engine.psk_identity();
}
bool connection::is_server() const noexcept { return link_->engine.is_server(); }
std::span<const signature_scheme> connection::shared_signature_schemes() const noexcept {
    return link_->engine.shared_signature_schemes();
}
std::span<const std::byte> connection::own_finished() const noexcept {
    return link_->engine.own_finished();
}
std::span<const std::byte> connection::peer_finished() const noexcept {
    return link_->engine.peer_finished();
}
result<void> connection::export_keying_material(
    std::span<std::byte> into, std::string_view label,
    std::optional<std::span<const std::byte>> context) const {
    return link_->engine.export_keying_material(into, label, context);
}

any_stream& connection::transport() noexcept { return link_->transport; }

}  // namespace copoll::tls
