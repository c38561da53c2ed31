// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/peer_id.hpp>

#include <array>

#include <copoll/p2p/varint.hpp>
#include <copoll_crypto/hash.hpp>

#include "multibase.hpp"

namespace copoll::p2p {
namespace {

constexpr std::byte identity{0x00};
constexpr std::byte sha2_256{0x12};
constexpr std::array cid_head{std::byte{0x01}, std::byte{0x72}};  // version 1, libp2p-key

}  // namespace

peer_id peer_id::of(const public_key& key) {
    const auto message = key.encode();
    const bool inlined = message.size() <= longest_digest;
    const auto hash = inlined ? crypto::sha256::digest{} : crypto::sha256::hash(message);
    const std::span<const std::byte> digest = inlined ? std::span(message) : std::span(hash);
    peer_id id;
    id.bytes_[0] = inlined ? identity : sha2_256;
    id.bytes_[1] = static_cast<std::byte>(digest.size());
    std::ranges::copy(digest, id.bytes_.begin() + 2);
    id.size_ = static_cast<std::uint8_t>(2 + digest.size());
    return id;
}

result<peer_id> peer_id::from_bytes(std::span<const std::byte> multihash) noexcept {
    peer_id id;
    if (multihash.size() < 2 || multihash.size() > id.bytes_.size())
        return fail(errc::malformed_peer_id);
    const std::size_t size = std::to_integer<std::size_t>(multihash[1]);
    const bool known = (multihash[0] == identity && size > 0) ||
                       (multihash[0] == sha2_256 && size == crypto::sha256::size);
    if (!known || size != multihash.size() - 2) return fail(errc::malformed_peer_id);
    std::ranges::copy(multihash, id.bytes_.begin());
    id.size_ = static_cast<std::uint8_t>(multihash.size());
    return id;
}

result<peer_id> peer_id::parse(std::string_view text) {
    if (text.starts_with('1') || text.starts_with("Qm")) {
        const auto multihash = multibase::decode_base58(text);
        if (!multihash) return fail(errc::malformed_peer_id);
        return from_bytes(*multihash);
    }
    if (text.size() > multibase::longest_number) return fail(errc::malformed_peer_id);
    const auto cid = multibase::decode(text);
    if (!cid || cid->size() < cid_head.size() ||
        !std::ranges::equal(std::span(*cid).first(cid_head.size()), cid_head)) {
        return fail(errc::malformed_peer_id);
    }
    return from_bytes(std::span(*cid).subspan(cid_head.size()));
}

result<public_key> peer_id::key() const {
    if (bytes_[0] != identity) return fail(copoll::errc::not_supported);
    return public_key::decode(bytes().subspan(2));
}

std::string peer_id::to_string() const { return multibase::encode_base58(bytes()); }

std::string peer_id::to_cid() const {
    std::array<std::byte, cid_head.size() + sizeof(bytes_)> cid;
    std::ranges::copy(cid_head, cid.begin());
    std::ranges::copy(bytes(), cid.begin() + cid_head.size());
    return 'b' + multibase::encode_base32(std::span(cid).first(cid_head.size() + size_));
}

}  // namespace copoll::p2p
