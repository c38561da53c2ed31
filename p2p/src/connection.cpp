// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/connection.hpp>

#include <algorithm>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/secure_stream.hpp>
#include <copoll/time.hpp>

#include "multiplex.hpp"
#include "muxer.hpp"
#include "protocols.hpp"
#include "shake_hands.hpp"
#include "stream_core.hpp"

namespace copoll::p2p {

connection::connection(std::shared_ptr<detail::muxer> muxer) noexcept : muxer_(std::move(muxer)) {}
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;
connection::~connection() = default;

namespace {

/// Keeps it alive, whatever becomes of the connection.
task<result<void>> run_on(std::shared_ptr<detail::muxer> muxer) {
    co_return co_await muxer->run();
}

}  // namespace

task<result<void>> connection::run() { return run_on(muxer_); }
void connection::close(go_away_code why) noexcept { muxer_->close(why); }

task<result<stream>> connection::open_raw() {
    const std::shared_ptr<detail::muxer> muxer = muxer_;
    const yamux::stream_id id = co_await check(muxer->open());
    co_return stream{std::make_unique<detail::stream_core>(muxer, id)};
}

task<result<stream>> connection::open(std::string protocol) {
    if (!multistream::is_protocol(protocol)) co_return fail(copoll::errc::invalid_argument);
    const std::shared_ptr<detail::muxer> muxer = muxer_;
    const yamux::stream_id id = co_await check(muxer->open());
    auto core = std::make_unique<detail::stream_core>(muxer, id);
    std::vector<std::string> protocols{std::move(protocol)};
    co_await check(core->propose(std::move(protocols)));
    if (!muxer->lazy_negotiation) co_await check(core->await_answer());
    co_return stream{std::move(core)};
}

task<result<stream>> connection::open_first_of(std::vector<std::string> protocols) {
    if (protocols.empty() || !std::ranges::all_of(protocols, multistream::is_protocol))
        co_return fail(copoll::errc::invalid_argument);
    const std::shared_ptr<detail::muxer> muxer = muxer_;
    const yamux::stream_id id = co_await check(muxer->open());
    auto core = std::make_unique<detail::stream_core>(muxer, id);
    co_await check(core->propose(std::move(protocols)));
    co_await check(core->await_answer());
    co_return stream{std::move(core)};
}

task<result<stream>> connection::accept() {
    const std::shared_ptr<detail::muxer> muxer = muxer_;
    const yamux::stream_id id = co_await check(muxer->accept());
    co_return stream{std::make_unique<detail::stream_core>(muxer, id)};
}

const peer_id& connection::remote_peer() const noexcept { return muxer_->remote.id; }
const public_key& connection::remote_key() const noexcept { return muxer_->remote.key; }
role connection::own_role() const noexcept { return muxer_->own_role; }
bool connection::early_muxer() const noexcept { return muxer_->agreed_early; }
std::size_t connection::streams() const noexcept { return muxer_->session().streams(); }
bool connection::has_ended() const noexcept {
    return static_cast<bool>(muxer_->session().error());
}
std::optional<clock::duration> connection::round_trip() const noexcept {
    return muxer_->session().round_trip();
}
std::optional<go_away_code> connection::peer_went_away() const noexcept {
    return muxer_->session().peer_went_away();
}

namespace {

task<result<connection>> upgrade(any_stream transport, role own_role, identity own,
                                 connection_options options) {
    const auto agreed_by = copoll::detail::after(clock::now(), options.timeout);
    noise::handshake_options handshake{.expected = options.expected_peer};
    if (options.early_muxer) handshake.muxers = detail::muxer_protocols();
    auto peer = co_await check(detail::shake_hands(std::move(transport), own_role, std::move(own),
                                                   std::move(handshake),
                                                   detail::last_message::held,
                                                   options.lazy_negotiation));
    detail::muxer::peer remote{peer.remote_key(), peer.remote_peer()};
    const bool agreed = peer.muxer().has_value();
    detail::secured_transport secured{std::move(peer), std::move(remote), agreed};
    co_return co_await detail::multiplex(std::move(secured), own_role, options, agreed_by);
}

}  // namespace

task<result<connection>> connect(any_stream transport, identity own, connection_options options) {
    const auto patience = options.timeout;
    co_return co_await with_timeout(
        upgrade(std::move(transport), role::dialer, std::move(own), std::move(options)), patience);
}

task<result<connection>> accept(any_stream transport, identity own, connection_options options) {
    const auto patience = options.timeout;
    co_return co_await with_timeout(
        upgrade(std::move(transport), role::listener, std::move(own), std::move(options)),
        patience);
}

}  // namespace copoll::p2p
