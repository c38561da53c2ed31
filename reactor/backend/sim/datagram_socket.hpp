// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <copoll/backend/option_values.hpp>
#include <copoll/detail/udp_types.hpp>
#include <copoll/ip.hpp>

#include "network.hpp"

namespace copoll::backend {
inline namespace sim {

/// A UDP socket with its queue of datagrams that nobody has received yet.
class datagram_socket final : public std::enable_shared_from_this<datagram_socket> {
public:
    datagram_socket(network& net, const ip::endpoint& at);

    const ip::endpoint bound;
    const std::uint64_t id;
    network& net;
    std::optional<ip::endpoint> peer;
    wait_set readable;
    wait_set writable;
    option_values options{};

    ip::family family() const noexcept { return bound.address.family(); }
    ip::endpoint local() const noexcept;
    /// Drops what strangers have sent.
    std::error_code connect(const ip::endpoint& to);
    void close();

    /// False: nothing there.
    bool receive(std::span<incoming_datagram> into, batch_result& result);
    void send(std::span<const outgoing_datagram> all, batch_result& result);

    /// A datagram arrives. False: it does not belong here.
    bool arrive(std::vector<std::byte> bytes, const ip::endpoint& from);
    /// The answer to one that nobody took.
    void refused(const ip::endpoint& by);

private:
    struct received {
        std::vector<std::byte> bytes;
        ip::endpoint from;
    };
    ip::endpoint source(const ip::endpoint& to) const noexcept;
    std::error_code route(const ip::endpoint& to) const noexcept;
    void launch(std::span<const std::byte> bytes, const ip::endpoint& to);

    std::deque<received> queue_;
    std::error_code pending_{};  ///< what came of an earlier datagram
};

}  // namespace sim
}  // namespace copoll::backend
