// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/testing/plaintext.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <copoll/check.hpp>
#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/varint.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>

#include "agree.hpp"
#include "multiplex.hpp"

namespace copoll::p2p::testing {
namespace {

const std::vector<std::string>& protocols() {
    static const std::vector<std::string> only{plaintext_protocol};
    return only;
}

std::variant<multistream::dialer, multistream::listener> negotiation(role own_role) {
    if (own_role == role::dialer) return multistream::dialer{protocols()};
    return multistream::listener{protocols()};
}

void put_exchange(const identity& own, buffer& out) {
    protobuf::writer message;
    message.bytes(1, own.id().bytes()).bytes(2, own.public_key().encode());
    out.append(varint::encoded{message.message().size()}.bytes());
    out.append(message.message());
}

}  // namespace

plaintext_handshake::plaintext_handshake(role own_role, identity own,
                                         std::optional<peer_id> expected, bool lazy)
    : protocol_(negotiation(own_role)), own_(std::move(own)), expected_(std::move(expected)),
      begins_early_(lazy && own_role == role::dialer) {}

result<progress> plaintext_handshake::negotiate(buffer& in, buffer& out) {
    return std::visit([&](auto& engine) { return engine.advance(in, out); }, protocol_);
}

result<progress> plaintext_handshake::advance(buffer& in, buffer& out) {
    if (!agreed_) {
        const auto agreed = negotiate(in, out);
        if (!agreed) return agreed;
        agreed_ = *agreed == progress::complete;
    }
    if (!sent_ && (agreed_ || begins_early_)) {
        put_exchange(own_, out);
        sent_ = true;
    }
    return agreed_ ? take_exchange(in) : progress::needs_input;
}

result<progress> plaintext_handshake::take_exchange(buffer& in) {
    const auto data = std::as_const(in).data();
    const auto length = varint::decode(data);
    if (!length) return fail(length.error());
    if (!*length) return progress::needs_input;
    if ((*length)->value > longest_exchange) return fail(errc::malformed_handshake);
    const auto size = static_cast<std::size_t>((*length)->value);
    const std::size_t at = (*length)->size;
    if (data.size() < at + size) return progress::needs_input;
    if (const auto taken = take_peer(data.subspan(at, size)); !taken) return fail(taken.error());
    in.consume(at + size);
    return progress::complete;
}

/// Who the peer says it is.
result<void> plaintext_handshake::take_peer(std::span<const std::byte> message) {
    protobuf::reader fields{message};
    std::span<const std::byte> id, key;
    for (;;) {
        const auto field = fields.next();
        if (!field) return fail(errc::malformed_handshake);
        if (!*field) break;
        if ((*field)->type != protobuf::wire_type::bytes) continue;
        if ((*field)->number == 1) id = (*field)->data;
        if ((*field)->number == 2) key = (*field)->data;
    }
    auto decoded = public_key::decode(key);
    if (!decoded) return fail(decoded.error());
    auto proper = peer_id::of(*decoded);
    if (!std::ranges::equal(proper.bytes(), id)) return fail(errc::bad_identity);
    if (expected_ && *expected_ != proper) return fail(errc::wrong_peer);
    remote_key_ = *std::move(decoded);
    remote_peer_ = std::move(proper);
    return {};
}

namespace {

task<result<connection>> upgrade(any_stream transport, role own_role, identity own,
                                 connection_options options) {
    const auto agreed_by = copoll::detail::after(clock::now(), options.timeout);
    plaintext_handshake engine{own_role, std::move(own), options.expected_peer,
                               options.lazy_negotiation};
    buffer in, out;
    co_await check(detail::agree(engine, transport, in, out));
    co_await check(write_all(transport, std::as_const(out).data()));
    detail::muxer::peer remote{engine.remote_key(), engine.remote_peer()};
    detail::secured_transport made{std::move(transport), std::move(remote), false, std::move(in)};
    co_return co_await detail::multiplex(std::move(made), own_role, options, agreed_by);
}

}  // namespace

task<result<connection>> connect_plaintext(any_stream transport, identity own,
                                           connection_options options) {
    const auto patience = options.timeout;
    co_return co_await with_timeout(
        upgrade(std::move(transport), role::dialer, std::move(own), std::move(options)), patience);
}

task<result<connection>> accept_plaintext(any_stream transport, identity own,
                                          connection_options options) {
    const auto patience = options.timeout;
    co_return co_await with_timeout(
        upgrade(std::move(transport), role::listener, std::move(own), std::move(options)),
        patience);
}

}  // namespace copoll::p2p::testing
