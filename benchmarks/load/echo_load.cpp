// SPDX-License-Identifier: MIT OR Apache-2.0
//
// echo_load: drives an echo server over many connections, checks every byte, prints figures.
// Start reading here; connection.hpp is what one connection does,
// and visitor.hpp one that is short.
#include "connection.hpp"
#include "connector.hpp"
#include "open_loop.hpp"
#include "options.hpp"
#include "socket.hpp"
#include "summary.hpp"
#include "tls.hpp"
#include "visitor.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace load {
namespace {

clock::duration seconds(double count) {
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>{count});
}

// What is sent at once. Larger pieces than this gain nothing; with thousands of connections memory
// sets the limit. By TLS it is a record, and no record holds more than one message.
std::size_t window_for(const options& opt) {
    constexpr std::size_t largest = std::size_t{256} << 10;
    constexpr std::size_t memory = std::size_t{512} << 20;
    const std::size_t smallest = opt.tls ? std::min<std::size_t>(opt.size, 4096) : 4096;
    const std::size_t whole = opt.tls ? opt.size : opt.size * opt.pipeline;
    const auto wanted = std::min(whole, memory / (opt.connections + opt.idle));
    return std::clamp(wanted, smallest, largest);
}

class load_run {
public:
    explicit load_run(const options& opt)
        : opt_{opt}, epoll_{epoll_create1(EPOLL_CLOEXEC)}, server_{opt} {
        state_.epoll = epoll_.get();
        state_.verify = opt.verify;
        state_.scratch.resize(std::size_t{256} << 10);
    }

    bool connect_all(std::string& error) {
        if (opt_.tls && !(tls_ = make_tls(opt_, state_, error))) return false;
        if (opt_.visits || opt_.handshakes) return find_server(error);
        if (opt_.tls) return connect_all_by_tls(error);
        return server_.open(
            opt_.idle + opt_.connections,
            [&](descriptor fd) { add(plain_channel(std::move(fd))); }, error);
    }

    summary drive() {
        state_.now = clock::now();
        const auto start = state_.now;
        const auto end = start + seconds(opt_.seconds);
        for (auto& c : clients_) c->start();
        if (opt_.rate > 0) open_loop_.emplace(opt_.rate, state_, active(), end);
        turn_until(start + seconds(opt_.seconds * opt_.warmup));

        const auto counted_from = state_.now;
        tell("counting");
        state_.counting = true;
        state_.due_from = counted_from;
        state_.due_to = end;
        turn_until(end);
        state_.counting = false;
        const auto counted = state_.now - counted_from;
        if (open_loop_) await_what_was_due();
        open_loop_.reset();
        if (gave_up_sending_) return summarize(counted, {});

        tell("finishing");
        if (opt_.phases) wait_for_line();
        const auto finished_from = clock::now();
        const auto patience_ends = finished_from + seconds(opt_.patience);
        for (auto& c : clients_) c->finish();
        while (state_.now < patience_ends && state_.open > 0) turn(patience_ends);
        const auto finished = clock::now() - finished_from;
        for (auto& c : clients_) c->give_up();
        return summarize(counted, finished);
    }

    [[nodiscard]] const run_state& state() const { return state_; }

    // Whether the load itself could not keep up with the rate, so that most of what would be told
    // as latency is its own; says so. That it was late now and then is told with the figures.
    [[nodiscard]] bool fell_behind() const {
        if (opt_.rate == 0) return false;
        const auto late = state_.lateness.percentile(50) / 1000;
        const auto took = state_.latency.percentile(50) / 1000;
        if (!gave_up_sending_ && late <= took / 2) return false;
        std::fprintf(stderr,
                     "echo_load: the load fell behind the rate: half of the messages were sent "
                     "more than %lld us late, and came back %lld us after they were due\n",
                     static_cast<long long>(late), static_cast<long long>(took));
        return true;
    }

private:
    void add(std::unique_ptr<channel> to) {
        const auto i = clients_.size();
        clients_.push_back(std::make_unique<connection>(
            std::move(to), state_, pattern{i, window_for(opt_)}, opt_.size,
            i < opt_.idle || opt_.rate > 0 ? 0 : opt_.pipeline));
    }

    // Each visitor makes its own connections, to where this first one led.
    bool find_server(std::string& error) {
        if (!server_.open(1, [](descriptor) {}, error)) return false;
        const bool resumes = opt_.handshakes == handshake_kind::resumed;
        for (std::size_t i = 0; i < opt_.connections; ++i)
            clients_.push_back(
                std::make_unique<visitor>(state_, tls_.get(), visits_, i, resumes));
        return true;
    }

    // One after the other: a server that has answered has accepted.
    bool connect_all_by_tls(std::string& error) {
        bool good = true;
        const auto shake_hands = [&](descriptor fd) {
            auto to = tls_->connect(std::move(fd), nullptr);
            good = complete_handshake(*to, error);
            add(std::move(to));
        };
        for (std::size_t i = 0; i < opt_.idle + opt_.connections && good; ++i)
            if (!server_.open(1, shake_hands, error)) return false;
        return good;
    }

    bool complete_handshake(tls_channel& to, std::string& error) const {
        const auto deadline = clock::now() + seconds(opt_.patience);
        for (;;) {
            const moved m = to.shake_hands();
            if (m.what == moved::outcome::some) return true;
            error = m.what == moved::outcome::failed ? m.failure : "no handshake in time";
            if (m.what != moved::outcome::again || !wait_readable(to.descriptor(), deadline))
                return false;
        }
    }

    std::vector<connection*> active() const {
        std::vector<connection*> found;
        for (std::size_t i = opt_.idle; i < clients_.size(); ++i)
            found.push_back(static_cast<connection*>(clients_[i].get()));
        return found;
    }

    // Before anybody is asked to wait, as it would be their time too. Not for long: the queue of a
    // server that cannot keep up has no end.
    void await_what_was_due() {
        constexpr double longest_wait = 5;
        const auto longest = seconds(std::min(opt_.patience, longest_wait));
        const auto until = clock::now() + longest;
        while ((!open_loop_->done() || state_.owed > 0) && !state_.failed && state_.now < until)
            turn(until);
        if (state_.failed) return;
        gave_up_sending_ = !open_loop_->done();
        if (gave_up_sending_) return;
        state_.now = clock::now();
        for (auto* c : active()) c->leave_unanswered(until - longest / 2);
    }

    void tell(const char* phase) const {
        if (opt_.phases) std::fprintf(stderr, "phase %s\n", phase);
    }

    // Until whoever watches the server has looked at it: what comes now is not to be counted.
    static void wait_for_line() {
        for (int c = 0; c != '\n' && c != EOF;) c = std::getchar();
    }

    // Serves events until `end` or until a client has failed, which the whole run then has.
    void turn_until(clock::time_point end) {
        while (state_.now < end && !state_.failed) turn(end);
    }

    void turn(clock::time_point end) {
        if (open_loop_) open_loop_->send_due();
        std::array<epoll_event, 256> events;
        const int n = epoll_wait(epoll_.get(), events.data(), events.size(), milliseconds(end));
        state_.now = clock::now();
        for (int i = 0; i < n; ++i) {
            static_cast<client*>(events[i].data.ptr)->on_event(events[i].events);
            if (open_loop_) open_loop_->send_due();
        }
    }

    // How long to wait for events. Not at all if the next message is due sooner than the system can
    // be relied upon to wake a sleeper.
    [[nodiscard]] int milliseconds(clock::time_point end) const {
        constexpr std::chrono::milliseconds longest{100};
        constexpr std::chrono::milliseconds sleepers_lateness{1};
        if (!open_loop_) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - state_.now);
            return static_cast<int>(std::min(left, longest).count());
        }
        const auto left = std::chrono::floor<std::chrono::milliseconds>(
            std::min(end, open_loop_->next()) - state_.now - sleepers_lateness);
        return static_cast<int>(std::clamp(left, {}, longest).count());
    }

    summary summarize(std::chrono::duration<double> counted,
                      std::chrono::duration<double> finished) const {
        summary result;
        result.seconds = counted.count();
        result.finish_seconds = finished.count();
        result.messages_min = clients_.back()->messages();
        for (std::size_t i = 0; i < clients_.size(); ++i) {
            const client& c = *clients_[i];
            result.bytes_sent += c.bytes_sent();
            result.bytes_received += c.bytes_received();
            if (i >= opt_.idle) {
                result.messages_min = std::min(result.messages_min, c.messages());
                result.messages_max = std::max(result.messages_max, c.messages());
            }
            if (c.failure().empty()) continue;
            ++result.errors;
            if (result.first_failure.empty()) {
                result.first_failure = "connection " + std::to_string(i) + ": " + c.failure();
            }
        }
        return result;
    }

    const options& opt_;
    descriptor epoll_;
    run_state state_;
    connector server_;
    visitor::way visits_{server_.server(), opt_.per_address};
    std::unique_ptr<tls_factory> tls_;
    std::vector<std::unique_ptr<client>> clients_;  // the idle ones first
    std::optional<open_loop> open_loop_;
    bool gave_up_sending_ = false;
};

int run(const options& opt) {
    if (!allow_open_files(opt.connections + opt.idle + 32)) {
        std::fprintf(stderr, "echo_load: the limit on open files is below %zu connections\n",
                     opt.connections + opt.idle);
        return 1;
    }
    load_run load{opt};
    std::string error;
    if (!load.connect_all(error)) {
        std::fprintf(stderr, "echo_load: %s:%s: %s\n", opt.host.c_str(), opt.port.c_str(),
                     error.c_str());
        return 1;
    }
    const auto sum = load.drive();
    if (sum.errors > 0) {
        std::fprintf(stderr, "echo_load: %zu of %zu connections failed; %s\n", sum.errors,
                     opt.connections + opt.idle, sum.first_failure.c_str());
        return 1;
    }
    if (load.fell_behind()) return 3;
    if (opt.connections > 0 && load.state().messages + load.state().came_back == 0) {
        std::fputs("echo_load: no message came back while counting\n", stderr);
        return 1;
    }
    if (opt.json)
        print_json(opt, load.state(), sum);
    else
        print_text(opt, load.state(), sum);
    return 0;
}

}  // namespace
}  // namespace load

int main(int argc, char** argv) { return load::run(load::parse_options(argc, argv)); }
