// SPDX-License-Identifier: MIT OR Apache-2.0
#include "visitor.hpp"

#include <sys/epoll.h>

#include <utility>

namespace load {

using enum moved::outcome;

visitor::visitor(run_state& run, tls_factory* tls, way& to, std::size_t number, bool resumes)
    : client{run},
      tls_{tls},
      way_{to},
      slot_{resumes ? tls->make_slot() : nullptr},
      byte_{static_cast<std::byte>(number)},
      resumes_{resumes} {}

void visitor::start() { begin_visit(); }

void visitor::begin_visit() {
    std::string error;
    begun_ = run_->now;
    stage_ = stage::connect;
    auto fd = begin_connect(way_.server, way_.begun++ / way_.per_address, error);
    if (!fd) return fail("connect: " + error);
    if (tls_) {
        auto made = tls_->connect(std::move(fd), slot_.get());
        tls_at_ = made.get();
        at_ = std::move(made);
    } else {
        at_ = plain_channel(std::move(fd));
    }
    watch(EPOLLOUT, EPOLL_CTL_ADD);
}

void visitor::on_event(std::uint32_t) {
    run_->now = clock::now();
    while (!done() && advance()) {
    }
}

bool visitor::advance() {
    const moved m = step();
    if (m.what == again) return false;
    if (m.what == failed) {
        fail(m.failure);
        return false;
    }
    if (m.what == ended) {
        if (stage_ != stage::leave) {
            fail("closed by the server");
            return false;
        }
        end_visit();
        return false;
    }
    switch (stage_) {
        case stage::connect:
            watch(EPOLLIN, EPOLL_CTL_MOD);
            stage_ = tls_ ? stage::handshake : stage::send;
            return true;
        case stage::handshake: stage_ = stage::send; return true;
        case stage::send:
            ++sent_;
            stage_ = stage::receive;
            return true;
        case stage::receive:
            run_->now = clock::now();
            ++received_;
            if (counts()) {
                count(begun_);
                if (run_->counting) ++run_->bytes;
            }
            byte_[0] ^= std::byte{0xff};  // another one the next time
            at_->end();
            stage_ = stage::leave;
            return true;
        case stage::leave: fail("more bytes came back than were sent"); return false;
    }
    return false;
}

moved visitor::step() {
    switch (stage_) {
        case stage::connect: {
            std::string error;
            if (!finish_connect(at_->descriptor(), run_->now, error)) return {failed, 0, error};
            return {some};
        }
        case stage::handshake: return tls_at_->shake_hands();
        case stage::send: return at_->send(byte_);
        case stage::receive: {
            std::array<std::byte, 1> back{};
            moved m = at_->receive(back);
            if (m.what == some && back != byte_) return {failed, 0, "a wrong byte came back"};
            return m;
        }
        case stage::leave: break;
    }
    return at_->receive(run_->scratch);
}

void visitor::watch(std::uint32_t events, int operation) {
    epoll_event event{.events = events, .data = {.ptr = static_cast<client*>(this)}};
    epoll_ctl(run_->epoll, operation, at_->descriptor(), &event);
}

void visitor::end_visit() {
    if (finishing_) return close();
    begin_visit();
}

void visitor::give_up() {
    if (!done()) fail("a visit did not end in time");
}

void visitor::close() {
    at_.reset();
    done_ = true;
    --run_->open;
}

void visitor::fail(std::string what) {
    set_failure(std::move(what));
    close();
}

}  // namespace load
