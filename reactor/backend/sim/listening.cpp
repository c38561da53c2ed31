// SPDX-License-Identifier: MIT OR Apache-2.0
#include "listening.hpp"

#include <algorithm>
#include <utility>

#include "connection.hpp"

namespace copoll::backend {
inline namespace sim {

connect_attempt::~connect_attempt() { give_up(); }

void connect_attempt::begin() {
    if (stage_ != stage::idle) return;
    if (net_.is_blackhole(to_.address)) {
        stage_ = stage::asked;
    } else if (!net_.is_local(to_.address)) {
        error_ = errc::unreachable;  // known at once: there is no route
        stage_ = stage::answered;
    } else {
        travel(stage::asking);
    }
}

void connect_attempt::give_up() noexcept {
    given_up_ = true;
    if (auto c = std::move(made_)) c->close(0);
}

/// From a machine to itself: the address called is the caller's too.
ip::endpoint connect_attempt::from() const noexcept {
    return {to_.address, net_.free_port(to_.address)};
}

void connect_attempt::accept(std::shared_ptr<connection> c) {
    made_ = std::move(c);
    travel(stage::answering);
}

void connect_attempt::reject(std::error_code ec) {
    error_ = ec;
    travel(stage::answering);
}

void connect_attempt::travel(stage s) {
    stage_ = s;
    const clock::time_point at = net_.arrival();
    if (at > net_.now)
        net_.schedule(at, shared_from_this());
    else
        occur();
}

void connect_attempt::occur() {
    if (stage_ == stage::answering) {
        stage_ = stage::answered;
        net_.wake(answer);
        return;
    }
    stage_ = stage::asked;
    if (given_up_) return;
    if (auto l = net_.find_listener(to_))
        l->arrive(shared_from_this());
    else
        reject(errc::connection_refused);
}

listening::listening(network& n, const ip::endpoint& at, std::size_t backlog)
    : local(at), id(n.next_id()), net(n), backlog_(backlog) {
    net.listening_at.push_back(this);
    ++net.listeners;
}

listening::~listening() { detail::expects(ready_.empty(), "listener destroyed before closed"); }

void listening::arrive(std::shared_ptr<connect_attempt> a) {
    if (ready_.size() < backlog_)
        establish(*a);
    else
        waiting_.push_back(std::move(a));
}

void listening::establish(connect_attempt& a) {
    auto c = std::make_shared<connection>(net, a.from(), a.to());
    ready_.push_back(c);
    a.accept(std::move(c));
    net.wake(acceptable);
}

std::shared_ptr<connection> listening::accept() {
    while (!ready_.empty()) {
        auto c = std::move(ready_.front());
        ready_.pop_front();
        while (!waiting_.empty() && ready_.size() < backlog_) {
            const auto a = std::move(waiting_.front());
            waiting_.pop_front();
            if (!a->given_up()) establish(*a);
        }
        if (!c->is_reset(1)) return c;
        c->close(1);
    }
    return nullptr;
}

void listening::close() {
    detail::expects(acceptable.armed == 0,
                    "a listener was closed while an operation on it is awaited");
    std::erase(net.listening_at, this);
    --net.listeners;
    for (auto& c : std::exchange(ready_, {})) c->refuse(1);
    for (auto& a : std::exchange(waiting_, {}))
        if (!a->given_up()) a->reject(errc::connection_refused);
}

}  // namespace sim
}  // namespace copoll::backend
