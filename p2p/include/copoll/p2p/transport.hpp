// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <variant>
#include <vector>

#include <copoll/any_stream.hpp>
#include <copoll/clock.hpp>
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/memory.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/task.hpp>

/// Connections by multiaddr: listening on many, dialling any. `p2p::host` is for those who want
/// peers and protocols.
///
///     task<result<void>> take_events(scope& s, p2p::transport& t) {
///         s.spawn(t.run());
///         co_await check(t.listen(*p2p::multiaddr::parse("/ip4/0.0.0.0/tcp/0")));
///         for (;;) {
///             auto event = co_await check(t.next_event());
///             if (auto* got = std::get_if<p2p::incoming>(&event))
///                 s.spawn(serve, std::ref(t), std::move(*got));
///         }
///     }
///
///     p2p::transport transport{me};
///     co_await check(with_scope(take_events, transport));
///
/// | address | |
/// |---|---|
/// | `/ip4/…/tcp/…`, `/ip6/…/tcp/…` | port 0 listens on a free one |
/// | `/dns/…/tcp/…`, `/dns4/…/tcp/…`, `/dns6/…/tcp/…` | to dial |
/// | `/memory/…` | with `transport_options::memory`; 0 listens on a free one |
///
/// each perhaps with `/p2p/…` behind it, which the peer then has to prove.

namespace copoll::p2p {

enum class listener_id : std::uint32_t {};

/// A listener can be reached there. Of one on all addresses (`/ip4/0.0.0.0`, `/ip6/::`) this is
/// said of that one, and of each at which somebody did reach it.
struct new_address {
    listener_id listener;
    multiaddr address;
};

/// Somebody has connected. To be secured yet: `transport::accept`, best in a task of its own.
struct incoming {
    listener_id listener;
    multiaddr local, remote;
    any_stream stream;
    clock::time_point accepted_at;
};

/// It cannot be reached there any more.
struct address_expired {
    listener_id listener;
    multiaddr address;
};

/// A connection could not be accepted. The listener goes on.
struct listener_error {
    listener_id listener;
    std::error_code error;
};

/// It has ended, after all its addresses have expired.
struct listener_closed {
    listener_id listener;
    std::error_code reason;  ///< no error: somebody has closed it
};

using transport_event =
    std::variant<new_address, incoming, address_expired, listener_error, listener_closed>;

struct transport_options {
    /// Of every connection. Its timeout counts from when the other side connected.
    connection_options connection{};
    /// For all of a dial: lookups, attempts, and securing the connection.
    clock::duration dial_timeout = std::chrono::seconds{15};
    /// How long an attempt has before the next address is tried beside it (RFC 8305 section 5).
    clock::duration attempt_delay = std::chrono::milliseconds{250};
    /// Events that wait to be taken before nothing more is accepted; at least 1.
    std::size_t max_events = 64;
    /// Where `/memory` addresses lead.
    memory_network* memory = nullptr;
};

/// Does not move. Listeners accept while the transport is run.
class transport {
public:
    explicit transport(identity own, transport_options options = {});
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;
    ~transport();

    /// Accepts connections on all listeners, until `close`. Awaited once. *Errors:* `canceled`.
    task<result<void>> run();
    /// Ends all listeners. Connections stay.
    void close() noexcept;

    /// Listens from when it completes. *Errors:* those of `tcp_listener::bind`; `not_supported` for
    /// an address that cannot be listened on; `closed`. *Cancellation:* does not listen.
    task<result<listener_id>> listen(multiaddr at);
    /// Asks a listener to end; `listener_closed` tells when it has.
    void close(listener_id listener) noexcept;
    /// Of all listeners, as `new_address` tells them.
    std::vector<multiaddr> addresses() const;

    /// The next thing that happened to the listeners, in order. *Errors:* `closed` after `close`
    /// and the last event. *Cancellation:* none is lost.
    task<result<transport_event>> next_event();
    /// Secures a connection that came in. *Errors:* those of `p2p::accept`; `timed_out`.
    /// *Cancellation:* closes it.
    task<result<connection>> accept(incoming from);

    /// Connects to an address. *Errors:* `not_supported` for one that cannot be dialled; those of
    /// `connect` for TCP and names; those of `p2p::connect`, `errc::wrong_peer` if somebody else
    /// than `/p2p` says is there; `timed_out`. *Cancellation:* gives the attempts up.
    task<result<connection>> dial(multiaddr to);
    /// The same by whichever of a peer's addresses leads there first: the names are looked up
    /// together, what they lead to is tried in the order of RFC 8305. An address where somebody
    /// else or nobody proper is does not keep the others from being tried: each handshake has its
    /// share of the time that is left. *Errors:* also `invalid_argument` for none.
    task<result<connection>> dial(std::optional<peer_id> peer, std::vector<multiaddr> addresses);

    const identity& own() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace copoll::p2p
