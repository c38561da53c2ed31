// SPDX-License-Identifier: MIT OR Apache-2.0
#include "connection.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace load {

using enum moved::outcome;

connection::connection(std::unique_ptr<channel> to, run_state& run, pattern bytes,
                       std::size_t size, std::size_t pipeline)
    : client{run},
      to_{std::move(to)},
      bytes_{std::move(bytes)},
      size_{size},
      allowed_{size * pipeline},
      started_(pipeline),
      closed_loop_{pipeline > 0} {}

void connection::start() {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = static_cast<client*>(this)}};
    epoll_ctl(run_->epoll, EPOLL_CTL_ADD, to_->descriptor(), &event);
    std::ranges::fill(started_, run_->now);
    run_->owed += started_.size();
    send_more();
}

void connection::send_due(clock::time_point due) {
    allow(due);
    if (!watching_writable_) send_more();
}

void connection::on_event(std::uint32_t epoll_events) {
    if (done()) return;
    if ((epoll_events & ~std::uint32_t{EPOLLOUT}) != 0) receive();
    if (!done()) send_more();
}

void connection::finish() {
    if (done()) return;
    finishing_ = true;
    // A message that was begun goes out whole, one that was not is dropped unless it was due.
    if (closed_loop_) allowed_ = std::max((sent_ + size_ - 1) / size_ * size_, size_);
    else if (allowed_ == 0) allow(run_->now);
    send_more();
}

void connection::give_up() {
    if (!done()) {
        fail("no end of stream in time, " + std::to_string(sent_ - received_) +
             " bytes outstanding");
    }
}

void connection::leave_unanswered(clock::time_point silent_since) {
    if (done() || started_.empty()) return;
    if (heard_ < silent_since) {
        return fail(std::to_string(started_.size()) +
                    " messages did not come back, and the server fell silent");
    }
    for (const auto due : started_) count_unanswered(due);
    close();
}

void connection::allow(clock::time_point started) {
    allowed_ += size_;
    started_.push_back(started);
    ++run_->owed;
}

void connection::send_more() {
    while (sent_ < allowed_) {
        const auto size = std::min<std::uint64_t>(bytes_.window(), allowed_ - sent_);
        const auto piece = bytes_.at(sent_, static_cast<std::size_t>(size));
        const moved m = to_->send(piece);
        if (m.what == again) return watch(true);
        if (m.what == failed) return fail(m.failure);
        sent_ += m.n;
    }
    if (finishing_ && !half_closed_) {
        if (!to_->end()) return watch(true);
        half_closed_ = true;
    }
    watch(false);
}

void connection::receive() {
    const moved m = to_->receive(run_->scratch);
    run_->now = clock::now();
    if (m.what == some) return take(std::span{run_->scratch}.first(m.n));
    if (m.what == again) return;
    if (m.what == failed) return fail(m.failure);
    if (!half_closed_) return fail("closed by the server during the run");
    if (received_ != sent_) return fail(std::to_string(sent_ - received_) + " bytes missing");
    close();
}

void connection::take(std::span<const std::byte> data) {
    if (data.size() > sent_ - received_) return fail("more bytes came back than were sent");
    const bool right = run_->verify == verification::none ||
                       (run_->verify == verification::edges ? bytes_.edges_match(received_, data)
                                                            : bytes_.matches(received_, data));
    if (!right) return fail("wrong byte after byte " + std::to_string(received_));
    received_ += data.size();
    heard_ = run_->now;
    if (run_->counting) run_->bytes += data.size();
    complete_messages();
}

void connection::complete_messages() {
    while (received_ - completed_ * size_ >= size_) {
        count(started_.front());
        started_.pop_front();
        ++completed_;
        --run_->owed;
        if (closed_loop_ && !finishing_) allow(run_->now);
    }
}

void connection::watch(bool writable) {
    if (watching_writable_ == writable) return;
    watching_writable_ = writable;
    epoll_event event{.events = writable ? EPOLLIN | EPOLLOUT : EPOLLIN,
                      .data = {.ptr = static_cast<client*>(this)}};
    epoll_ctl(run_->epoll, EPOLL_CTL_MOD, to_->descriptor(), &event);
}

void connection::close() {
    to_.reset();
    run_->owed -= started_.size();
    --run_->open;
}

void connection::fail(std::string what) {
    set_failure(std::move(what));
    close();
}

}  // namespace load
