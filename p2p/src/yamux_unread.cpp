// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <utility>

#include "spare_buffers.hpp"
#include "yamux_state.hpp"

/// What was received and not read, and how much memory it takes.

namespace copoll::p2p::yamux {
namespace {

/// What the memory of a stream that has something unread is at least.
constexpr std::uint64_t least_memory = 512;

}  // namespace

/// How much memory the session may hold in addition.
std::uint64_t session::state::may_hold() const noexcept {
    const std::uint64_t here = less(limits.max_unread, held);
    const unread_budget* const all = limits.unread_of_all.get();
    if (!all) return here;
    const std::uint64_t share = less(held, all->apart);
    const std::uint64_t unused = less(all->limit, all->used);
    // With n more, twice the share is at most what is unused: 2 (share + n) <= unused - n.
    return std::min(here, less(all->apart, held) + less(unused, 2 * share) / 3);
}

void session::state::hold(std::uint64_t n) noexcept {
    if (unread_budget* const all = limits.unread_of_all.get())
        all->used += less(n, all->apart) - less(held, all->apart);
    held = n;
}

bool session::state::has_room(const stream& s, std::uint64_t n) const noexcept {
    const std::uint64_t size = s.unread.size() + n, memory = s.unread.capacity();
    return size <= memory || std::max(size, least_memory) <= memory + may_hold();
}

bool session::state::keep(stream& s, std::span<const std::byte> bytes) {
    if (!has_room(s, bytes.size())) return false;
    const std::size_t before = s.unread.capacity();
    const auto most = std::min<std::uint64_t>(s.window.size(), before + may_hold());
    detail::spare_buffers::make_room(s.unread, bytes.size(), static_cast<std::size_t>(most));
    s.unread.append(bytes);
    unread += bytes.size();
    hold(held - before + s.unread.capacity());
    return true;
}

void session::state::take_read(stream& s, std::size_t n) {
    const std::size_t before = s.unread.capacity();
    s.unread.consume(n);
    s.window.read(static_cast<std::uint32_t>(n));
    unread -= n;
    if (s.unread.empty())
        detail::spare_buffers::give_back(s.unread);
    else
        detail::spare_buffers::fit(s.unread);
    hold(held - before + s.unread.capacity());
}

void session::state::drop_unread(stream& s) { take_read(s, s.unread.size()); }

std::uint64_t session::unread() const noexcept { return state_->unread; }
std::uint64_t session::held() const noexcept { return state_->held; }

}  // namespace copoll::p2p::yamux
