// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <copoll/clock.hpp>
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/host_limits.hpp>
#include <copoll/p2p/identify.hpp>
#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/p2p/peer_store.hpp>
#include <copoll/p2p/stream.hpp>
#include <copoll/p2p/transport.hpp>
#include <copoll/task.hpp>
#include <copoll/when.hpp>

/// A node: who it is, where it listens, what it speaks, and whom it is connected to.
///
///     p2p::host host{{.key = p2p::private_key::generate_ed25519(),
///                     .listen = {"/ip4/0.0.0.0/tcp/4001"}}};
///     host.handle("/echo/1.0.0", p2p::answer_echo);
///     co_return co_await p2p::with_host(host, [](p2p::host& h) -> task<result<void>> {
///         auto s = co_await check(h.open("/dns4/example.com/tcp/4001/p2p/12D3KooW…", "/chat/1"));
///         ...
///     });

namespace copoll::p2p {

/// Serves a stream that a peer has opened; its protocol is agreed on. An error resets the stream.
/// Asked to stop when the host ends, and five seconds after the connection has.
using stream_handler = std::function<task<result<void>>(stream)>;

// ---- What happens, in the order in which it does

struct peer_connected {
    peer_id peer;
    role own_role;
    std::optional<multiaddr> remote;
    bool early_muxer = false;  ///< see `connection::early_muxer`
};
/// One of perhaps several connections has ended.
struct peer_disconnected {
    peer_id peer;
    std::error_code reason;  ///< no error: in order
};
/// It has said what it speaks and where it listens, or said so anew. `host::peers` has it.
struct peer_identified {
    peer_id peer;
    std::optional<multiaddr> observed;  ///< where it sees this node, or says so
};
/// Somebody came and was not let in, or could not be secured.
struct incoming_failed {
    multiaddr remote;
    std::error_code error;
};
struct handler_failed {
    peer_id peer;
    std::string protocol;
    std::error_code error;
};

using host_event =
    std::variant<peer_connected, peer_disconnected, peer_identified, incoming_failed,
                 handler_failed, new_address, address_expired, listener_error, listener_closed>;

struct host_options {
    /// A new one if not given.
    std::optional<private_key> key{};
    /// Multiaddrs to listen on: see `transport`.
    std::vector<std::string> listen{};
    /// Multiaddrs to tell others; those that are listened on if none, as far as they are known:
    /// without addresses like `/ip4/0.0.0.0`.
    std::vector<std::string> announce{};

    host_limits limits{};
    transport_options transport{};
    /// A connection without streams is closed after so long. The longest duration: never.
    clock::duration idle_connection = std::chrono::minutes{1};
    /// For each step that a peer has to answer: to identify itself, to a ping.
    clock::duration answer_within = std::chrono::seconds{10};

    bool answer_pings = true;
    /// Whether to ask peers who they are and to tell them; without it no protocol of a peer is
    /// known.
    bool identify = true;
    std::string agent_version = "copoll";
    std::string protocol_version = "ipfs/0.1.0";

    /// Whom to let in, of those who have proved who they are; everybody if not given.
    std::function<bool(const peer_id&, const multiaddr& remote)> admits{};
    /// Called as things happen, in the task that brings them about; must not destroy the host.
    std::function<void(const host_event&)> on_event{};
};

/// How a protocol is served.
struct handler_options {
    /// Streams at a time of one peer; those beyond are reset. 0: as many as `host_limits` allow.
    std::size_t streams_of_peer = 0;
};

struct host_stats {
    std::size_t connections = 0;       ///< now
    std::size_t incoming_streams = 0;  ///< being served now
    std::uint64_t refused_connections = 0;
    std::uint64_t refused_streams = 0;
};

/// Does not move, and outlives what is awaited on it. Its connections live while it is run.
class host {
public:
    explicit host(host_options options = {});
    host(const host&) = delete;
    host& operator=(const host&) = delete;
    ~host();

    const peer_id& id() const noexcept;
    const identity& own() const noexcept;

    // ---- Running

    /// Listens on all addresses of the options. `run` does so, too, if nobody has.
    /// *Errors:* `errc::malformed_multiaddr`; those of `transport::listen`.
    task<result<void>> start();
    /// Runs the node until `close`; then ends its connections in good order. Awaited once.
    /// *Errors:* those of `start`. *Cancellation:* ends everything at once.
    task<result<void>> run();
    void close() noexcept;

    /// Where it listens, with `/p2p/…` behind.
    std::vector<multiaddr> addresses() const;

    // ---- Protocols

    /// Serves a protocol from now on; instead of an earlier handler, which goes on with the streams
    /// it has. Peers that are connected are told. Precondition: `multistream::is_protocol`.
    void handle(std::string protocol, stream_handler handler, handler_options options = {});
    void stop_handling(std::string_view protocol);

    // ---- Peers

    /// Sees to it that there is a connection: uses one, or dials. *Errors:* those of
    /// `transport::dial`; `errc::unknown_peer` without an address; `errc::wrong_peer` for this node
    /// itself; `errc::too_many_connections`; `copoll::errc::closed` if the host is not run.
    task<result<peer_id>> connect(multiaddr to);
    /// By the addresses that `peers` knows.
    task<result<void>> connect(peer_id peer);

    /// Opens a stream, over a connection that is there or is made. The protocol is proposed with
    /// the first bytes that are written: see `connection::open`. *Errors:* those of `connect` and
    /// of `connection::open`; `errc::malformed_multiaddr`.
    task<result<stream>> open(peer_id peer, std::string protocol);
    task<result<stream>> open(multiaddr to, std::string protocol);
    task<result<stream>> open(std::string_view address, std::string protocol);

    /// The time of a round trip. *Errors:* those of `open`; `errc::wrong_answer`; `timed_out` after
    /// `host_options::answer_within` for all of it.
    task<result<clock::duration>> ping(peer_id peer);

    /// Ends all connections with a peer in good order.
    void disconnect(const peer_id& peer) noexcept;
    bool is_connected(const peer_id& peer) const noexcept;
    std::vector<peer_id> connected_peers() const;

    peer_store& peers() noexcept;
    const peer_store& peers() const noexcept;
    host_stats stats() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

namespace detail {

struct closing_host {
    host& h;
    ~closing_host() { h.close(); }
};

template <class F, class... Args>
task<result<void>> run_host_with(host& h, F f, Args... args) {
    co_await check(h.start());
    auto [ran, done] = co_await when_all(
        h.run(),  // first: it can dial from then on
        [](host& on, F& body, Args&... with) -> task<result<void>> {
            const closing_host at_the_end{on};
            co_return co_await std::invoke(std::move(body), on, static_cast<Args&&>(with)...);
        }(h, f, args...));
    co_return done ? ran : done;
}

}  // namespace detail

/// `co_await with_host(h, f, args...)` starts the host, runs `f(h, args...)`, a task that gives
/// `result<void>`, and beside it the host, which is closed when `f` has ended; gives what `f` gave.
/// An lvalue argument is passed by reference, an rvalue is kept. *Cancellation:* reaches both.
template <class F, class... Args>
    requires std::invocable<F, host&, Args...>
auto with_host(host& h, F f, Args&&... args) {
    return detail::run_host_with<F, Args...>(h, std::move(f), std::forward<Args>(args)...);
}

}  // namespace copoll::p2p
