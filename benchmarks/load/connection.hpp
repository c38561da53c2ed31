// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "channel.hpp"
#include "client.hpp"
#include "pattern.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>

namespace load {

// One connection: messages, then half-close and read to the end. In closed loop `pipeline` messages
// are in flight, in open loop as many as are due. Bytes still owed to the peer are described by two
// numbers, since the pattern knows them:
//
//   0 <= received_ <= sent_ <= allowed_
//
// where allowed_ grows by one message with each one that came back or is due, until finish().
class connection final : public client {
public:
    // pipeline == 0: it sends what is due, and at finish() one message if nothing was.
    connection(std::unique_ptr<channel> to, run_state& run, pattern bytes, std::size_t size,
               std::size_t pipeline);

    void start() override;

    // One more message, in open loop.
    void send_due(clock::time_point due);

    void on_event(std::uint32_t epoll_events) override;

    // No new message from here on, but a first one if there was none, which shows that the server
    // still holds the connection. What is in flight comes back, then both sides close.
    void finish() override;

    void give_up() override;

    // In open loop: ends at once if messages have not come back. Those of a server that is behind
    // are unanswered; of one that has been silent since `silent_since` they are lost.
    void leave_unanswered(clock::time_point silent_since);

    [[nodiscard]] bool done() const override { return !to_; }
    [[nodiscard]] std::uint64_t bytes_sent() const override { return sent_; }
    [[nodiscard]] std::uint64_t bytes_received() const override { return received_; }

private:
    void allow(clock::time_point started);
    void send_more();
    void receive();
    void take(std::span<const std::byte> data);
    void complete_messages();
    void watch(bool writable);
    void close();
    void fail(std::string what);

    std::unique_ptr<channel> to_;
    pattern bytes_;
    std::uint64_t size_;
    std::uint64_t allowed_;
    std::deque<clock::time_point> started_;  // of the messages in flight
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t completed_ = 0;  // messages that came back whole
    clock::time_point heard_;      // when a byte last came back
    bool closed_loop_;
    bool watching_writable_ = false;
    bool finishing_ = false;
    bool half_closed_ = false;
};

}  // namespace load
