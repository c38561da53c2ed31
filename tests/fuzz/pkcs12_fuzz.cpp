// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/identity.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz.hpp"

using copoll::tls::private_identity;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed =
        private_identity::parse_pkcs12(std::as_bytes(std::span{data, size}), "correct horse");
    if (parsed) must(!parsed->identity().leaf().sha256.empty());
    return 0;
}
