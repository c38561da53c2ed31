// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/memory.hpp>

#include <unordered_map>
#include <utility>

#include <copoll/check.hpp>

#include "memory_stream.hpp"

namespace copoll::p2p {

namespace {
constexpr std::size_t longest_backlog = 128;
}

struct memory_network::state {
    std::unordered_map<std::uint64_t, std::shared_ptr<memory_listener::backlog>> listeners{};
    std::uint64_t last_chosen = 0;  ///< of those that ask for any, and of dialers

    std::uint64_t choose() {
        while (listeners.contains(++last_chosen) || last_chosen == 0) {}
        return last_chosen;
    }
};

memory_network::memory_network() : state_(std::make_unique<state>()) {}
memory_network::~memory_network() {
    copoll::detail::expects(state_->listeners.empty(), "memory_network outlived by a listener");
}

result<memory_listener> memory_network::listen(std::uint64_t number) {
    if (number == 0) number = state_->choose();
    auto waiting = std::make_shared<memory_listener::backlog>(longest_backlog);
    if (!state_->listeners.emplace(number, waiting).second)
        return fail(copoll::errc::address_in_use);
    return memory_listener{*this, number, std::move(waiting)};
}

task<result<memory_connection>> memory_network::connect(std::uint64_t to) {
    const auto found = state_->listeners.find(to);
    if (found == state_->listeners.end()) co_return fail(copoll::errc::connection_refused);
    const auto waiting = found->second;
    detail::memory_ends ends = detail::make_memory_streams();
    memory_connection accepted{std::move(ends.listener), state_->choose()};
    const auto sent = co_await waiting->send(std::move(accepted));
    if (!sent && sent.error() == copoll::errc::closed)
        co_return fail(copoll::errc::connection_refused);
    if (!sent) co_return fail(sent.error());
    co_return memory_connection{std::move(ends.dialer), to};
}

memory_listener::memory_listener(memory_network& on, std::uint64_t number,
                                 std::shared_ptr<backlog> waiting)
    : network_(&on), number_(number), waiting_(std::move(waiting)) {}

memory_listener::memory_listener(memory_listener&&) noexcept = default;

memory_listener& memory_listener::operator=(memory_listener&& other) noexcept {
    std::swap(network_, other.network_);
    std::swap(number_, other.number_);
    std::swap(waiting_, other.waiting_);
    return *this;
}

memory_listener::~memory_listener() {
    if (!waiting_) return;
    network_->state_->listeners.erase(number_);
    waiting_->close();
    while (waiting_->try_receive()) {}
}

task<result<memory_connection>> memory_listener::accept() {
    const auto waiting = waiting_;
    co_return co_await waiting->receive();
}

}  // namespace copoll::p2p
