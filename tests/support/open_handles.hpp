// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>

#include <copoll/backend/context.hpp>

#if __has_include(<copoll/backend/host.hpp>)
#include <copoll/backend/host.hpp>
#elif __has_include(<copoll/backend/sim.hpp>)
#include <copoll/backend/sim.hpp>
#else
#include <dirent.h>
#endif

namespace copoll_tests {

/// Tells whether sockets leak: file descriptors natively, host resources in a component, what the
/// simulated network knows of.
class open_handles {
public:
    /// How many more are open than when this was made, given how many connections were made since
    /// with both ends in this program (the count of host calls can't tell those from attempts).
    std::int64_t grown_by(std::int64_t connections) const { return count(connections) - begin_; }

private:
#if __has_include(<copoll/backend/host.hpp>)
    static std::int64_t count(std::int64_t connections) {
        using enum copoll::backend::host::call;
        const auto& calls = copoll::backend::host::calls;
        // connect makes two streams of a socket; accept makes a socket and two streams
        const auto made = calls[socket] + 2 * calls[datagram_streams] + calls[lookup] +
                          calls[subscribe] + calls[timer];
        return static_cast<std::int64_t>(made) + 5 * connections -
               static_cast<std::int64_t>(calls[drop]);
    }
#elif __has_include(<copoll/backend/sim.hpp>)
    static std::int64_t count(std::int64_t) {
        const auto& world = copoll::backend::world::current();
        return static_cast<std::int64_t>(world.open_sockets() + world.open_listeners());
    }
#else
    static std::int64_t count(std::int64_t) {
        std::int64_t n = 0;
        DIR* const open = opendir("/proc/self/fd");
        while (open && readdir(open)) ++n;
        if (open) closedir(open);
        return n;
    }
#endif
    std::int64_t begin_ = count(0);
};

}  // namespace copoll_tests
