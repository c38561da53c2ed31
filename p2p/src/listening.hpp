// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <variant>
#include <vector>

#include <copoll/channel.hpp>
#include <copoll/event.hpp>
#include <copoll/p2p/memory.hpp>
#include <copoll/p2p/transport.hpp>
#include <copoll/task.hpp>
#include <copoll/tcp.hpp>

namespace copoll::p2p::detail {

/// One of a transport's listeners.
class listening {
public:
    using socket = std::variant<tcp_listener, memory_listener>;

    /// *Errors:* as `transport::listen`.
    static task<result<socket>> bind(const multiaddr& at, memory_network* memory);

    /// *Errors:* if the socket does not know its address.
    static result<multiaddr> address_of(const socket& s);

    listening(listener_id own_id, socket s, multiaddr at)
        : id(own_id), addresses{std::move(at)}, socket_(std::move(s)) {}

    /// Accepts until `closing` is set, and tells `to` all that happens. *Errors:* `canceled`, when
    /// nobody is told any more.
    task<result<void>> accept_all(channel<transport_event>& to);

    /// Stops listening; what there is to be told then.
    std::vector<transport_event> end(std::error_code reason);

    const listener_id id;
    std::vector<multiaddr> addresses;
    event closing{};
    bool started = false;

private:
    task<result<incoming>> accept();
    task<result<void>> announce(channel<transport_event>& to, const multiaddr& local);

    std::optional<socket> socket_;
};

}  // namespace copoll::p2p::detail
