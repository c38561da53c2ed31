// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "histogram.hpp"
#include "options.hpp"
#include "pattern.hpp"
#include "socket.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace load {

// What the connections of one run have in common.
struct run_state {
    int epoll = -1;
    std::size_t open = 0;  // connections that are not done
    verification verify = verification::full;
    std::vector<std::byte> scratch;  // where received bytes land before they are compared
    clock::time_point now;           // read once after each wait and each receive
    bool counting = false;           // inside the measured part of the run
    histogram latency;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

// One connection in closed loop: `pipeline` messages in flight, then half-close and read to the
// end. Bytes still owed to the peer are described by two numbers, since the pattern knows them:
//
//   0 <= received_ <= sent_ <= allowed_
//
// where allowed_ grows by one message with each one that came back, until finish().
class connection {
public:
    // pipeline == 0 makes an idle connection: it sends nothing until finish(), then one message.
    connection(descriptor fd, run_state& run, pattern bytes, std::size_t size,
               std::size_t pipeline);

    void start();
    void on_event(std::uint32_t epoll_events);

    // No new message from here on, but a first one if there was none, which shows that the server
    // still holds the connection. What is in flight comes back, then both sides close.
    void finish();

    // Closes a connection whose remaining bytes did not come in time.
    void give_up();

    [[nodiscard]] bool done() const { return !fd_; }
    [[nodiscard]] const std::string& failure() const { return failure_; }
    [[nodiscard]] std::uint64_t messages() const { return messages_; }
    [[nodiscard]] std::uint64_t bytes_sent() const { return sent_; }
    [[nodiscard]] std::uint64_t bytes_received() const { return received_; }

private:
    void send_more();
    void receive();
    void take(std::span<const std::byte> data);
    void complete_messages();
    void watch(bool writable);
    void close();
    void fail(std::string what);

    descriptor fd_;
    run_state* run_;
    pattern bytes_;
    std::uint64_t size_;
    std::uint64_t allowed_;
    std::vector<clock::time_point> started_;  // of the messages in flight, a ring
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t completed_ = 0;  // messages that came back whole
    std::uint64_t messages_ = 0;   // those of them that count
    bool watching_writable_ = false;
    bool finishing_ = false;
    bool half_closed_ = false;
    std::string failure_;
};

}  // namespace load
