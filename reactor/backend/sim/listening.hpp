// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include <copoll/backend/tcp.hpp>
#include <copoll/ip.hpp>

#include "network.hpp"

namespace copoll::backend {
inline namespace sim {

class connection;
class listening;

/// A connection in the making: asks the listener one latency away, and the answer comes back. An
/// attempt at an address that never answers just stays.
class connect_attempt final : public event_target,
                              public std::enable_shared_from_this<connect_attempt> {
public:
    connect_attempt(network& net, const ip::endpoint& to) noexcept : net_(net), to_(to) {}
    ~connect_attempt() override;

    /// Has no effect but the first time.
    void begin();
    bool answered() const noexcept { return stage_ == stage::answered; }
    std::error_code error() const noexcept { return error_; }
    std::shared_ptr<connection> take() noexcept { return std::move(made_); }
    void give_up() noexcept;
    bool given_up() const noexcept { return given_up_; }

    /// The listener's part.
    void accept(std::shared_ptr<connection> c);
    void reject(std::error_code ec);
    ip::endpoint from() const noexcept;
    const ip::endpoint& to() const noexcept { return to_; }

    void occur() override;

    wait_set answer;

private:
    /// `asking` and `answering` are on the way.
    enum class stage : std::uint8_t { idle, asking, asked, answering, answered };
    void travel(stage s);

    network& net_;
    ip::endpoint to_;
    stage stage_ = stage::idle;
    bool given_up_ = false;
    std::error_code error_{};
    std::shared_ptr<connection> made_;
};

/// A listener with its queue of connections that nobody has accepted yet. While that is full,
/// attempts wait in front of it.
class listening final : public std::enable_shared_from_this<listening> {
public:
    listening(network& net, const ip::endpoint& at, std::size_t backlog);
    ~listening();

    const ip::endpoint local;
    const std::uint64_t id;
    network& net;
    option_values options;
    wait_set acceptable;

    void arrive(std::shared_ptr<connect_attempt> a);
    /// Null when nobody waits. Skips connections that were reset meanwhile.
    std::shared_ptr<connection> accept();
    void close();

private:
    void establish(connect_attempt& a);

    std::size_t backlog_;
    std::deque<std::shared_ptr<connection>> ready_;
    std::deque<std::shared_ptr<connect_attempt>> waiting_;
};

}  // namespace sim
}  // namespace copoll::backend
