// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/signed_record.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/varint.hpp>

namespace copoll::p2p {
namespace {

constexpr std::string_view domain = "libp2p-peer-record";
constexpr std::array payload_type{std::byte{0x03}, std::byte{0x01}};

namespace envelope_field {
constexpr std::uint32_t public_key = 1, payload_type = 2, payload = 3, signature = 5;
}
namespace record_field {
constexpr std::uint32_t peer = 1, sequence = 2, address = 3;
constexpr std::uint32_t multiaddr = 1;  // of an address
}  // namespace record_field

/// What is signed: each part with its length before it.
std::vector<std::byte> signed_bytes(std::span<const std::byte> payload) {
    std::vector<std::byte> made;
    const auto put = [&](std::span<const std::byte> part) {
        const varint::encoded length{part.size()};
        made.insert(made.end(), length.bytes().begin(), length.bytes().end());
        made.insert(made.end(), part.begin(), part.end());
    };
    put(bytes_of(domain));
    put(payload_type);
    put(payload);
    return made;
}

/// Calls `f(field)`, which gives `result<void>`, for all fields of a message.
template <class F>
result<void> for_each_field(std::span<const std::byte> message, F f) {
    protobuf::reader fields{message};
    for (;;) {
        const auto next = fields.next();
        if (!next) return fail(next.error());
        if (!*next) return {};
        if (const auto done = f(**next); !done) return done;
    }
}

bool is_bytes(const protobuf::field& f, std::uint32_t number) noexcept {
    return f.number == number && f.type == protobuf::wire_type::bytes;
}

struct envelope_fields {
    std::span<const std::byte> key, type, payload, signature;
};

result<envelope_fields> parse_envelope(std::span<const std::byte> envelope) {
    envelope_fields parsed;
    const auto end = for_each_field(envelope, [&](const protobuf::field& f) -> result<void> {
        if (is_bytes(f, envelope_field::public_key)) parsed.key = f.data;
        if (is_bytes(f, envelope_field::payload_type)) parsed.type = f.data;
        if (is_bytes(f, envelope_field::payload)) parsed.payload = f.data;
        if (is_bytes(f, envelope_field::signature)) parsed.signature = f.data;
        return {};
    });
    if (!end) return fail(end.error());
    return parsed;
}

result<std::span<const std::byte>> parse_address(std::span<const std::byte> message) {
    std::span<const std::byte> address;
    const auto end = for_each_field(message, [&](const protobuf::field& f) -> result<void> {
        if (is_bytes(f, record_field::multiaddr)) address = f.data;
        return {};
    });
    if (!end) return fail(end.error());
    return address;
}

result<peer_record> parse_record(std::span<const std::byte> payload) {
    std::span<const std::byte> peer;
    std::uint64_t sequence = 0;
    std::vector<multiaddr> addresses;
    std::size_t count = 0;
    const auto end = for_each_field(payload, [&](const protobuf::field& f) -> result<void> {
        if (is_bytes(f, record_field::peer)) peer = f.data;
        if (f.number == record_field::sequence && f.type == protobuf::wire_type::varint)
            sequence = f.value;
        if (!is_bytes(f, record_field::address)) return {};
        if (count++ == most_record_addresses) return fail(copoll::errc::message_too_large);
        const auto bytes = parse_address(f.data);
        if (!bytes) return fail(bytes.error());
        if (auto known = multiaddr::from_bytes(*bytes)) addresses.push_back(*std::move(known));
        return {};
    });
    if (!end) return fail(end.error());
    const auto id = peer_id::from_bytes(peer);
    if (!id) return fail(id.error());
    return peer_record{*id, sequence, std::move(addresses)};
}

}  // namespace

std::uint64_t record_numbers::next() {
    using milliseconds = std::chrono::duration<std::uint64_t, std::milli>;
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    const auto now = std::chrono::duration_cast<milliseconds>(since_1970).count();
    last_ = std::max(last_ + 1, now);
    return last_;
}

std::vector<std::byte> seal(const identity& own, std::uint64_t sequence,
                            std::span<const multiaddr> addresses) {
    protobuf::writer record;
    record.bytes(record_field::peer, own.id().bytes()).varint(record_field::sequence, sequence);
    for (const multiaddr& a : addresses.first(std::min(addresses.size(), most_record_addresses))) {
        protobuf::writer address;
        address.bytes(record_field::multiaddr, a.bytes());
        record.bytes(record_field::address, address.message());
    }
    protobuf::writer envelope;
    envelope.bytes(envelope_field::public_key, own.public_key().encode())
        .bytes(envelope_field::payload_type, payload_type)
        .bytes(envelope_field::payload, record.message())
        .bytes(envelope_field::signature, own.sign(signed_bytes(record.message())));
    return envelope.take();
}

result<peer_record> open_record(std::span<const std::byte> envelope) {
    if (envelope.size() > longest_envelope) return fail(copoll::errc::message_too_large);
    const auto parsed = parse_envelope(envelope);
    if (!parsed) return fail(parsed.error());
    if (!std::ranges::equal(parsed->type, payload_type)) return fail(errc::malformed_message);
    const auto key = public_key::decode(parsed->key);
    if (!key) return fail(key.error());
    const auto genuine = key->verify(signed_bytes(parsed->payload), parsed->signature);
    if (!genuine) return fail(genuine.error());
    auto record = parse_record(parsed->payload);
    if (record && record->peer != peer_id::of(*key)) return fail(errc::wrong_peer);
    return record;
}

result<peer_record> open_record(std::span<const std::byte> envelope, const peer_id& peer) {
    auto record = open_record(envelope);
    if (record && record->peer != peer) return fail(errc::wrong_peer);
    return record;
}

}  // namespace copoll::p2p
