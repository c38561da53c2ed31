// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/multiaddr.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz.hpp"

using namespace copoll::p2p;

namespace {

void must_come_back(const multiaddr& a) {
    must(multiaddr::from_bytes(a.bytes()) == a);
    must(multiaddr::parse(a.to_string()) == a);
    must(!a.components().empty());
    static_cast<void>(a.tcp_endpoint());
    const auto peer = a.peer();
    const auto rest = a.without_peer();
    if (peer && rest) must(rest->encapsulate(multiaddr::p2p(*peer)) == a);
}

}  // namespace

// What is an address in text or in bytes is the same address in both.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto from_text = multiaddr::parse(copoll::text_of(bytes));
    const auto from_bytes = multiaddr::from_bytes(bytes);
    for (const auto* a : {&from_text, &from_bytes}) {
        if (*a)
            must_come_back(**a);
        else
            must(a->error() == errc::malformed_multiaddr);
    }
    if (from_bytes) must(std::ranges::equal(from_bytes->bytes(), bytes));
    return 0;
}
