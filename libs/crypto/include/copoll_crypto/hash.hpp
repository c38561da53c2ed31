// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace copoll::crypto {

/// SHA-256 (FIPS 180-4 §6.2) of bytes that come in pieces. A copy goes on from where the original
/// is.
class sha256 {
public:
    static constexpr std::size_t size = 32;
    using digest = std::array<std::byte, size>;

    sha256() noexcept;
    void update(std::span<const std::byte> bytes) noexcept;
    /// The hash of all bytes since the beginning or the last `finish`.
    digest finish() noexcept;

    static digest hash(std::span<const std::byte> bytes) noexcept {
        sha256 all;
        all.update(bytes);
        return all.finish();
    }

private:
    alignas(8) std::array<std::byte, 104> state_;
};

/// SHA-512 (FIPS 180-4 §6.4); otherwise as `sha256`.
class sha512 {
public:
    static constexpr std::size_t size = 64;
    using digest = std::array<std::byte, size>;

    sha512() noexcept;
    void update(std::span<const std::byte> bytes) noexcept;
    digest finish() noexcept;

    static digest hash(std::span<const std::byte> bytes) noexcept {
        sha512 all;
        all.update(bytes);
        return all.finish();
    }

private:
    alignas(8) std::array<std::byte, 208> state_;
};

}  // namespace copoll::crypto
