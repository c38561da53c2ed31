// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/yamux_window.hpp>

#include <copoll/detail/assert.hpp>

namespace copoll::p2p::yamux {

bool receive_window::receive(std::uint32_t n) noexcept {
    if (n > allowed_) return false;
    allowed_ -= n;
    unread_ += n;
    // Frames end where the window that the peer knows of ends, and go beyond if it knows of more.
    if (n > 0 && allowed_ == granted_ && unread_ <= size_ / 4) ran_dry_ = true;
    return true;
}

void receive_window::read(std::uint32_t n) noexcept {
    copoll::detail::expects(n <= unread_, "yamux: read more than there was");
    unread_ -= n;
}

std::uint32_t receive_window::grant(clock::time_point now, std::optional<clock::duration> rtt,
                                    std::uint64_t most_growth) noexcept {
    if (!is_grant_due()) return 0;
    const bool is_narrow = ran_dry_ || (rtt && now - granted_at_ < 2 * *rtt);
    if (is_narrow && size_ <= most_growth) size_ *= 2;
    ran_dry_ = false;
    granted_at_ = now;
    granted_ = size_ - allowed_ - unread_;
    allowed_ += granted_;
    return granted_;
}

}  // namespace copoll::p2p::yamux
