// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/key.hpp>
#include <copoll/p2p/peer_id.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fuzz.hpp"

using namespace copoll::p2p;

// What is a peer id is one in all its forms; what is a key has but one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span{data, size});
    for (const auto& id : {peer_id::parse(copoll::text_of(bytes)), peer_id::from_bytes(bytes)}) {
        if (!id) {
            must(id.error() == errc::malformed_peer_id);
            continue;
        }
        must(peer_id::parse(id->to_string()) == id);
        must(peer_id::parse(id->to_cid()) == id);
        must(peer_id::from_bytes(id->bytes()) == id);
        if (const auto key = id->key()) must(peer_id::of(*key) == *id);
    }
    if (const auto key = public_key::decode(bytes)) {
        must(std::ranges::equal(key->encode(), bytes));
        must(!key->verify(bytes, bytes));
    }
    static_cast<void>(private_key::decode(bytes));
    return 0;
}
