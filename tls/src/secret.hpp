// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/platform_util.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

namespace copoll::tls::detail {

/// Bytes that are wiped when they go: decrypted keys, and what is derived from passphrases.
class secret {
public:
    secret() noexcept = default;
    explicit secret(std::size_t size)
        : bytes_(std::make_unique<unsigned char[]>(size)), size_(size), allocated_(size) {}
    secret(secret&& other) noexcept { swap(other); }
    secret& operator=(secret&& other) noexcept {
        secret taken{std::move(other)};
        swap(taken);
        return *this;
    }
    ~secret() {
        if (bytes_) mbedtls_platform_zeroize(bytes_.get(), allocated_);
    }

    unsigned char* data() const noexcept { return bytes_.get(); }
    std::size_t size() const noexcept { return size_; }
    std::span<unsigned char> bytes() const noexcept { return {bytes_.get(), size_}; }
    /// Precondition: `size <= this->size()`.
    void shrink(std::size_t size) noexcept { size_ = std::min(size, size_); }

private:
    void swap(secret& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(size_, other.size_);
        std::swap(allocated_, other.allocated_);
    }

    std::unique_ptr<unsigned char[]> bytes_;
    std::size_t size_ = 0;
    std::size_t allocated_ = 0;
};

}  // namespace copoll::tls::detail
