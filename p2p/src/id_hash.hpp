// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <copoll/p2p/yamux_frame.hpp>
#include <copoll_crypto/random.hpp>

namespace copoll::p2p::detail {

/// Of stream ids, by a random key that copies share: the peer chooses ids, and would choose those
/// that fall into one bucket. Nothing that is seen outside may depend on the order in a table.
class id_hash {
public:
    id_hash() noexcept {
        crypto::fill_random(std::as_writable_bytes(std::span<std::uint64_t, 1>{&key_, 1}));
    }

    /// The finalizer of SplitMix64: each bit of id and key changes half of the result's.
    std::size_t operator()(yamux::stream_id id) const noexcept {
        std::uint64_t x = id ^ key_;
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
        x = (x ^ x >> 27) * 0x94d049bb133111eb;
        return static_cast<std::size_t>(x ^ x >> 31);
    }

private:
    std::uint64_t key_;
};

}  // namespace copoll::p2p::detail
