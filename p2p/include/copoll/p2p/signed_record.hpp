// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/p2p/peer_id.hpp>

/// Addresses that a peer has signed, so that whoever passes them on cannot change them: a peer
/// record (libp2p RFC 0003) in a signed envelope (RFC 0002).

namespace copoll::p2p {

/// Where a peer says that it is. Of two records that with the higher number is the later one.
struct peer_record {
    peer_id peer;
    std::uint64_t sequence;
    std::vector<multiaddr> addresses;

    friend bool operator==(const peer_record&, const peer_record&) = default;
};

/// An envelope has no more bytes, and a record no more addresses.
constexpr std::size_t longest_envelope = 64 * 1024;
constexpr std::size_t most_record_addresses = 512;

/// Numbers for records of one's own: each is higher than those before, also over restarts. They are
/// the milliseconds since 1970, as with others, unless the clock has not gone on since the last.
class record_numbers {
public:
    std::uint64_t next();

private:
    std::uint64_t last_ = 0;
};

/// The envelope of a record of one's own. Numbers have to go up: see `record_numbers`. Addresses
/// over `most_record_addresses` are left out.
std::vector<std::byte> seal(const identity& own, std::uint64_t sequence,
                            std::span<const multiaddr> addresses);

/// The record in an envelope that the peer it is about has signed. Addresses of unknown kinds, and
/// malformed ones, are skipped.
/// *Errors:* `errc::bad_signature`; `errc::wrong_peer` for a record that another peer has signed;
/// `errc::malformed_message`, also for an envelope of something else; those of
/// `public_key::decode` and `peer_id::from_bytes`; `copoll::errc::message_too_large`.
result<peer_record> open_record(std::span<const std::byte> envelope);
/// The same for a record that has to be about `peer`, else it is `errc::wrong_peer`.
result<peer_record> open_record(std::span<const std::byte> envelope, const peer_id& peer);

}  // namespace copoll::p2p
