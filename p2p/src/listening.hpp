// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include <copoll/event.hpp>
#include <copoll/p2p/memory.hpp>
#include <copoll/p2p/transport.hpp>
#include <copoll/task.hpp>
#include <copoll/tcp.hpp>

namespace copoll::p2p::detail {

/// What happened and was not told yet. Telling never waits, so that the end of a listener does not
/// depend on somebody who listens; accepting does.
class transport_events {
public:
    explicit transport_events(std::size_t most) : most_(most) {}

    void tell(transport_event e);
    /// Nothing more happens.
    void close() noexcept;

    /// Waits until few enough wait to be taken.
    task<result<void>> room();
    task<result<transport_event>> next();

private:
    std::size_t most_;
    std::deque<transport_event> waiting_{};
    bool closed_ = false;
    event told_{};
    event taken_{};
};

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
    task<result<void>> accept_all(transport_events& to);
    /// Stops listening, and tells.
    void end(transport_events& to, std::error_code reason);

    const listener_id id;
    std::vector<multiaddr> addresses;
    event closing{};
    bool started = false;

private:
    task<result<incoming>> accept_next(transport_events& to);
    void announce(transport_events& to, const multiaddr& local);

    std::optional<socket> socket_;
};

}  // namespace copoll::p2p::detail
