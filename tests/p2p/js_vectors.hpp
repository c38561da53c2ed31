// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <string_view>

/// What js-libp2p (@libp2p/peer-record 9.0.16, @libp2p/identify 4) makes of a key whose seed is
/// 00 01 02 … 1f: the envelope of a peer record, and an identify message that holds it.
namespace copoll_tests::js_vectors {

inline constexpr std::string_view seed =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
inline constexpr std::string_view peer = "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB";
inline constexpr unsigned long long sequence = 1763750400123;
inline constexpr std::array<std::string_view, 3> addresses{
    "/ip4/192.0.2.1/tcp/4001", "/dns4/example.com/tcp/443/wss", "/ip6/2001:db8::1/tcp/4001"};

inline constexpr std::string_view envelope =
    "0a240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8120203011a69"
    "0a2600240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b810fba0dd"
    "bdaa331a0a0a0804c0000201060fa11a140a12360b6578616d706c652e636f6d0601bbde031a160a14292001"
    "0db8000000000000000000000001060fa12a40bdd4736179ac13932a5994a38dc32a3092cf83ac2efdbed912"
    "343175648001b4ca8930008556eb1751aacb9f4cf45d07669a08bb8db9f2be1b98bb8a90071808";

/// With protocol version "ipfs/0.1.0", agent "js-libp2p/3.3.11", the addresses above, observed
/// /ip4/198.51.100.7/tcp/55555, and the protocols of identify and ping. What follows is the
/// envelope.
inline constexpr std::string_view identify_without_envelope =
    "2a0a697066732f302e312e3032106a732d6c69627032702f332e332e31310a240801122003a107bff3ce10be"
    "1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8120804c0000201060fa11212360b6578616d706c"
    "652e636f6d0601bbde0312142920010db8000000000000000000000001060fa1220804c633640706d9031a0e"
    "2f697066732f69642f312e302e301a102f697066732f70696e672f312e302e3042d701";

}  // namespace copoll_tests::js_vectors
