// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/key.hpp>

#include <algorithm>
#include <array>
#include <optional>

#include <copoll/p2p/protobuf.hpp>
#include <copoll_crypto/public_key.hpp>

namespace copoll::p2p {
namespace {

constexpr std::uint32_t type_field = 1;
constexpr std::uint32_t data_field = 2;

/// PublicKey and PrivateKey have the same form.
struct key_message {
    key_type type{};
    std::span<const std::byte> data{};
};

std::vector<std::byte> encode_message(key_type type, std::span<const std::byte> data) {
    protobuf::writer message;
    message.varint(type_field, static_cast<std::uint8_t>(type)).bytes(data_field, data);
    return message.take();
}

result<key_message> decode_message(std::span<const std::byte> message) {
    protobuf::reader fields{message};
    const auto type = fields.next();
    const auto data = fields.next();
    if (!type || !data || !*type || !*data) return fail(errc::malformed_key);
    const auto& [t, d] = std::pair(**type, **data);
    if (t.number != type_field || t.type != protobuf::wire_type::varint ||
        d.number != data_field || d.type != protobuf::wire_type::bytes) {
        return fail(errc::malformed_key);
    }
    if (t.value > static_cast<std::uint8_t>(key_type::ecdsa)) return fail(errc::unsupported_key);
    const key_message decoded{static_cast<key_type>(t.value), d.data};
    // a peer id is a hash of the message, so it must have but one form
    if (!std::ranges::equal(encode_message(decoded.type, decoded.data), message))
        return fail(errc::malformed_key);
    return decoded;
}

result<crypto::public_key> parse_der(key_type type, std::span<const std::byte> der) {
    auto key = crypto::public_key::parse(der);
    if (!key) {
        return fail(key.error() == crypto::errc::unsupported_key ? errc::unsupported_key
                                                                 : errc::malformed_key);
    }
    const auto wanted =
        type == key_type::rsa ? crypto::key_kind::rsa : crypto::key_kind::ecdsa_p256;
    if (key->kind() != wanted) return fail(errc::unsupported_key);
    return key;
}

/// A point of secp256k1 as a SubjectPublicKeyInfo (RFC 5480), which the primitives take.
constexpr std::size_t secp256k1_point_size = 33;
constexpr std::array<std::uint8_t, 23> secp256k1_head{
    0x30, 0x36, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a, 0x03, 0x22, 0x00};

result<crypto::public_key> parse_secp256k1(std::span<const std::byte> point) {
    if (point.size() != secp256k1_point_size) return fail(errc::malformed_key);
    std::array<std::byte, secp256k1_head.size() + secp256k1_point_size> der;
    std::ranges::copy(std::as_bytes(std::span(secp256k1_head)), der.begin());
    std::ranges::copy(point, der.begin() + secp256k1_head.size());
    auto key = crypto::public_key::parse(der);
    if (!key) return fail(errc::malformed_key);
    return key;
}

result<crypto::public_key> parse(key_type type, std::span<const std::byte> data) {
    return type == key_type::secp256k1 ? parse_secp256k1(data) : parse_der(type, data);
}

}  // namespace

public_key::public_key(const crypto::ed25519::public_key& key)
    : public_key(key_type::ed25519, key) {}

result<public_key> public_key::decode(std::span<const std::byte> message) {
    const auto decoded = decode_message(message);
    if (!decoded) return fail(decoded.error());
    if (decoded->type == key_type::ed25519) {
        if (decoded->data.size() != crypto::ed25519::public_key_size)
            return fail(errc::malformed_key);
    } else if (const auto usable = parse(decoded->type, decoded->data); !usable) {
        return fail(usable.error());
    }
    return public_key{decoded->type, decoded->data};
}

std::vector<std::byte> public_key::encode() const { return encode_message(type_, data_); }

result<void> public_key::verify(std::span<const std::byte> message,
                                std::span<const std::byte> signature) const {
    if (type_ == key_type::ed25519) {
        constexpr auto key_size = crypto::ed25519::public_key_size;
        constexpr auto size = crypto::ed25519::signature_size;
        if (signature.size() == size &&
            crypto::ed25519::verify(std::span(data_).first<key_size>(), message,
                                    signature.first<size>())) {
            return {};
        }
        return fail(errc::bad_signature);
    }
    const auto key = parse(type_, data_);
    if (!key || !key->verify(message, signature)) return fail(errc::bad_signature);
    return {};
}

private_key private_key::generate_ed25519() noexcept {
    return private_key{crypto::ed25519::private_key::generate()};
}

result<private_key> private_key::decode(std::span<const std::byte> message) {
    using namespace crypto::ed25519;
    constexpr std::size_t size = seed_size + public_key_size;
    const auto decoded = decode_message(message);
    if (!decoded) return fail(decoded.error());
    if (decoded->type != key_type::ed25519) return fail(errc::unsupported_key);
    const auto data = decoded->data;
    if (data.size() != size && data.size() != size + public_key_size)
        return fail(errc::malformed_key);
    crypto::ed25519::private_key key{data.first<seed_size>()};
    const auto own = key.public_key();
    for (auto rest = data.subspan(seed_size); !rest.empty(); rest = rest.subspan(own.size()))
        if (!std::ranges::equal(rest.first(own.size()), own)) return fail(errc::malformed_key);
    return private_key{std::move(key)};
}

std::vector<std::byte> private_key::encode() const {
    crypto::secret<crypto::ed25519::seed_size + crypto::ed25519::public_key_size> data;
    std::ranges::copy(key_.seed(), data.bytes().begin());
    std::ranges::copy(key_.public_key(), data.bytes().begin() + crypto::ed25519::seed_size);
    return encode_message(key_type::ed25519, data.bytes());
}

p2p::public_key private_key::public_key() const { return p2p::public_key{key_.public_key()}; }

std::vector<std::byte> private_key::sign(std::span<const std::byte> message) const {
    const auto signature = key_.sign(message);
    return {signature.begin(), signature.end()};
}

}  // namespace copoll::p2p
