// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <copoll/any_stream.hpp>
#include <copoll/clock.hpp>
#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/p2p/stream.hpp>
#include <copoll/p2p/yamux.hpp>
#include <copoll/task.hpp>
#include <copoll/when.hpp>

/// A connection to a peer: secured, and of many streams.
///
///     auto connection = co_await check(p2p::connect(std::move(tcp), me));
///     co_return co_await p2p::with_connection(connection,
///         [](p2p::connection& peer) -> task<result<void>> {
///             auto echo = co_await check(peer.open("/echo/1.0.0"));
///             co_await check(write_all(echo, bytes_of("hello")));
///             ...
///         });

namespace copoll::p2p {

using yamux::go_away_code;

namespace detail {
class muxer;
}

struct connection_options {
    /// Whom the peer must be; anybody if not given.
    std::optional<peer_id> expected_peer{};
    yamux::options yamux{};
    /// Whether the muxer may be agreed on within the handshake, which saves a round trip.
    bool early_muxer = true;
    /// Whether what follows a proposal of one protocol is sent along with it, before the peer has
    /// taken it: of Noise, of the muxer, and of each stream. Saves a round trip each, and no peer
    /// notices (multistream-select "V1Lazy" in rust-libp2p). Without it `open` waits for the
    /// answer, and tells of protocols that are not supported.
    bool lazy_negotiation = true;
    /// How long it may take from the first byte until streams can be opened.
    clock::duration timeout = std::chrono::seconds{10};
    /// How long it may take to agree on the protocol of a stream: from `stream::negotiate`, or from
    /// when it was proposed.
    clock::duration negotiation_timeout = std::chrono::seconds{10};
};

/// Made by `connect` and `accept`. Somebody has to `run` it, best `with_connection`: it moves the
/// bytes of all streams. May move meanwhile.
class connection {
public:
    /// Runs the connection until it has ended: by `close`, by the peer, or by an error. What is
    /// awaited on it and its streams then ends as well.
    /// *Errors:* why it ended, if not in order: `errc::closed_by_peer`, `errc::ping_unanswered`,
    /// what the peer broke (see `yamux::session`, `errc::bad_record`), `errc::truncated` if its
    /// transport ended under open streams, the transport's.
    /// Awaited once. *Cancellation:* ends the connection at once.
    task<result<void>> run();

    /// Ends it: what was written is sent, the peer is told why, open streams fail with
    /// `copoll::errc::closed`. `run` completes when the peer has ended too, or after a short while.
    void close(go_away_code why = go_away_code::normal) noexcept;

    /// Opens a stream and proposes `protocol` with the first bytes that are written, so that it
    /// takes no round trip. Whether the peer takes it the first read tells; without
    /// `connection_options::lazy_negotiation` this does, as `open_first_of`.
    /// *Errors:* `errc::going_away`, `errc::too_many_streams`, why the connection ended;
    /// `timed_out` if the proposal does not get away; `invalid_argument` for what is no
    /// `multistream::is_protocol`.
    /// *Cancellation:* no stream comes out of it.
    task<result<stream>> open(std::string protocol);
    /// The same with the first of `protocols` that the peer takes; waits for its answers.
    /// *Errors:* also `errc::protocol_not_supported`, `errc::malformed_negotiation`; `timed_out` if
    /// the peer does not answer; `invalid_argument` for none.
    task<result<stream>> open_first_of(std::vector<std::string> protocols);
    /// A stream without a protocol, for those who agree on one in another way.
    task<result<stream>> open_raw();

    /// The next stream that the peer opens. Its protocol is to be agreed on: `stream::negotiate`,
    /// best in a task of its own, as a peer may take its time with it.
    /// *Errors:* `copoll::errc::eof` when the peer has closed the connection, behind all that it
    /// opened before; `closed` when this side has; why it ended. *Cancellation:* none is lost.
    task<result<stream>> accept();

    const peer_id& remote_peer() const noexcept;
    const public_key& remote_key() const noexcept;
    /// Which side of it this is.
    role own_role() const noexcept;
    /// Where its ends are, as far as who made it knew.
    const std::optional<multiaddr>& local_address() const noexcept { return local_; }
    const std::optional<multiaddr>& remote_address() const noexcept { return remote_; }
    void set_addresses(std::optional<multiaddr> local, std::optional<multiaddr> remote) noexcept {
        local_ = std::move(local);
        remote_ = std::move(remote);
    }
    /// Whether the muxer was agreed on within the handshake: both sides can, and may.
    bool early_muxer() const noexcept;
    std::size_t streams() const noexcept;  ///< that are open, of both sides
    /// Nothing can be opened, accepted or sent any more.
    bool has_ended() const noexcept;
    std::optional<clock::duration> round_trip() const noexcept;  ///< once there was data
    /// What the peer said when it went away, if it did.
    std::optional<go_away_code> peer_went_away() const noexcept;

    explicit connection(std::shared_ptr<detail::muxer> muxer) noexcept;
    connection(connection&&) noexcept;
    connection& operator=(connection&&) noexcept;
    ~connection();

private:
    std::shared_ptr<detail::muxer> muxer_;
    std::optional<multiaddr> local_{}, remote_{};
};

/// Secures a transport that was dialled. That takes one round trip; the last message leaves when
/// the connection is run, together with what is sent first, and with the proposal of a muxer if
/// that was not agreed on already.
/// *Errors:* those of `secure`; `timed_out`. *Cancellation:* the transport is closed.
task<result<connection>> connect(any_stream transport, identity own,
                                 connection_options options = {});
/// The same for one that was accepted.
task<result<connection>> accept(any_stream transport, identity own,
                                connection_options options = {});

namespace detail {

/// Closes a connection, also when an exception passes.
struct closing {
    connection& c;
    ~closing() { c.close(); }
};

template <class F, class... Args>
task<result<void>> run_with(connection& c, F f, Args... args) {
    auto [done, connected] = co_await when_all(
        [](connection& on, F& body, Args&... with) -> task<result<void>> {
            const closing at_the_end{on};
            co_return co_await std::invoke(std::move(body), on, static_cast<Args&&>(with)...);
        }(c, f, args...),
        c.run());
    co_return done ? connected : done;
}

}  // namespace detail

/// `co_await with_connection(c, f, args...)` runs `f(c, args...)`, a task that gives
/// `result<void>`, and beside it the connection, which is closed when `f` has ended; gives what `f`
/// gave, or why the connection ended. An lvalue argument is passed by reference, an rvalue is kept.
/// *Cancellation:* reaches both.
template <class F, class... Args>
    requires std::invocable<F, connection&, Args...>
auto with_connection(connection& c, F f, Args&&... args) {
    return detail::run_with<F, Args...>(c, std::move(f), std::forward<Args>(args)...);
}

}  // namespace copoll::p2p
