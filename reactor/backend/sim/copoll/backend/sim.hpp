// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <copoll/clock.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

/// A world of its own for a program under test: a network, a clock and standard streams in memory.
///
///     sim::world w{{.seed = 7, .latency = 2ms}};
///     run(program());
///     CHECK(w.open_sockets() == 0);
///
/// The same program with the same options does the same things in the same order, on every
/// platform; another seed permutes what a real network leaves open. Time stands still while
/// anything is ready and then jumps to what comes next, so an hour takes no time.
///
/// TCP as applications see it: bytes arrive in order behind a latency, FIN behind them; closing
/// with unread input resets, and a reset loses what was not read yet; a write after the peer closed
/// is accepted and the next one fails.
///
/// UDP: a datagram arrives whole behind a latency, or is lost, or comes twice, or late; one that
/// nobody has room for is dropped; a connected socket hears that nobody has the port it sent to.

namespace copoll::backend {
inline namespace sim {

class network;

/// The calls that can fail in a real host, and so do here when told to.
enum class call : std::uint8_t {
    listen, accept, connect, read, write, shutdown, input, output, resolve, bind, receive, send,
    option,
};

/// What standard input gives, and when.
struct input_chunk {
    clock::duration at{};  ///< since the world began
    std::string text{};
};

/// What the resolver of a world knows of a name.
struct known_name {
    std::string name;
    std::vector<ip::address> addresses{};  ///< in this order; none: `name_unresolvable`
    clock::duration after{};               ///< the time that a lookup takes
    std::error_code error{};               ///< what it fails with
    bool answers = true;                   ///< false: it never ends
};

struct options {
    std::uint64_t seed = 1;

    // What a real system leaves open. `seed` decides each time.
    bool shuffle = true;               ///< the order of what becomes ready at the same instant
    bool short_transfers = false;      ///< fewer bytes, or datagrams of a batch, than could move
    unsigned spurious_percent = 0;     ///< chance of "would block" from a call that could go on
    unsigned late_cancel_percent = 0;  ///< chance that a canceled operation completes if it can

    // The network.
    clock::duration latency{};  ///< one way; 0: a peer sees a change at once
    clock::duration jitter{};   ///< up to so much more, never overtaking on one connection
    std::size_t capacity = std::size_t{64} * 1024;  ///< bytes under way or unread, each way
    /// Of this machine, besides loopback. Any other address is `unreachable`.
    std::vector<ip::address> addresses{};
    std::vector<ip::address> blackholes{};  ///< nothing ever comes back from there

    // The resolver. It knows `localhost` too, as ::1 and 127.0.0.1; others are `name_unresolvable`.
    std::vector<known_name> names{};

    // Datagrams. `seed` decides for each one.
    unsigned loss_percent = 0;       ///< chance that it never arrives
    unsigned duplicate_percent = 0;  ///< chance that it arrives a second time, on its own way
    unsigned reorder_percent = 0;    ///< chance that it takes a millisecond more, and is overtaken
    std::size_t datagram_queue = 256;  ///< unread ones a socket has room for; further are dropped

    // Faults. See also world::fail_next.
    std::uint64_t fail_at = 0;  ///< this call (counted from 1, tries count) fails once; 0: none
    std::error_code fail_with = errc::io;  ///< `connection_reset` resets the connection as well
    /// Each connection is reset when its two ends together have read so many bytes.
    std::uint64_t reset_after = UINT64_MAX;

    // Standard input. Times ascend.
    std::vector<input_chunk> input{};
    bool input_ends = true;  ///< end of file behind the last chunk; else it stays open

    std::FILE* log = nullptr;  ///< gets a line for each call that completed, to compare two runs
};

/// While it lives, loops of this thread that begin run in it and `clock::now()` is its time; worlds
/// nest. Without one, each loop runs in a new world of default options, with the seed in the
/// environment variable COPOLL_SIM_SEED if there is one.
class world {
public:
    explicit world(options o = {});
    /// Precondition: no loop and no socket of it is left.
    ~world();
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    /// The innermost one, or the one of the latest loop that began without.
    static world& current() noexcept;

    clock::time_point now() const noexcept;

    /// The next call of this kind fails so; asked again, the one after it.
    void fail_next(call kind, std::error_code ec);
    /// A fault of `fail_at` or `fail_next` has happened.
    bool fault_injected() const noexcept;
    /// Calls so far, what `fail_at` counts.
    std::uint64_t calls() const noexcept;
    /// Cuts all connections that exist now: both ends see a reset.
    void reset_connections() noexcept;

    const std::string& output() const noexcept;  ///< what was written to standard output
    const std::string& errors() const noexcept;  ///< what was written to standard error

    // Handles that nobody has closed yet.
    std::size_t open_sockets() const noexcept;
    std::size_t open_listeners() const noexcept;

    /// Over every completed call with its time and result: equal for equal runs.
    std::uint64_t trace_hash() const noexcept;

private:
    friend class context;
    struct fallback {};
    explicit world(fallback);
    /// A loop begins here.
    network& enter();

    std::unique_ptr<network> net_;
    world* outer_ = nullptr;
    bool installed_ = false;
};

}  // namespace sim
}  // namespace copoll::backend

namespace copoll {
namespace sim = backend::sim;
}
