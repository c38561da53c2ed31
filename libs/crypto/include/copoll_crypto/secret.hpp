// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace copoll::crypto {

/// Overwrites `bytes` with zeros, also where the compiler can see that nobody reads them again.
void wipe(std::span<std::byte> bytes) noexcept;

/// Whether both hold the same bytes. The time that it takes depends on their lengths alone.
[[nodiscard]] bool equal(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;

/// `N` bytes that are wiped when they go out of scope or are moved from. Not copied by accident:
/// `secret{other.bytes()}` copies.
template <std::size_t N>
class secret {
public:
    /// All zeros.
    secret() noexcept = default;
    explicit secret(std::span<const std::byte, N> bytes) noexcept {
        std::ranges::copy(bytes, bytes_.begin());
    }
    secret(secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
    secret& operator=(secret&& other) noexcept {
        if (this != &other) {
            bytes_ = other.bytes_;
            other.wipe();
        }
        return *this;
    }
    ~secret() { wipe(); }

    static constexpr std::size_t size() noexcept { return N; }
    /// Valid as long as this object.
    std::span<const std::byte, N> bytes() const noexcept { return bytes_; }
    std::span<std::byte, N> bytes() noexcept { return bytes_; }

    void wipe() noexcept { crypto::wipe(bytes_); }

    /// In constant time.
    friend bool operator==(const secret& a, const secret& b) noexcept {
        return equal(a.bytes_, b.bytes_);
    }

private:
    std::array<std::byte, N> bytes_{};
};

}  // namespace copoll::crypto
