// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include <copoll/clock.hpp>
#include <copoll/detail/socket_option.hpp>
#include <copoll/result.hpp>

/// Options of sockets. Setting and getting are calls that don't wait. All give `closed` for a
/// socket that is closed, and `invalid_argument`, the same on every host, for a value outside its
/// documented range.

namespace copoll {

/// Probes to a peer that is silent, so that one that is gone is noticed. What has no value is left
/// as it is.
struct keep_alive_options {
    bool enabled = true;
    /// Of silence before the first probe, and between probes: whole seconds, rounded up; more than
    /// 0, at most 32,767 s.
    std::optional<clock::duration> idle{};
    std::optional<clock::duration> interval{};
    /// So many probes without an answer end the connection with `timed_out`; 1 to 127.
    std::optional<std::uint32_t> count{};

    friend bool operator==(const keep_alive_options&, const keep_alive_options&) = default;
};

/// What sockets of all kinds have. `Socket` has `set_option` and `get_option`.
template <class Socket>
class socket_options {
public:
    /// How many routers a packet passes at most (TTL in IPv4); 1 to 255.
    result<void> set_hop_limit(std::uint8_t hops) noexcept {
        return set(detail::socket_option::hop_limit, hops, hops > 0);
    }
    result<std::uint8_t> hop_limit() const noexcept {
        return get<std::uint8_t>(detail::socket_option::hop_limit);
    }

    /// The host's buffers in bytes, more than 0. A wish: a host rounds and limits it. Set, it turns
    /// off what systems do to fit it to the connection.
    result<void> set_receive_buffer_size(std::size_t n) noexcept {
        return set(detail::socket_option::receive_buffer_size, n, n > 0);
    }
    result<std::size_t> receive_buffer_size() const noexcept {
        return get<std::size_t>(detail::socket_option::receive_buffer_size);
    }
    result<void> set_send_buffer_size(std::size_t n) noexcept {
        return set(detail::socket_option::send_buffer_size, n, n > 0);
    }
    result<std::size_t> send_buffer_size() const noexcept {
        return get<std::size_t>(detail::socket_option::send_buffer_size);
    }

protected:
    ~socket_options() = default;

    result<void> set(detail::socket_option o, std::uint64_t value, bool valid) noexcept {
        auto& self = static_cast<Socket&>(*this);
        if (!self.is_open()) return fail(errc::closed);
        if (!valid) return fail(errc::invalid_argument);
        return self.set_option(o, value);
    }
    template <class T>
    result<T> get(detail::socket_option o) const noexcept {
        auto& self = static_cast<const Socket&>(*this);
        if (!self.is_open()) return fail(errc::closed);
        const result<std::uint64_t> value = self.get_option(o);
        if (!value) return fail(value.error());
        constexpr std::uint64_t most = std::numeric_limits<T>::max();
        return static_cast<T>(std::min(*value, most));
    }
};

/// What TCP sockets have besides. A listener's options are those that its connections begin with.
template <class Socket>
class tcp_options : public socket_options<Socket> {
public:
    /// On an error some of the values may be set.
    result<void> set_keep_alive(const keep_alive_options& o) noexcept {
        using enum detail::socket_option;
        const bool valid = (!o.idle || is_period(*o.idle)) &&
                           (!o.interval || is_period(*o.interval)) &&
                           (!o.count || (*o.count > 0 && *o.count <= most_probes));
        result<void> r;
        if (o.idle) r = this->set(keep_alive_idle, seconds_of(*o.idle), valid);
        if (r && o.interval) r = this->set(keep_alive_interval, seconds_of(*o.interval), valid);
        if (r && o.count) r = this->set(keep_alive_count, *o.count, valid);
        if (r) r = this->set(keep_alive, o.enabled, valid);
        return r;
    }
    /// All values are there.
    result<keep_alive_options> get_keep_alive() const noexcept {
        using enum detail::socket_option;
        using seconds = std::chrono::duration<std::uint32_t>;
        const auto enabled = this->template get<bool>(keep_alive);
        if (!enabled) return fail(enabled.error());
        const auto idle = this->template get<std::uint32_t>(keep_alive_idle);
        if (!idle) return fail(idle.error());
        const auto interval = this->template get<std::uint32_t>(keep_alive_interval);
        if (!interval) return fail(interval.error());
        const auto count = this->template get<std::uint32_t>(keep_alive_count);
        if (!count) return fail(count.error());
        return keep_alive_options{*enabled, seconds{*idle}, seconds{*interval}, *count};
    }

protected:
    ~tcp_options() = default;

private:
    static constexpr std::uint32_t most_probes = 127;
    static constexpr std::chrono::seconds longest_period{32'767};

    static bool is_period(clock::duration d) noexcept {
        return d > clock::duration::zero() && d <= longest_period;
    }
    static std::uint64_t seconds_of(clock::duration d) noexcept {
        return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(d).count());
    }
};

}  // namespace copoll
