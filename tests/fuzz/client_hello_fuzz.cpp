// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/client_hello.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <copoll/tls/error.hpp>

#include "fuzz.hpp"

using copoll::tls::client_hello;

// What is a ClientHello is one in every cut of the input that holds it, and nowhere needs less.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span{data, size});
    const auto parsed = client_hello::parse(input);
    if (!parsed) {
        must(parsed.error().category() == copoll::tls::category());
        return 0;
    }
    if (!*parsed) return 0;
    const client_hello& hello = **parsed;
    must(hello.wire_size() <= size);
    must(hello.message().size() < hello.wire_size());
    must(!hello.versions().empty() && !hello.cipher_suites().empty());
    for (const auto type : hello.extensions()) must(hello.extension(type).has_value());
    for (const auto id : hello.alpn_ids()) must(!id.empty() && id.size() <= 255);
    for (const auto id : hello.psk_identities()) must(!id.empty());
    if (const auto name = hello.server_name()) must(!name->empty() && name->size() <= 253);

    const auto exact = client_hello::parse(input.first(hello.wire_size()));
    must(exact && *exact && std::ranges::equal((*exact)->message(), hello.message()));
    const auto cut = client_hello::parse(input.first(hello.wire_size() - 1));
    must(cut && !*cut);
    return 0;
}
