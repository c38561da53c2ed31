// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

/// Big-endian numbers, and bytes with their length before them, as TLS writes them.

namespace copoll::tls::detail {

class byte_writer {
public:
    void number(std::uint64_t value, unsigned bytes) {
        while (bytes-- > 0) out_.push_back(static_cast<std::byte>(value >> (8 * bytes)));
    }
    void raw(std::span<const std::byte> bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }
    void counted(std::span<const std::byte> bytes, unsigned count_size) {
        number(bytes.size(), count_size);
        raw(bytes);
    }
    std::vector<std::byte> take() noexcept { return std::move(out_); }

private:
    std::vector<std::byte> out_;
};

/// Once it was asked for more than is there, it gives nothing more and `failed`.
class byte_reader {
public:
    explicit byte_reader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

    std::uint64_t number(unsigned bytes) noexcept {
        std::uint64_t value = 0;
        for (const std::byte b : raw(bytes)) value = value << 8 | static_cast<std::uint8_t>(b);
        return value;
    }
    std::span<const std::byte> raw(std::size_t n) noexcept {
        if (n > rest_.size()) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        const auto taken = rest_.first(n);
        rest_ = rest_.subspan(n);
        return taken;
    }
    std::span<const std::byte> counted(unsigned count_size) noexcept {
        return raw(static_cast<std::size_t>(number(count_size)));
    }
    bool failed() const noexcept { return failed_; }
    bool empty() const noexcept { return rest_.empty(); }
    /// All was read, and nothing missed.
    bool ended_well() const noexcept { return !failed_ && rest_.empty(); }

private:
    std::span<const std::byte> rest_;
    bool failed_ = false;
};

}  // namespace copoll::tls::detail
