// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace load {

// Counts durations in nanoseconds in buckets of equal relative width, so that recording one costs
// a few instructions and no memory however long a run is. A quantile is exact to 1/64 (1.6 %).
class histogram {
public:
    void record(std::uint64_t nanoseconds) {
        ++counts_[bucket_of(nanoseconds)];
        ++total_;
        max_ = std::max(max_, nanoseconds);
    }

    void clear() { *this = {}; }

    [[nodiscard]] std::uint64_t total() const { return total_; }
    [[nodiscard]] std::uint64_t max() const { return max_; }

    // The smallest duration that at least `fraction` of all recorded ones do not exceed; 0 when
    // nothing was recorded.
    [[nodiscard]] std::uint64_t quantile(double fraction) const {
        const auto rank = static_cast<std::uint64_t>(fraction * static_cast<double>(total_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > rank) return std::min(lower_bound_of(i), max_);
        }
        return max_;
    }

private:
    // Values below 64 have a bucket each; above, every power of two is cut into 64 equal parts.
    static constexpr unsigned sub_bits = 6;
    static constexpr std::size_t sub_count = std::size_t{1} << sub_bits;

    static std::size_t bucket_of(std::uint64_t value) {
        if (value < sub_count) return static_cast<std::size_t>(value);
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
        return (shift + 1) * sub_count + static_cast<std::size_t>((value >> shift) - sub_count);
    }

    static std::uint64_t lower_bound_of(std::size_t bucket) {
        if (bucket < sub_count) return bucket;
        const auto shift = static_cast<unsigned>(bucket / sub_count - 1);
        return (sub_count + bucket % sub_count) << shift;
    }

    std::array<std::uint64_t, (64 - sub_bits + 1) * sub_count> counts_{};
    std::uint64_t total_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace load
