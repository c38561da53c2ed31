// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/testing/plaintext.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <copoll/check.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/varint.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>

#include "multiplex.hpp"

namespace copoll::p2p::testing {
namespace {

/// Of an exchange: an RSA key of 8,192 bits has about a quarter of it.
constexpr std::uint64_t longest_exchange = 4096;

const std::vector<std::string>& protocols() {
    static const std::vector<std::string> only{plaintext_protocol};
    return only;
}

void put_exchange(const identity& own, buffer& out) {
    protobuf::writer message;
    message.bytes(1, own.id().bytes()).bytes(2, own.public_key().encode());
    out.append(varint::encoded{message.message().size()}.bytes());
    out.append(message.message());
}

/// Who the peer says it is; none if more bytes are needed.
result<std::optional<detail::muxer::peer>> take_exchange(buffer& in) {
    const auto data = std::as_const(in).data();
    const auto length = varint::decode(data);
    if (!length) return fail(length.error());
    if (!*length) return std::nullopt;
    if ((*length)->value > longest_exchange) return fail(errc::malformed_handshake);
    const auto size = static_cast<std::size_t>((*length)->value);
    if (data.size() < (*length)->size + size) return std::nullopt;
    protobuf::reader fields{data.subspan((*length)->size, size)};
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
    detail::muxer::peer said{*decoded, peer_id::of(*decoded)};
    if (!std::ranges::equal(said.id.bytes(), id)) return fail(errc::bad_identity);
    in.consume((*length)->size + size);
    return said;
}

task<result<void>> read_more(any_stream& from, buffer& in) {
    const auto got = co_await from.read_chunk();
    if (!got) {
        const bool ended = got.error() == copoll::errc::eof;
        co_return fail(ended ? make_error_code(errc::truncated) : got.error());
    }
    in.append(std::span<const std::byte>(*got));
    co_return {};
}

/// The dialer's exchange goes with its proposal.
template <class Negotiation>
task<result<detail::muxer::peer>> exchange(any_stream& with, const identity& own,
                                           Negotiation& negotiation, bool exchanges_first,
                                           buffer& in) {
    buffer out;
    for (bool agreed = false, sent = false;;) {
        if (!agreed) {
            const auto advanced = co_await check(negotiation.advance(in, out));
            agreed = advanced == progress::complete;
        }
        if (!sent && (agreed || exchanges_first)) {
            put_exchange(own, out);
            sent = true;
        }
        co_await check(write_all(with, std::as_const(out).data()));
        out.clear();
        if (agreed) {
            auto said = co_await check(take_exchange(in));
            if (said) co_return *std::move(said);
        }
        co_await check(read_more(with, in));
    }
}

task<result<connection>> upgrade(any_stream transport, role own_role, identity own,
                                 connection_options options) {
    const auto agreed_by = clock::now() + options.timeout;
    buffer in;
    const bool dials = own_role == role::dialer;
    multistream::dialer proposing{protocols()};
    multistream::listener answering{protocols()};
    auto exchanged = dials ? exchange(transport, own, proposing, dials, in)
                           : exchange(transport, own, answering, dials, in);
    detail::muxer::peer peer = co_await check(std::move(exchanged));
    if (options.expected_peer && *options.expected_peer != peer.id)
        co_return fail(errc::wrong_peer);
    detail::secured_transport made{std::move(transport), std::move(peer), false, std::move(in)};
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
