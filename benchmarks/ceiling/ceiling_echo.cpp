// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The echo server with one flat poll over all connections: the ceiling while there are few of
// them. connection.hpp says what it does for each; around that,
//
//  - the list of pollables is kept between polls and changed in place;
//  - who was ready is read again after everybody had a turn: by then the next message is often
//    there without another poll, and if not, the empty read tells the host so (else its next poll
//    returns at once for nothing).
//
// It makes no attempt at fairness beyond a bound on the turns between two polls.
#include "connection.hpp"
#include "landing.hpp"
#include "listener.hpp"

#include <memory>
#include <vector>

namespace {

#if !defined(TURNS_PER_POLL)  // the variant that polls everything each turn
#define TURNS_PER_POLL 256
#endif
constexpr std::size_t turns_per_poll = TURNS_PER_POLL;
constexpr int accepts_per_poll = 64;

struct member {
    explicit member(const host::accepted_socket& accepted) : peer{accepted} {}

    connection peer;
    std::size_t index = 0;  // of its pollable in the list that is polled
};

class server {
public:
    explicit server(host::handle listener) : listener_{listener} {
        pollables_.push_back(host::subscribe_socket(listener));
        owners_.push_back(nullptr);
    }

    [[noreturn]] void run() {
        for (;;) {
            const bool accepting = poll_all();
            for (std::size_t turns = 0; turns < turns_per_poll && !ready_.empty();) {
                turns += ready_.size();
                std::erase_if(ready_, [this](member* m) { return !serve(*m); });
            }
            if (accepting) accept_some();
        }
    }

private:
    // Fills ready_, and tells whether the listener is ready too.
    bool poll_all() {
        // Serving reorders the list: look up all indices first.
        ready_.clear();
        bool listener_ready = false;
        for (const auto index : poll(pollables_, answer_)) {
            if (member* m = owners_[index]) {
                ready_.push_back(m);
            } else {
                listener_ready = true;
            }
        }
        return listener_ready;
    }

    void accept_some() {
        for (int i = 0; i < accepts_per_poll; ++i) {
            const auto accepted = accept(listener_);
            if (!accepted) return;
            auto* m = new member{*accepted};
            m->index = pollables_.size();
            pollables_.push_back(m->peer.pollable());
            owners_.push_back(m);
        }
    }

    // False when the connection has nothing to do until a poll reports it again, or is gone.
    bool serve(member& m) {
        const auto t = m.peer.serve(spare_);
        if (t == turn::over) {
            remove(m);
            return false;
        }
        pollables_[m.index] = m.peer.pollable();
        return t == turn::progress;
    }

    void remove(member& m) {
        pollables_[m.index] = pollables_.back();
        owners_[m.index] = owners_.back();
        owners_[m.index]->index = m.index;  // never the listener, which is not the last
        pollables_.pop_back();
        owners_.pop_back();
        delete &m;
    }

    host::handle listener_;
    std::vector<host::handle> pollables_;  // the listener's, then one of each connection
    std::vector<member*> owners_;          // of the pollable at the same index; listener: none
    std::vector<std::uint32_t> answer_;
    std::vector<member*> ready_;
    std::unique_ptr<block> spare_;
};

}  // namespace

int main(int argc, char** argv) { server{listen("ceiling_echo", argc, argv)}.run(); }
