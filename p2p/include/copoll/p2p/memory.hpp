// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <copoll/any_stream.hpp>
#include <copoll/channel.hpp>
#include <copoll/result.hpp>
#include <copoll/task.hpp>

/// Connections within one program: `/memory/4711`. For tests that need no network, and for parts of
/// a program that talk as peers.

namespace copoll::p2p {

class memory_listener;

/// A connection in memory, and the number of its other end.
struct memory_connection {
    any_stream stream;
    std::uint64_t remote;
};

/// Where the numbers mean something. Nodes that share one can reach each other; outlives them.
class memory_network {
public:
    memory_network();
    memory_network(const memory_network&) = delete;
    memory_network& operator=(const memory_network&) = delete;
    ~memory_network();

    /// Number 0 takes a free one. *Errors:* `address_in_use`.
    result<memory_listener> listen(std::uint64_t number);
    /// Completes when there is room among those that wait to be accepted.
    /// *Errors:* `connection_refused` where nobody listens. *Cancellation:* no connection.
    task<result<memory_connection>> connect(std::uint64_t to);

private:
    friend class memory_listener;
    struct state;
    std::unique_ptr<state> state_;
};

/// Takes the connections to a number, until it is destroyed.
class memory_listener {
public:
    memory_listener(memory_listener&&) noexcept;
    memory_listener& operator=(memory_listener&&) noexcept;
    ~memory_listener();

    std::uint64_t number() const noexcept { return number_; }
    /// Waits for a connection. *Cancellation:* none is lost.
    task<result<memory_connection>> accept();

private:
    friend class memory_network;
    using backlog = channel<memory_connection>;
    memory_listener(memory_network& on, std::uint64_t number, std::shared_ptr<backlog> waiting);

    memory_network* network_;
    std::uint64_t number_;
    std::shared_ptr<backlog> waiting_;  ///< none: moved from
};

}  // namespace copoll::p2p
