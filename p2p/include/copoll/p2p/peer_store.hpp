// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <copoll/clock.hpp>
#include <copoll/p2p/identify.hpp>
#include <copoll/p2p/key.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/p2p/peer_id.hpp>
#include <copoll/p2p/signed_record.hpp>

/// What is known about peers. No I/O, and time is an argument.
///
/// Peers say most of it of themselves, so it is bounded: addresses and bytes of each peer, peers,
/// and the bytes of those that may go. What is over goes: of addresses those that are trusted
/// least; of peers what has expired, then the one that was not used for longest among those of
/// which the user has given no address. Peers that are pinned stay. Those that the user gives
/// addresses of only go for others that he gives, when there are `max_peers` of them that are not
/// pinned.

namespace copoll::p2p {

/// Where an address comes from, in the order of trust.
enum class address_source : std::uint8_t {
    identified,     ///< The peer says so.
    signed_record,  ///< The peer has signed it.
    dialed,         ///< The peer was reached there.
    given,          ///< By the user of this node.
};

struct known_address {
    multiaddr address;  ///< without the peer's id at the end
    address_source source;
    clock::time_point expires;
};

struct known_peer {
    std::vector<known_address> addresses{};  ///< the most trusted first
    std::vector<std::string> protocols{};
    std::string agent_version{};
    std::optional<public_key> key{};  ///< where the id does not hold it
    std::optional<std::uint64_t> record_sequence{};
    std::size_t pins = 0;
};

struct peer_store_options {
    std::size_t max_peers = 1000;
    std::size_t max_addresses = 64;           ///< of a peer
    std::size_t max_bytes_of_peer = 16 * 1024;  ///< of what it says of itself, about
    /// Of the peers together, about. Those that are pinned can exceed it, by `max_bytes_of_peer`
    /// each; those that the user gave can only by the addresses that he gave.
    std::size_t max_bytes = 8 * 1024 * 1024;
    /// How long addresses hold that the user has not given, and those of one that was pinned.
    clock::duration lifetime = std::chrono::minutes{30};
};

class peer_store {
public:
    static constexpr clock::duration for_ever = clock::duration::max();

    explicit peer_store(peer_store_options options = {}) noexcept : options_(options) {}

    /// An address, for `lifetime`: if not said, for ever if the user has given it, else as long as
    /// the options say. One that is known keeps the better source and the later end. One that
    /// leads to another peer is not taken.
    void add_address(const peer_id& peer, const multiaddr& address, address_source source,
                     clock::time_point now, std::optional<clock::duration> lifetime = {});
    /// Forgets one that does not lead to the peer, whatever its source.
    void remove_address(const peer_id& peer, const multiaddr& address);

    /// What a peer said of itself: replaces what it had said before, as far as it is mentioned.
    /// Its signed record is not looked at. Addresses are not taken of one whose record is known.
    /// Precondition: `check_identity` had nothing against it.
    void identified(const peer_id& peer, const identify_message& message, clock::time_point now);
    /// The addresses that a peer has signed replace all that it had said before. False, and nothing
    /// changes, if a later record is known. Precondition: it comes from `open_record`.
    bool take_record(const peer_record& record, clock::time_point now);
    /// The key of a peer whose id is only a hash of it. *Errors:* `errc::wrong_peer`.
    result<void> add_key(const peer_id& peer, const public_key& key);

    /// Keeps a peer, with all its addresses, while it is connected or needed; as often as `unpin`
    /// is called.
    void pin(const peer_id& peer);
    /// Precondition: it is pinned.
    void unpin(const peer_id& peer, clock::time_point now);

    /// Where to dial, the most trusted first. Counts as use.
    std::vector<multiaddr> addresses(const peer_id& peer, clock::time_point now);
    /// All that is known, with addresses that may have expired; null if nothing is. Valid until
    /// the next change.
    const known_peer* find(const peer_id& peer) const;
    /// In the id or remembered. *Errors:* `copoll::errc::not_supported` if neither.
    result<public_key> key(const peer_id& peer) const;

    /// Forgets addresses that have expired, and peers of which there is none left, unless pinned.
    void expire(clock::time_point now);

    std::size_t size() const noexcept { return by_id_.size(); }  ///< peers
    std::size_t bytes() const noexcept { return bytes_; }        ///< that they take, about

private:
    struct entry {
        peer_id id;
        known_peer known{};
        std::size_t bytes = 0;
        std::size_t list = 0;  ///< of `lists_`
    };
    using entries = std::list<entry>;

    entries::iterator use(const peer_id& peer);
    void place(entries::iterator at);
    void measure(entry& changed) noexcept;
    void settle(entries::iterator changed);
    bool is_over() const noexcept;
    void drop(entries::iterator at);
    void forget_expired(const entry* but);
    void cut(known_peer& known) const;
    void insert(known_peer& into, known_address added);

    peer_store_options options_;
    // in each the one used last first, so that who has to go is found at once
    std::array<entries, 3> lists_{};
    std::unordered_map<peer_id, entries::iterator> by_id_{};
    std::size_t bytes_ = 0;
    clock::time_point now_ = clock::time_point::min();      ///< the latest that was heard of
    clock::time_point sweep_at_ = clock::time_point::min();  ///< not before that
};

}  // namespace copoll::p2p
