// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/signed_record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/varint.hpp>

#include "fuzz.hpp"

using namespace copoll::p2p;

namespace {

/// That of the vectors, whose seed is 00 01 02 …, so that its records can be signed again.
const identity& signer() {
    static const identity made = [] {
        std::array<std::byte, copoll::crypto::ed25519::seed_size> seed;
        for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::byte>(i);
        const auto own = copoll::crypto::ed25519::private_key{seed}.public_key();
        std::vector<std::byte> both{seed.begin(), seed.end()};
        both.insert(both.end(), own.begin(), own.end());
        protobuf::writer key;
        key.varint(1, 1).bytes(2, both);
        return identity{*private_key::decode(key.message())};
    }();
    return made;
}

std::vector<std::byte> signed_envelope(std::span<const std::byte> payload) {
    constexpr std::array type{std::byte{3}, std::byte{1}};
    copoll::buffer statement;
    for (const auto part : {copoll::bytes_of("libp2p-peer-record"),
                            std::span<const std::byte>(type), payload}) {
        statement.append(varint::encoded{part.size()}.bytes());
        statement.append(part);
    }
    protobuf::writer envelope;
    envelope.bytes(1, signer().public_key().encode()).bytes(2, type).bytes(3, payload);
    envelope.bytes(5, signer().sign(std::as_const(statement).data()));
    return envelope.take();
}

void open(std::span<const std::byte> envelope) {
    const auto opened = open_record(envelope);
    if (!opened) {
        must(opened.error().category() == category() ||
             opened.error() == copoll::errc::message_too_large);
        return;
    }
    must(opened->addresses.size() <= most_record_addresses);
    must(open_record(envelope, opened->peer).has_value());
    if (opened->peer != signer().id()) return;
    must(open_record(seal(signer(), opened->sequence, opened->addresses)) == opened);
}

}  // namespace

// An envelope as it comes, and a record that somebody has signed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span{data, size});
    open(input);
    open(signed_envelope(input));
    return 0;
}
