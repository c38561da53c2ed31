// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <copoll/clock.hpp>
#include <copoll/event.hpp>
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/host.hpp>
#include <copoll/p2p/identify.hpp>
#include <copoll/p2p/peer_store.hpp>
#include <copoll/p2p/signed_record.hpp>
#include <copoll/p2p/transport.hpp>
#include <copoll/scope.hpp>

#include "admission.hpp"

namespace copoll::p2p::detail {

/// A connection of the host, from when it was let in until it has ended.
struct host_connection {
    connection link;
    std::optional<admission::connection_ticket> ticket;  ///< until it has ended
    std::vector<multiaddr> dialed;                       ///< as it was asked for
    clock::time_point last_used;
    bool retired = false;  ///< nothing is opened on it: it ends with its streams, or has
    event retiring{};      ///< it was retired

    clock::time_point next_push{};  ///< that is taken from the peer
    bool takes_pushes = false;      ///< it said that it understands them
    std::uint64_t told = 0;         ///< the latest `host::state::version` that it was told
    event news{};                   ///< there is one that it may be told
    std::size_t serving = 0;        ///< streams of the peer
    event served{};                 ///< one less

    const peer_id& peer() const noexcept { return link.remote_peer(); }
    bool usable() const noexcept {
        return !retired && !link.has_ended() && !link.peer_went_away();
    }
    void retire() noexcept {
        retired = true;
        retiring.set();
    }
    void close() noexcept {
        retire();
        link.close();
    }
};
using connection_ptr = std::shared_ptr<host_connection>;

/// How a protocol is served. Kept by the streams that are served so.
struct protocol_handler {
    std::function<task<result<void>>(stream, const connection_ptr&)> serve;
    std::optional<quota<peer_id>> streams_of_peer{};  ///< no limit if none
};

/// A dial that others wait for who want the same peer.
struct pending_dial {
    event ended{};
    std::error_code error{};
};

}  // namespace copoll::p2p::detail

namespace copoll::p2p {

/// In four files: the node itself (host.cpp), its connections (host_connections.cpp), the streams
/// that peers open (host_streams.cpp), and who is who (host_identify.cpp).
struct host::state {
    using connection_ptr = detail::connection_ptr;
    using addresses = std::vector<multiaddr>;

    explicit state(host_options o);

    // ---- The node

    task<result<void>> start();
    task<result<void>> listen_on_all(std::vector<listener_id>& listening);
    task<result<void>> run(scope& all);
    void close() noexcept;
    void tell(const host_event& what) const {
        if (options.on_event) options.on_event(what);
    }

    // ---- Its connections

    task<result<void>> take_transport_events();
    void let_in(incoming from);
    task<void> take_incoming(incoming from, detail::admission::securing_ticket ticket);
    void refuse(const multiaddr& remote, std::error_code why);
    bool admits(const connection& c, const multiaddr& remote) const;

    /// One that is there, or is made.
    task<result<connection_ptr>> reach(std::optional<peer_id> peer, addresses at);
    task<result<connection_ptr>> dial(std::optional<peer_id> peer, addresses at);
    task<result<stream>> open(std::optional<peer_id> peer, addresses at, std::string protocol);
    connection_ptr usable(const peer_id& peer) const noexcept;
    connection_ptr dialed_before(const multiaddr& at) const noexcept;

    connection_ptr adopt(connection made, addresses dialed,
                         detail::admission::connection_ticket ticket);
    task<void> run_connection(connection_ptr c);
    task<result<void>> run_link(scope& serving, connection_ptr c);
    void forget(const connection_ptr& c, std::error_code why);
    task<void> close_when_idle(connection_ptr c);

    // ---- Streams of peers

    void set_handler(std::string protocol, std::shared_ptr<detail::protocol_handler> handler);
    void remove_handler(std::string_view protocol);
    void handlers_changed();
    void add_own_protocols();
    task<result<void>> accept_streams(scope& serving, connection_ptr c);
    task<void> serve(stream s, connection_ptr c, detail::admission::stream_ticket ticket);

    // ---- Who is who

    addresses told_addresses() const;
    identify_message self(const connection& to);
    task<result<void>> tell_identity(stream to, connection_ptr c);
    task<result<void>> take_push(stream from, connection_ptr c);
    task<void> ask_identity(connection_ptr c);
    void changed();
    task<void> push_changes(connection_ptr c);
    result<void> learn(const connection_ptr& c, const identify_message& said);

    host_options options;
    identity own;
    p2p::transport transport;
    peer_store peers{};
    detail::admission door;
    std::map<std::string, std::shared_ptr<detail::protocol_handler>, std::less<>> handlers{};
    std::shared_ptr<const std::vector<std::string>> protocols{};  ///< their names
    std::vector<connection_ptr> connections{};
    std::map<peer_id, std::shared_ptr<detail::pending_dial>> dials{};
    addresses announced{};
    std::uint64_t refused_connections = 0;
    std::uint64_t refused_streams = 0;

    /// Whether connections can be added.
    bool is_open() const noexcept { return tasks && !closing.is_set(); }

    scope* tasks = nullptr;  ///< while it is run
    bool started = false;
    bool transport_ended = false;  ///< and has told all
    event closing{};
    event fewer{};  ///< a connection, or the transport, has ended
    std::uint64_t version = 1;  ///< of what is told of this node
    std::vector<std::byte> record{};  ///< signed
    addresses in_record{};
    p2p::record_numbers record_numbers{};
    clock::time_point next_expiry{};  ///< of what is known about peers
};

}  // namespace copoll::p2p
