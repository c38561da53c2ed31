// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <copoll_crypto/error.hpp>
#include <copoll_crypto/secret.hpp>

namespace copoll::crypto {

/// HMAC with SHA-256 (RFC 2104) of bytes that come in pieces. Wipes itself. Compare results with
/// `secret`'s `==`, which takes constant time.
class hmac_sha256 {
public:
    static constexpr std::size_t size = 32;

    /// A key may have any length; those over 64 bytes are hashed first.
    explicit hmac_sha256(std::span<const std::byte> key) noexcept;
    hmac_sha256(const hmac_sha256&) noexcept = default;
    hmac_sha256& operator=(const hmac_sha256&) noexcept = default;
    ~hmac_sha256() { wipe(state_); }

    void update(std::span<const std::byte> bytes) noexcept;
    /// The code of all bytes so far. Nothing but destruction and assignment may follow.
    secret<size> finish() noexcept;

    static secret<size> of(std::span<const std::byte> key,
                           std::span<const std::byte> bytes) noexcept {
        hmac_sha256 all{key};
        all.update(bytes);
        return all.finish();
    }

private:
    alignas(8) std::array<std::byte, 208> state_;
};

/// HKDF with SHA-256 (RFC 5869): keys from a secret that is not uniform, such as a Diffie-Hellman
/// result.
namespace hkdf_sha256 {

constexpr std::size_t longest = 255 * hmac_sha256::size;

/// §2.2: a uniform key from `input`. The salt is public and may be empty.
secret<hmac_sha256::size> extract(std::span<const std::byte> salt,
                                  std::span<const std::byte> input) noexcept;

/// §2.3: fills `into` from a uniform key. `info` names what the bytes are for. Shorter outputs are
/// the beginnings of longer ones, so split one output rather than ask twice.
/// *Errors:* `errc::too_long` for more than `longest` bytes.
[[nodiscard]] result<void> expand(std::span<const std::byte, hmac_sha256::size> key,
                                  std::span<const std::byte> info,
                                  std::span<std::byte> into) noexcept;

}  // namespace hkdf_sha256
}  // namespace copoll::crypto
