// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/noise.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <copoll/p2p/protobuf.hpp>

#include "identity_state.hpp"

namespace copoll::p2p::noise {
namespace {

// Fields of NoiseHandshakePayload and NoiseExtensions.
constexpr std::uint32_t key_field = 1;
constexpr std::uint32_t proof_field = 2;
constexpr std::uint32_t extensions_field = 4;
constexpr std::uint32_t muxers_field = 2;

/// A longer list is taken for none, as go-libp2p does.
constexpr std::size_t most_muxers = 100;

std::array<std::byte, 2> length_of(std::size_t n) noexcept {
    return {static_cast<std::byte>(n >> 8), static_cast<std::byte>(n)};
}

std::size_t length_at(std::span<const std::byte> bytes) noexcept {
    return std::to_integer<std::size_t>(bytes[0]) << 8 | std::to_integer<std::size_t>(bytes[1]);
}

struct payload_fields {
    std::span<const std::byte> key, proof, extensions;
};

result<payload_fields> parse_payload(std::span<const std::byte> payload) {
    payload_fields parsed;
    protobuf::reader fields{payload};
    for (;;) {
        const auto f = fields.next();
        if (!f) return fail(errc::malformed_handshake);
        if (!*f) return parsed;
        if ((*f)->type != protobuf::wire_type::bytes) continue;
        switch ((*f)->number) {
            case key_field: parsed.key = (*f)->data; break;
            case proof_field: parsed.proof = (*f)->data; break;
            case extensions_field: parsed.extensions = (*f)->data; break;
            default: break;  // of a later revision
        }
    }
}

result<std::vector<std::string>> parse_muxers(std::span<const std::byte> extensions) {
    std::vector<std::string> muxers;
    protobuf::reader fields{extensions};
    for (;;) {
        const auto f = fields.next();
        if (!f) return fail(errc::malformed_handshake);
        if (!*f) return muxers;
        if ((*f)->number != muxers_field || (*f)->type != protobuf::wire_type::bytes) continue;
        if (muxers.size() == most_muxers) return std::vector<std::string>{};
        muxers.emplace_back(text_of((*f)->data));
    }
}

/// The first of the dialer's that the listener has as well.
std::optional<std::string> first_common(std::span<const std::string> dialers,
                                        std::span<const std::string> listeners) {
    const auto found = std::ranges::find_first_of(dialers, listeners);
    if (found == dialers.end()) return std::nullopt;
    return *found;
}

}  // namespace

void session::seal(std::span<const std::byte> plaintext, buffer& out) {
    while (!plaintext.empty()) {
        const auto text = plaintext.first(std::min(plaintext.size(), most_sealed));
        plaintext = plaintext.subspan(text.size());
        const auto room = out.prepare(text.size() + overhead);
        std::ranges::copy(length_of(text.size() + tag_size), room.begin());
        sending_.encrypt_with_ad({}, text, room.subspan(header_size));
        out.commit(room.size());
    }
}

result<std::optional<std::size_t>> session::record_size(
    std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < header_size) return std::nullopt;
    const std::size_t size = length_at(bytes);
    if (size < tag_size) return fail(errc::bad_record);
    return header_size + size;
}

result<void> session::open(std::span<const std::byte> record, std::span<std::byte> into) noexcept {
    return receiving_.decrypt_with_ad({}, record.subspan(header_size), into);
}

handshake::handshake(role own_role, const identity& own, handshake_options options)
    : role_(own_role), own_(own), options_(std::move(options)),
      state_(own_role, own_.state_->static_key) {}

result<progress> handshake::advance(buffer& in, buffer& out) {
    while (!state_.finished()) {
        if (state_.writes_next()) {
            if (const auto written = write(out); !written) return fail(written.error());
            continue;
        }
        const auto bytes = std::as_const(in).data();
        if (bytes.size() < session::header_size) return progress::needs_input;
        const std::size_t size = length_at(bytes);
        if (bytes.size() < session::header_size + size) return progress::needs_input;
        const auto read_one = read(bytes.subspan(session::header_size, size));
        if (!read_one) return fail(read_one.error());
        in.consume(session::header_size + size);
    }
    return progress::complete;
}

/// The first message is a key in the clear, and carries nothing; the others the payload.
result<void> handshake::write(buffer& out) {
    buffer message;
    const bool first = state_.turn() == 0;
    const auto payload = first ? std::vector<std::byte>{} : own_payload();
    if (const auto written = state_.write_message(payload, message); !written) return written;
    out.append(length_of(message.size()));
    out.append(std::as_const(message).data());
    return {};
}

result<void> handshake::read(std::span<const std::byte> message) {
    const bool first = state_.turn() == 0;
    const auto payload = state_.read_message(message);
    if (!payload) return fail(payload.error());
    if (!first) return take_payload(*payload);
    if (!payload->empty()) return fail(errc::malformed_handshake);
    return {};
}

result<void> handshake::take_payload(std::span<const std::byte> payload) {
    const auto parsed = parse_payload(payload);
    if (!parsed) return fail(parsed.error());
    auto key = public_key::decode(parsed->key);
    if (!key) return fail(key.error());
    if (!key->verify(statement_of(state_.remote_static()), parsed->proof))
        return fail(errc::bad_identity);
    const peer_id id = peer_id::of(*key);
    if (options_.expected && *options_.expected != id) return fail(errc::wrong_peer);
    const auto muxers = parse_muxers(parsed->extensions);
    if (!muxers) return fail(muxers.error());
    remote_key_ = *std::move(key);
    remote_peer_ = id;
    return choose_muxer(*muxers);
}

result<void> handshake::choose_muxer(std::span<const std::string> offered) {
    if (offered.empty() || options_.muxers.empty()) return {};
    muxer_ = role_ == role::dialer ? first_common(options_.muxers, offered)
                                   : first_common(offered, options_.muxers);
    if (!muxer_) return fail(errc::no_common_muxer);
    return {};
}

std::vector<std::byte> handshake::own_payload() const {
    protobuf::writer payload;
    payload.bytes(key_field, own_.state_->encoded_key).bytes(proof_field, own_.state_->proof);
    if (!options_.muxers.empty()) {
        protobuf::writer extensions;
        for (const std::string& muxer : options_.muxers) extensions.text(muxers_field, muxer);
        payload.bytes(extensions_field, extensions.message());
    }
    return payload.take();
}

session handshake::start_session() const noexcept {
    auto [dialers, listeners] = state_.split();
    return role_ == role::dialer ? session{std::move(dialers), std::move(listeners)}
                                 : session{std::move(listeners), std::move(dialers)};
}

}  // namespace copoll::p2p::noise
