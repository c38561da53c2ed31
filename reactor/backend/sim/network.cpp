// SPDX-License-Identifier: MIT OR Apache-2.0
#include "network.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "connection.hpp"
#include "datagram_socket.hpp"
#include "listening.hpp"

namespace copoll::backend {
inline namespace sim {
namespace {

constexpr const char* call_names[] = {"listen",   "accept", "connect", "read",
                                      "write",    "shutdown", "input", "output",
                                      "resolve",  "bind",   "receive", "send",
                                      "option"};
static_assert(std::size(call_names) == call_kinds);
constexpr std::uint16_t first_port = 49152;
/// A higher chance of "would block" would only slow a run down, and 100 never end one.
constexpr unsigned most_spurious = 90;

std::size_t index(call kind) noexcept { return static_cast<std::size_t>(kind); }

/// Two sockets cannot both have these.
bool overlap(const ip::endpoint& a, const ip::endpoint& b) noexcept {
    return a.port == b.port && a.address.family() == b.address.family() &&
           (a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified());
}

}  // namespace

network::network(options o, clock::time_point start)
    : opts(std::move(o)), now(start), chance_(opts.seed), began_(start) {}

network::~network() = default;

// A waiter is in its set's list or in due_ while it is armed, never in both.

void network::wake(wait_set& set) {
    while (waiter* w = set.sleeping.pop_front()) make_due(*w);
}

void network::make_due(waiter& w) {
    w.due_slot_ = due_.size();
    due_.push_back(&w);
}

void network::remove(waiter& w) noexcept {
    if (w.linked()) w.unlink();
    const std::size_t slot = std::exchange(w.due_slot_, waiter::not_due);
    if (slot == waiter::not_due) return;
    due_[slot] = due_.back();
    due_[slot]->due_slot_ = slot;
    due_.pop_back();
    w.due_slot_ = waiter::not_due;
}

void network::run_due() {
    batch_.swap(due_);
    if (opts.shuffle)
        for (std::size_t i = batch_.size(); i > 1; --i)
            std::swap(batch_[i - 1], batch_[chance_.pick(i)]);
    for (waiter* w : batch_) w->due_slot_ = waiter::not_due;
    for (waiter* w : batch_) {
        switch (w->attempt_(*w, *w->io_)) {
            case outcome::done: w->io_->complete(*w); break;
            case outcome::blocked: w->set_->sleeping.push_back(*w); break;
            case outcome::spurious: make_due(*w); break;
        }
    }
    batch_.clear();
}

bool network::event::operator<(const event& other) const noexcept {
    if (at != other.at) return at > other.at;
    if (order != other.order) return order > other.order;
    return sequence > other.sequence;
}

void network::schedule(clock::time_point at, std::shared_ptr<event_target> target) {
    const std::uint64_t order = opts.shuffle ? chance_.next() : 0;
    events_.push_back({at, order, ++sequence_, std::move(target)});
    std::push_heap(events_.begin(), events_.end());
}

std::optional<clock::time_point> network::next_event() const noexcept {
    if (events_.empty()) return std::nullopt;
    return events_.front().at;
}

void network::advance(clock::time_point t) {
    now = std::max(now, t);
    while (!events_.empty() && events_.front().at <= now) {
        std::pop_heap(events_.begin(), events_.end());
        const std::shared_ptr<event_target> target = std::move(events_.back().target);
        events_.pop_back();
        target->occur();
    }
}

clock::time_point network::arrival() noexcept {
    clock::time_point at = now + opts.latency;
    if (opts.jitter > clock::duration::zero())
        at += clock::duration{static_cast<clock::rep>(
            chance_.below(static_cast<std::uint64_t>(opts.jitter.count()) + 1))};
    return at;
}

network::fate network::decide(call kind) noexcept {
    ++calls_;
    auto& planned = next_faults_[index(kind)];
    if (calls_ == opts.fail_at || !planned.empty()) {
        fate f;
        if (calls_ == opts.fail_at) {
            f.ec = opts.fail_with;
        } else {
            f.ec = planned.front();
            planned.pop_front();
        }
        fault_injected_ = true;
        return f;
    }
    return {chance_.percent(std::min(opts.spurious_percent, most_spurious)), {}};
}

void network::fail_next(call kind, std::error_code ec) { next_faults_[index(kind)].push_back(ec); }

void network::record(call kind, std::uint64_t id, std::error_code ec, std::size_t n) noexcept {
    for (const std::uint64_t value :
         {static_cast<std::uint64_t>(now.time_since_epoch().count()),
          static_cast<std::uint64_t>(index(kind)), id, static_cast<std::uint64_t>(ec.value()),
          static_cast<std::uint64_t>(n)})
        trace_ = mix(trace_ + 0x9e3779b97f4a7c15U) ^ value;
    if (opts.log)
        std::fprintf(opts.log, "%lld ns: %s #%llu: %s, %zu bytes\n",
                     static_cast<long long>(now.time_since_epoch().count()),
                     call_names[index(kind)], static_cast<unsigned long long>(id),
                     ec ? ec.message().c_str() : "ok", n);
}

bool network::is_local(const ip::address& a) const noexcept {
    return a.is_loopback() ||
           std::find(opts.addresses.begin(), opts.addresses.end(), a) != opts.addresses.end();
}

bool network::is_blackhole(const ip::address& a) const noexcept {
    return std::find(opts.blackholes.begin(), opts.blackholes.end(), a) != opts.blackholes.end();
}

/// Taken in turn; 0 when each of them is in use.
template <class InUse>
std::uint16_t network::next_port(InUse in_use) noexcept {
    for (unsigned tries = 0; tries <= 65535U - first_port; ++tries) {
        last_port_ = last_port_ < first_port || last_port_ == 65535
                         ? first_port
                         : static_cast<std::uint16_t>(last_port_ + 1);
        if (!in_use(last_port_)) return last_port_;
    }
    return 0;
}

std::uint16_t network::free_port(const ip::address& a) noexcept {
    return next_port([&](std::uint16_t port) { return in_use({a, port}); });
}

std::uint16_t network::free_datagram_port(const ip::address& a) noexcept {
    return next_port([&](std::uint16_t port) { return datagram_port_in_use({a, port}); });
}

bool network::in_use(const ip::endpoint& at) const noexcept {
    return std::any_of(listening_at.begin(), listening_at.end(),
                       [&](const listening* l) { return overlap(l->local, at); });
}

bool network::datagram_port_in_use(const ip::endpoint& at) const noexcept {
    return std::any_of(datagram_sockets.begin(), datagram_sockets.end(),
                       [&](const datagram_socket* s) { return overlap(s->bound, at); });
}

std::shared_ptr<datagram_socket> network::find_datagram_socket(
    const ip::endpoint& to) const noexcept {
    for (datagram_socket* s : datagram_sockets)
        if (overlap(s->bound, to)) return s->shared_from_this();
    return nullptr;
}

std::shared_ptr<listening> network::find_listener(const ip::endpoint& to) const noexcept {
    for (listening* l : listening_at) {
        if (l->local.port != to.port || l->local.address.family() != to.address.family()) continue;
        if (l->local.address == to.address || l->local.address.is_unspecified())
            return l->shared_from_this();
    }
    return nullptr;
}

void network::reset_connections() noexcept {
    for (const auto& [id, c] : connections) c->cut();
}

}  // namespace sim
}  // namespace copoll::backend
