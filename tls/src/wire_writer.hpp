// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace copoll::tls::detail {

/// Writes the presentation language of TLS (RFC 8446 §3): big-endian numbers, and vectors with
/// their length before them.
class wire_writer {
public:
    void number(std::uint64_t value, unsigned bytes) {
        while (bytes-- > 0) out_.push_back(static_cast<std::byte>(value >> (8 * bytes)));
    }
    void raw(std::span<const std::byte> bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }
    void vector(std::span<const std::byte> bytes, unsigned length_size) {
        number(bytes.size(), length_size);
        raw(bytes);
    }
    std::vector<std::byte> take() noexcept { return std::move(out_); }

private:
    std::vector<std::byte> out_;
};

}  // namespace copoll::tls::detail
