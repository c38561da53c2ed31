// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/random.hpp>
#include <copoll_crypto/x25519.hpp>

#include <sodium/crypto_scalarmult_curve25519.h>

#include "bytes.hpp"

namespace copoll::crypto::x25519 {

private_key generate() noexcept { return random_secret<key_size>(); }

public_key public_key_of(const private_key& own) noexcept {
    public_key made;
    crypto_scalarmult_curve25519_base(raw(made.data()), raw(own.bytes().data()));
    return made;
}

result<secret<key_size>> agree(const private_key& own,
                               std::span<const std::byte, key_size> peer) noexcept {
    secret<key_size> shared;
    if (crypto_scalarmult_curve25519(raw(shared.bytes().data()), raw(own.bytes().data()),
                                     raw(peer.data())) != 0) {
        return std::unexpected(make_error_code(errc::low_order_point));
    }
    return shared;
}

}  // namespace copoll::crypto::x25519
