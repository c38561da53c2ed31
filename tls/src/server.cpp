// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/server.hpp>

#include <utility>

#include <copoll/check.hpp>
#include <copoll/time.hpp>

#include "link.hpp"

namespace copoll::tls {

server_handshake server_connection::accept(any_stream transport, server_options options) {
    return server_handshake{std::move(transport), std::move(options)};
}

task<result<std::optional<public_identity>>> server_connection::request_client_identity() {
    co_await check(link().request_client_identity());
    co_return client_identity();
}

server_handshake::server_handshake(any_stream transport, server_options options)
    : link_(std::make_unique<detail::link>(std::move(transport), engine{std::move(options)})) {}
server_handshake::server_handshake(server_handshake&&) noexcept = default;
server_handshake& server_handshake::operator=(server_handshake&&) noexcept = default;
server_handshake::~server_handshake() = default;

task<result<client_hello>> server_handshake::receive_client_hello() {
    co_await check(link_->advance(milestone::client_hello));
    co_return link_->engine.hello();
}

server_options& server_handshake::options() noexcept { return link_->engine.server(); }
void server_handshake::configure_alpn_ids(std::vector<std::string> ids) {
    options().alpn = std::move(ids);
}
void server_handshake::configure_identities(std::vector<private_identity> identities) {
    options().identities = std::move(identities);
}

task<io_result> server_handshake::read_early_data(std::span<std::byte> into) {
    return link_->read_early_data(into);
}

task<result<std::optional<public_identity>>> server_handshake::request_client_identity() {
    if (options().authenticate == client_authentication::none)
        options().authenticate = client_authentication::requested;
    co_await check(link_->advance(milestone::client_identity));
    co_return link_->engine.client_identity();
}

task<result<server_connection>> server_handshake::finish() {
    co_await check(link_->advance(milestone::complete));
    co_return server_connection{std::move(link_)};
}

task<result<void>> server_handshake::abort(alert reason) { return link_->abort(reason); }

std::error_code server_handshake::verify_error() const noexcept {
    return link_->engine.verify_error();
}

namespace {

task<result<server_connection>> finished(server_handshake handshake) {
    co_return co_await handshake.finish();
}

}  // namespace

task<result<server_connection>> accept(any_stream transport, server_options options) {
    const auto patience = options.handshake_timeout;
    co_return co_await with_timeout(
        finished(server_handshake{std::move(transport), std::move(options)}), patience);
}

}  // namespace copoll::tls
