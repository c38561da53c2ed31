// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <copoll/tls/engine.hpp>

#include "tls/secure_pair.hpp"

/// Two engines that talk in memory, with somebody between them.

namespace copoll_tests {

using bytes = std::vector<std::byte>;

inline bytes taken_from(tls::engine& e) {
    const auto data = std::as_const(e.output()).data();
    bytes taken{data.begin(), data.end()};
    e.output().clear();
    return taken;
}

inline bytes record(unsigned type, unsigned minor_version, std::span<const std::byte> body) {
    bytes made{static_cast<std::byte>(type), std::byte{3}, static_cast<std::byte>(minor_version),
               static_cast<std::byte>(body.size() >> 8), static_cast<std::byte>(body.size())};
    made.insert(made.end(), body.begin(), body.end());
    return made;
}

/// The records of a stream that ends with one.
inline std::vector<bytes> records_of(std::span<const std::byte> stream) {
    std::vector<bytes> records;
    while (!stream.empty()) {
        const auto size = 5 + (std::to_integer<std::size_t>(stream[3]) << 8) +
                          std::to_integer<std::size_t>(stream[4]);
        records.emplace_back(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
        stream = stream.subspan(size);
    }
    return records;
}

/// What reading `stream`, and what came before it, ends with.
inline std::error_code end_of(tls::engine& e, const bytes& stream) {
    std::array<std::byte, 64> into;
    if (!stream.empty()) e.input(stream);
    for (;;) {
        const auto r = e.read(into);
        if (r.n == 0) return r.ec;
    }
}

struct conversation {
    tls::engine client{to_example()};
    tls::engine server{as_example()};
    std::size_t at_once = 1 << 20;  ///< bytes a side gets at a time
    /// Changes what a side has just said.
    std::function<void(bytes& said, bool by_server)> between{};
    std::size_t flown = 0;  ///< bytes that were said
    bytes for_client{}, for_server{};  ///< and not taken yet, as what follows a side's handshake
    bytes given_to_client{}, given_to_server{};

    /// One side's turn: gives it what the other said, and says what it answers.
    tls::progress turn(tls::engine& to) {
        bytes& in = to.is_server() ? for_server : for_client;
        bytes& given = to.is_server() ? given_to_server : given_to_client;
        tls::progress p = to.advance(tls::milestone::complete);
        while (p == tls::progress::needs_input && !in.empty()) {
            const auto n = static_cast<std::ptrdiff_t>(std::min(at_once, in.size()));
            given.assign(in.begin(), in.begin() + n);
            in.erase(in.begin(), in.begin() + n);
            to.input(given);
            p = to.advance(tls::milestone::complete);
        }
        bytes said = taken_from(to);
        flown += said.size();
        if (between && !said.empty()) between(said, to.is_server());
        bytes& out = to.is_server() ? for_client : for_server;
        out.insert(out.end(), said.begin(), said.end());
        return p;
    }

    /// Until nothing moves any more. True if both are complete.
    bool shake_hands() {
        std::size_t before = 0;
        do {
            before = flown;
            turn(client);
            turn(server);
        } while (flown != before);
        return client.is_complete() && server.is_complete();
    }

    /// What reading ends with after the handshake: nothing, or what the other found wrong.
    std::error_code read_rest(tls::engine& e) {
        bytes& in = e.is_server() ? for_server : for_client;
        if (const auto ec = end_of(e, {})) return ec;
        return end_of(e, std::exchange(in, {}));
    }

    /// To the end, tickets and all.
    bool shake_hands_to_the_end() {
        return shake_hands() && !read_rest(client) && !read_rest(server);
    }
};

}  // namespace copoll_tests
