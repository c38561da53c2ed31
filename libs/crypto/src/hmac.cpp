// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/hmac.hpp>

#include <algorithm>
#include <cstdint>

#include <sodium/crypto_auth_hmacsha256.h>

#include "bytes.hpp"

namespace copoll::crypto {

hmac_sha256::hmac_sha256(std::span<const std::byte> key) noexcept {
    crypto_auth_hmacsha256_init(state_in<crypto_auth_hmacsha256_state>(state_),
                                never_null(key), key.size());
}

void hmac_sha256::update(std::span<const std::byte> bytes) noexcept {
    crypto_auth_hmacsha256_update(state_in<crypto_auth_hmacsha256_state>(state_),
                                  raw(bytes.data()), bytes.size());
}

secret<hmac_sha256::size> hmac_sha256::finish() noexcept {
    secret<size> made;
    crypto_auth_hmacsha256_final(state_in<crypto_auth_hmacsha256_state>(state_),
                                 raw(made.bytes().data()));
    return made;
}

namespace hkdf_sha256 {

secret<hmac_sha256::size> extract(std::span<const std::byte> salt,
                                  std::span<const std::byte> input) noexcept {
    return hmac_sha256::of(salt, input);
}

result<void> expand(std::span<const std::byte, hmac_sha256::size> key,
                    std::span<const std::byte> info, std::span<std::byte> into) noexcept {
    if (into.size() > longest) return std::unexpected(make_error_code(errc::too_long));
    const hmac_sha256 keyed{key};
    secret<hmac_sha256::size> block;
    for (std::uint8_t count = 1; !into.empty(); ++count) {
        hmac_sha256 code = keyed;
        if (count > 1) code.update(block.bytes());
        code.update(info);
        code.update(std::as_bytes(std::span(&count, 1)));
        block = code.finish();
        const std::size_t n = std::min(into.size(), block.size());
        std::ranges::copy(block.bytes().first(n), into.begin());
        into = into.subspan(n);
    }
    return {};
}

}  // namespace hkdf_sha256
}  // namespace copoll::crypto
