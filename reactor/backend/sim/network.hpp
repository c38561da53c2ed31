// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <copoll/backend/context.hpp>
#include <copoll/backend/sim.hpp>
#include <copoll/result.hpp>

#include "random.hpp"

namespace copoll::backend {
inline namespace sim {

class connect_attempt;
class connection;
class datagram_socket;
class listening;

inline constexpr std::size_t call_kinds = static_cast<std::size_t>(call::option) + 1;

/// What is scheduled: told when its time has come. Events at one instant come in any order, so
/// whoever needs an order keeps a queue of its own.
class event_target {
public:
    virtual ~event_target() = default;
    virtual void occur() = 0;
};

/// Everything in a world: time, chance, faults, who is due, and the parts of the network.
class network {
public:
    network(options o, clock::time_point start);
    ~network();
    network(const network&) = delete;
    network& operator=(const network&) = delete;

    const options opts;
    clock::time_point now;
    std::size_t contexts = 0;
    std::size_t sockets = 0;
    std::size_t listeners = 0;
    std::string texts[2];  // standard output, standard error
    wait_set never;        // for those that only chance made wait

    random& chance() noexcept { return chance_; }

    // --- who goes on, and when

    void wake(wait_set& set);
    void make_due(waiter& w);
    void remove(waiter& w) noexcept;
    bool anyone_due() const noexcept { return !due_.empty(); }
    /// Lets each waiter that is due now try once, in a permuted order.
    void run_due();

    void schedule(clock::time_point at, std::shared_ptr<event_target> target);
    std::optional<clock::time_point> next_event() const noexcept;
    /// Moves time, if `t` is ahead, and lets happen what is scheduled until then.
    void advance(clock::time_point t);
    /// When something sent now arrives, if nothing that was sent before it holds it up.
    clock::time_point arrival() noexcept;

    // --- faults and trace

    struct fate {
        bool stall = false;
        std::error_code ec{};
    };
    /// Asked before each call.
    fate decide(call kind) noexcept;
    void fail_next(call kind, std::error_code ec);
    void record(call kind, std::uint64_t id, std::error_code ec, std::size_t n) noexcept;

    std::uint64_t calls() const noexcept { return calls_; }
    bool fault_injected() const noexcept { return fault_injected_; }
    std::uint64_t trace() const noexcept { return trace_; }

    // --- addresses, listeners, connections

    bool is_local(const ip::address& a) const noexcept;
    bool is_blackhole(const ip::address& a) const noexcept;
    std::uint16_t free_port(const ip::address& a) noexcept;
    bool in_use(const ip::endpoint& at) const noexcept;
    std::shared_ptr<listening> find_listener(const ip::endpoint& to) const noexcept;
    std::uint64_t next_id() noexcept { return ++last_id_; }
    void reset_connections() noexcept;

    std::shared_ptr<datagram_socket> find_datagram_socket(const ip::endpoint& to) const noexcept;
    bool datagram_port_in_use(const ip::endpoint& at) const noexcept;
    std::uint16_t free_datagram_port(const ip::address& a) noexcept;

    std::vector<listening*> listening_at;
    std::vector<datagram_socket*> datagram_sockets;
    std::map<std::uint64_t, connection*> connections;

    // --- standard input

    /// False: nothing there yet.
    bool read_input(std::span<std::byte> buffer, io_result& result);
    wait_set& input_waits();

private:
    struct event {
        clock::time_point at;
        std::uint64_t order;
        std::uint64_t sequence;
        std::shared_ptr<event_target> target;
        bool operator<(const event& other) const noexcept;  // for a heap with the earliest on top
    };
    class input_state;
    input_state& input();
    template <class InUse>
    std::uint16_t next_port(InUse in_use) noexcept;

    random chance_;
    std::vector<waiter*> due_;
    std::vector<waiter*> batch_;
    std::vector<event> events_;
    std::uint64_t sequence_ = 0;

    std::uint64_t calls_ = 0;
    bool fault_injected_ = false;
    std::array<std::deque<std::error_code>, call_kinds> next_faults_;
    std::uint64_t trace_ = 0;

    std::uint64_t last_id_ = 0;
    std::uint16_t last_port_ = 0;
    clock::time_point began_;
    std::shared_ptr<input_state> input_;
};

/// One try of an operation: faults first, then `body`, which says whether it is done.
template <class Op, class Body>
outcome attempt_call(Op& op, network& net, call kind, std::uint64_t id, Body body) {
    using traits = detail::result_traits<decltype(op.result)>;
    const network::fate f = net.decide(kind);
    if (f.stall) return outcome::spurious;
    if (f.ec)
        op.result = traits::failure(f.ec);
    else if (!body())
        return outcome::blocked;
    std::size_t n = 0;
    if constexpr (requires { op.result.n; }) n = op.result.n;
    net.record(kind, id, traits::error(op.result), n);
    return outcome::done;
}

}  // namespace sim
}  // namespace copoll::backend
