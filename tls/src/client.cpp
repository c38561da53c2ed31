// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/client.hpp>

#include <utility>

#include <copoll/check.hpp>
#include <copoll/time.hpp>

#include "link.hpp"

namespace copoll::tls {

client_handshake client_connection::connect(any_stream transport, client_options options) {
    return {std::move(transport), std::move(options)};
}

client_handshake::client_handshake(any_stream transport, client_options options)
    : link_(std::make_unique<detail::link>(std::move(transport), engine{std::move(options)})) {}
client_handshake::client_handshake(any_stream transport, std::string server_name)
    : client_handshake(std::move(transport),
                       client_options{.server_name = std::move(server_name)}) {}
client_handshake::client_handshake(client_handshake&&) noexcept = default;
client_handshake& client_handshake::operator=(client_handshake&&) noexcept = default;
client_handshake::~client_handshake() = default;

void client_handshake::configure_alpn_ids(std::vector<std::string> ids) {
    link_->engine.client().alpn = std::move(ids);
}

task<io_result> client_handshake::write_early_data(std::span<const std::byte> bytes) {
    return link_->write_early_data(bytes);
}

task<result<public_identity>> client_handshake::verify_server_identity() {
    co_await check(link_->advance(milestone::server_identity));
    auto identity = link_->engine.server_identity();
    if (!identity) co_return fail(errc::no_identity);
    co_return *std::move(identity);
}

task<result<std::optional<client_identity_request>>>
client_handshake::receive_client_identity_request() {
    co_await check(link_->advance(milestone::client_identity_request));
    std::optional<client_identity_request> request;
    if (link_->engine.client_identity_requested()) request = client_identity_request{*link_};
    co_return request;
}

task<result<client_connection>> client_handshake::finish() {
    co_await check(link_->advance(milestone::complete));
    co_return client_connection{std::move(link_)};
}

task<result<void>> client_handshake::abort(alert reason) { return link_->abort(reason); }

std::error_code client_handshake::verify_error() const noexcept {
    return link_->engine.verify_error();
}

std::span<const signature_scheme> client_identity_request::signature_schemes() const noexcept {
    return link_->engine.shared_signature_schemes();
}
std::span<const std::vector<std::byte>> client_identity_request::authorities() const noexcept {
    return link_->engine.client_authorities();
}
void client_identity_request::respond(std::vector<private_identity> identities) {
    link_->engine.present(std::move(identities));
}

namespace {

task<result<client_connection>> finished(client_handshake handshake) {
    co_return co_await handshake.finish();
}

}  // namespace

task<result<client_connection>> connect(any_stream transport, client_options options) {
    const auto patience = options.handshake_timeout;
    co_return co_await with_timeout(
        finished(client_handshake{std::move(transport), std::move(options)}), patience);
}

}  // namespace copoll::tls
