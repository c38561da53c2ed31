// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/yamux_window.hpp>

#include <copoll/detail/assert.hpp>

namespace copoll::p2p::yamux {

bool receive_window::receive(std::uint32_t n) noexcept {
    if (n > allowed_) return false;
    allowed_ -= n;
    unread_ += n;
    return true;
}

void receive_window::read(std::uint32_t n) noexcept {
    copoll::detail::expects(n <= unread_, "yamux: read more than there was");
    unread_ -= n;
}

std::uint32_t receive_window::grant(clock::time_point now, std::optional<clock::duration> rtt,
                                    std::uint64_t most_growth) noexcept {
    if (!is_grant_due()) return 0;
    if (rtt && now - granted_at_ < 2 * *rtt && size_ <= most_growth) size_ *= 2;
    granted_at_ = now;
    const std::uint32_t granted = size_ - allowed_ - unread_;
    allowed_ += granted;
    return granted;
}

}  // namespace copoll::p2p::yamux
