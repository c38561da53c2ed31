// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "client.hpp"
#include "tls.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace load {

// Comes again and again: a new connection, perhaps a handshake, one byte there and back, the end
// from both sides. Each visit counts as a message.
class visitor final : public client {
public:
    // Where they go, and from how many addresses they come: one has 28,000 ports by default, which
    // all visitors share, and each is in use for a minute after the visit.
    struct way {
        const endpoint& server;
        std::size_t per_address;
        std::size_t begun = 0;
    };

    // `tls`: nullptr for none. `resumes`: each after the first with the session of the one before,
    // and only they count.
    visitor(run_state& run, tls_factory* tls, way& to, std::size_t number, bool resumes);

    void start() override;
    void on_event(std::uint32_t epoll_events) override;
    void finish() override { finishing_ = true; }
    void give_up() override;

    [[nodiscard]] bool done() const override { return done_; }
    [[nodiscard]] std::uint64_t bytes_sent() const override { return sent_; }
    [[nodiscard]] std::uint64_t bytes_received() const override { return received_; }

private:
    enum class stage { connect, handshake, send, receive, leave };

    void begin_visit();
    // Whether there is more to do at once.
    bool advance();
    moved step();
    void watch(std::uint32_t events, int operation);
    void end_visit();
    void close();
    void fail(std::string what);

    [[nodiscard]] bool counts() const { return !resumes_ || tls_at_->is_resumed(); }

    tls_factory* tls_;
    way& way_;
    std::unique_ptr<session_slot> slot_;
    std::unique_ptr<channel> at_;
    tls_channel* tls_at_ = nullptr;  // the same, if it is one
    stage stage_ = stage::connect;
    clock::time_point begun_;
    std::array<std::byte, 1> byte_;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    bool resumes_;
    bool finishing_ = false;
    bool done_ = false;
};

}  // namespace load
