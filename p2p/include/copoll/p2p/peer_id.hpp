// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <copoll/buffer.hpp>
#include <copoll/p2p/error.hpp>
#include <copoll/p2p/key.hpp>

namespace copoll::p2p {

/// Who a peer is: a multihash of its public key (libp2p peer-ids specification). A value of 48
/// bytes that is copied, compared and hashed.
class peer_id {
public:
    /// The key itself if its message has at most 42 bytes, else its SHA-256.
    static peer_id of(const public_key& key);

    /// From the multihash. *Errors:* `errc::malformed_peer_id`, also for another hash function.
    static result<peer_id> from_bytes(std::span<const std::byte> multihash) noexcept;
    /// From text: base58 ("12D3KooW…", "Qm…"), or a CID of version 1 with the codec libp2p-key in
    /// base32, base36, base58 or base16 ("bafz…", "k51…", "z…", "f01…").
    /// *Errors:* `errc::malformed_peer_id`.
    static result<peer_id> parse(std::string_view text);

    /// The multihash. Valid as long as this object.
    std::span<const std::byte> bytes() const noexcept { return std::span(bytes_).first(size_); }
    /// The public key, where the id holds it. *Errors:* `copoll::errc::not_supported` for an id
    /// that is a hash; those of `public_key::decode`.
    result<public_key> key() const;

    /// In base58.
    std::string to_string() const;
    /// As CID of version 1 in base32, for places where case is lost.
    std::string to_cid() const;

    friend bool operator==(const peer_id& a, const peer_id& b) noexcept {
        return std::ranges::equal(a.bytes(), b.bytes());
    }
    friend std::strong_ordering operator<=>(const peer_id& a, const peer_id& b) noexcept {
        return text_of(a.bytes()) <=> text_of(b.bytes());
    }

private:
    /// Two bytes of code and length, and at most so many of digest.
    static constexpr std::size_t longest_digest = 42;

    peer_id() noexcept = default;

    std::array<std::byte, 2 + longest_digest> bytes_{};
    std::uint8_t size_ = 0;
};

}  // namespace copoll::p2p

template <>
struct std::hash<copoll::p2p::peer_id> {
    std::size_t operator()(const copoll::p2p::peer_id& id) const noexcept {
        return std::hash<std::string_view>{}(copoll::text_of(id.bytes()));
    }
};
