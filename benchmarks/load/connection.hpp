// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "channel.hpp"
#include "client.hpp"
#include "pattern.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace load {

// One connection in closed loop: `pipeline` messages in flight, then half-close and read to the
// end. Bytes still owed to the peer are described by two numbers, since the pattern knows them:
//
//   0 <= received_ <= sent_ <= allowed_
//
// where allowed_ grows by one message with each one that came back, until finish().
class connection final : public client {
public:
    // pipeline == 0 makes an idle connection: it sends nothing until finish(), then one message.
    connection(std::unique_ptr<channel> to, run_state& run, pattern bytes, std::size_t size,
               std::size_t pipeline);

    void start() override;
    void on_event(std::uint32_t epoll_events) override;

    // No new message from here on, but a first one if there was none, which shows that the server
    // still holds the connection. What is in flight comes back, then both sides close.
    void finish() override;

    void give_up() override;

    [[nodiscard]] bool done() const override { return !to_; }
    [[nodiscard]] std::uint64_t bytes_sent() const override { return sent_; }
    [[nodiscard]] std::uint64_t bytes_received() const override { return received_; }

private:
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
    std::vector<clock::time_point> started_;  // of the messages in flight, a ring
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t completed_ = 0;  // messages that came back whole
    bool watching_writable_ = false;
    bool finishing_ = false;
    bool half_closed_ = false;
};

}  // namespace load
