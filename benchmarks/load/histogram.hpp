// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <hdr/hdr_histogram.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <vector>

namespace load {

// Durations in nanoseconds up to an hour, exact to 1/1000 whatever their size. Recording one costs
// a few instructions and no memory.
class histogram {
public:
    // Durations above that of the range before and up to `up_to`, in nanoseconds.
    struct range {
        double up_to;
        std::int64_t count;
    };

    histogram() {
        hdr_histogram* made = nullptr;
        if (hdr_init(1, longest, 3, &made) != 0) throw std::bad_alloc{};
        counts_.reset(made);
    }

    void record(std::int64_t nanoseconds) {
        hdr_record_value(counts_.get(), std::clamp<std::int64_t>(nanoseconds, 0, longest));
    }

    [[nodiscard]] std::int64_t total() const { return counts_->total_count; }
    [[nodiscard]] std::int64_t max() const { return total() > 0 ? hdr_max(counts_.get()) : 0; }

    // The duration that at least `percent` of all recorded ones do not exceed; 0 when nothing was
    // recorded.
    [[nodiscard]] std::int64_t percentile(double percent) const {
        return total() > 0 ? hdr_value_at_percentile(counts_.get(), percent) : 0;
    }

    // All that was recorded, in ranges that are the same for each histogram, so that several add
    // up: 20 to each decade from a microsecond on, hence 192 at most; those without any are left
    // out.
    [[nodiscard]] std::vector<range> ranges() const {
        constexpr double first = 1000;
        constexpr double per_decade = 20;
        std::vector<range> found;
        hdr_iter at{};
        hdr_iter_recorded_init(&at, counts_.get());
        while (hdr_iter_next(&at)) {
            const double value = std::max(static_cast<double>(at.value), first);
            const double number = std::ceil(std::log10(value / first) * per_decade);
            const double up_to = first * std::pow(10, number / per_decade);
            if (found.empty() || found.back().up_to < up_to) found.push_back({up_to, 0});
            found.back().count += at.count;
        }
        return found;
    }

private:
    static constexpr std::int64_t longest = 3'600'000'000'000;

    struct closed {
        void operator()(hdr_histogram* h) const { hdr_close(h); }
    };
    std::unique_ptr<hdr_histogram, closed> counts_;
};

}  // namespace load
