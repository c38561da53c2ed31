// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/secure_stream.hpp>

#include <utility>

#include <copoll/check.hpp>

#include "agree.hpp"
#include "secure_link.hpp"
#include "security.hpp"
#include "shake_hands.hpp"

namespace copoll::p2p {

secure_stream::secure_stream(std::unique_ptr<detail::secure_link> link) noexcept
    : link_(std::move(link)) {}
secure_stream::secure_stream(secure_stream&&) noexcept = default;
secure_stream& secure_stream::operator=(secure_stream&&) noexcept = default;
secure_stream::~secure_stream() = default;

task<io_result> secure_stream::read_some(std::span<std::byte> into) {
    return link_->read_some(into);
}
task<result<chunk>> secure_stream::read_chunk() { return link_->read_chunk(); }
task<io_result> secure_stream::write_some(std::span<const std::byte> bytes) {
    return link_->write_some(bytes);
}
task<result<void>> secure_stream::shutdown_write() { return link_->shutdown_write(); }

const peer_id& secure_stream::remote_peer() const noexcept { return link_->remote.peer; }
const public_key& secure_stream::remote_key() const noexcept { return link_->remote.key; }
const std::optional<std::string>& secure_stream::muxer() const noexcept {
    return link_->remote.muxer;
}

task<result<secure_stream>> detail::shake_hands(any_stream transport, role own_role, identity own,
                                                noise::handshake_options options,
                                                last_message last, bool lazy) {
    security engine{own_role, own, std::move(options), lazy};
    const bool holds_last = own_role == role::dialer && last == last_message::held;
    buffer in, out;
    co_await check(agree(engine, transport, in, out));
    if (!holds_last) {
        co_await check(write_all(transport, std::as_const(out).data()));
        out.clear();
    }
    const noise::handshake& done = engine.handshake();
    secured remote{done.remote_key(), done.remote_peer(), done.muxer()};
    co_return secure_stream{std::make_unique<secure_link>(std::move(transport),
                                                          done.start_session(), std::move(remote),
                                                          std::move(in), std::move(out))};
}

task<result<secure_stream>> secure(any_stream transport, role own_role, identity own,
                                   noise::handshake_options options) {
    return detail::shake_hands(std::move(transport), own_role, std::move(own), std::move(options),
                               detail::last_message::sent);
}

}  // namespace copoll::p2p
