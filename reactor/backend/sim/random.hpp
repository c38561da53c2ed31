// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace copoll::backend {
inline namespace sim {

/// splitmix64. The standard's distributions differ from library to library, so none is used.
constexpr std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

class random {
public:
    explicit random(std::uint64_t seed) noexcept : state_(seed) {}
    std::uint64_t next() noexcept { return mix(state_ += 0x9e3779b97f4a7c15U); }
    /// 0 to n - 1; precondition: n > 0.
    std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
    std::size_t pick(std::size_t n) noexcept { return static_cast<std::size_t>(below(n)); }
    bool percent(unsigned p) noexcept { return p > 0 && below(100) < p; }

private:
    std::uint64_t state_;
};

}  // namespace sim
}  // namespace copoll::backend
