// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace load {

// The endless sequence of bytes that one connection sends and expects back: a ring of
// pseudo-random bytes, different for each seed, so that a byte of another connection is as wrong
// as a lost or a repeated one. The ring is unrolled, hence any run of up to `window` bytes lies
// in one piece: sending needs no copy and checking is one memcmp.
class pattern {
public:
    // A prime, so that losing or repeating whole packets or pages always shifts the sequence.
    static constexpr std::size_t period = 4093;

    pattern(std::uint64_t seed, std::size_t window) : window_{window}, bytes_(period + window) {
        for (std::size_t i = 0; i < period; ++i) bytes_[i] = static_cast<std::byte>(mix(seed, i));
        for (std::size_t i = period; i < bytes_.size(); ++i) bytes_[i] = bytes_[i - period];
    }

    [[nodiscard]] std::size_t window() const { return window_; }

    // `length` bytes from `position` of the sequence on; length <= window().
    [[nodiscard]] std::span<const std::byte> at(std::uint64_t position, std::size_t length) const {
        return {bytes_.data() + position % period, length};
    }

    [[nodiscard]] bool matches(std::uint64_t position, std::span<const std::byte> data) const {
        while (!data.empty()) {
            const auto piece = data.first(std::min(data.size(), window_));
            const auto expected = at(position, piece.size());
            if (std::memcmp(piece.data(), expected.data(), piece.size()) != 0) return false;
            data = data.subspan(piece.size());
            position += piece.size();
        }
        return true;
    }

    // Looks at the first and the last byte only.
    [[nodiscard]] bool edges_match(std::uint64_t position, std::span<const std::byte> data) const {
        return data.front() == at(position, 1).front() &&
               data.back() == at(position + data.size() - 1, 1).front();
    }

private:
    // The finalizer of SplitMix64: every bit of the result depends on every bit of the input.
    static std::uint64_t mix(std::uint64_t seed, std::uint64_t index) {
        std::uint64_t z = (seed << 32 | index) + 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }

    std::size_t window_;
    std::vector<std::byte> bytes_;
};

}  // namespace load
