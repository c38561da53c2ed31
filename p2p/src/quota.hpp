// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

namespace copoll::p2p::detail {

/// So many of each key at a time.
template <class Key>
class quota {
public:
    /// Counts as long as it lives. The quota outlives it.
    class lease {
    public:
        lease(lease&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), at_(other.at_) {}
        lease& operator=(lease&&) = delete;
        ~lease() {
            if (owner_ && --at_->second == 0) owner_->taken_.erase(at_);
        }

    private:
        friend class quota;
        using place = typename std::map<Key, std::size_t>::iterator;
        lease(quota& owner, place at) noexcept : owner_(&owner), at_(at) { ++at_->second; }

        quota* owner_;
        place at_;
    };

    explicit quota(std::size_t most) noexcept : most_(most) {}
    quota(const quota&) = delete;
    quota& operator=(const quota&) = delete;

    /// None if there are as many as may be.
    std::optional<lease> take(const Key& key) {
        if (most_ == 0) return std::nullopt;
        const auto at = taken_.try_emplace(key, 0).first;
        if (at->second >= most_) return std::nullopt;
        return lease{*this, at};
    }
    std::size_t taken(const Key& key) const noexcept {
        const auto at = taken_.find(key);
        return at == taken_.end() ? 0 : at->second;
    }

private:
    std::size_t most_;
    std::map<Key, std::size_t> taken_{};
};

}  // namespace copoll::p2p::detail
