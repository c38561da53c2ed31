// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <copoll/loop.hpp>
#include <copoll/stream.hpp>

/// An in-memory stream that does what the test wrote down; the same on every backend.
///
///     script_stream s;
///     s.reads.gives("HEL").blocks().gives("LO\r\n").ends();
///     s.writes.takes(3).blocks(2).fails(errc::connection_reset);
///
/// Reads and writes follow their scripts step by step. When the script is used up, a read waits
/// until the test adds a step or asks it to stop, and a write takes all it is given. The last
/// `ends` or `fails` of a script stays. What was written is in `written`. Two reads, or two writes,
/// at a time trap.
///
/// A step added while an operation waits is taken in that call, though whoever awaits it runs a
/// turn later: so a test can make data and a stop request meet in one turn, in either order.

namespace copoll_tests {

using namespace copoll;

/// An operation that waits for its script to go on.
struct script_waiter {
    void (*wake)(script_waiter&) noexcept = nullptr;
};

/// What the stream does in one direction, and what it has done.
class script {
public:
    /// The operation is not done for so many turns of the loop.
    script& blocks(unsigned turns = 1) { return add({.turns = turns}); }
    script& blocks_for(clock::duration d) { return add({.delay = d}); }
    script& fails(std::error_code ec) { return add({.ec = ec}); }

    bool used_up() const noexcept { return steps_.empty(); }

    std::size_t calls = 0;      ///< operations that were started
    std::size_t last_size = 0;  ///< size of the buffer given to the last one

protected:
    struct step {
        std::error_code ec{};
        std::string bytes{};
        std::size_t most = 0;
        unsigned turns = 0;
        clock::duration delay{};
    };

    template <class Op>
    friend class script_op;

    explicit script(bool write) noexcept : takes_all_(write) {}

    script& add(step s) {
        steps_.push_back(std::move(s));
        if (script_waiter* w = std::exchange(waiter_, nullptr)) w->wake(*w);
        return *this;
    }

    std::deque<step> steps_;
    script_waiter* waiter_ = nullptr;
    bool busy_ = false;
    bool takes_all_;
};

class read_script : public script {
public:
    read_script() noexcept : script(false) {}
    /// The bytes of one read, or of several if they are given less room.
    read_script& gives(std::string_view bytes) {
        if (!bytes.empty()) add({.bytes = std::string(bytes)});
        return *this;
    }
    read_script& blocks(unsigned turns = 1) { return script::blocks(turns), *this; }
    read_script& blocks_for(clock::duration d) { return script::blocks_for(d), *this; }
    read_script& fails(std::error_code ec) { return script::fails(ec), *this; }
    read_script& ends() { return fails(errc::eof); }
};

class write_script : public script {
public:
    write_script() noexcept : script(true) {}
    /// One write takes at most `most` bytes.
    write_script& takes(std::size_t most) { return add({.most = most}), *this; }
    write_script& blocks(unsigned turns = 1) { return script::blocks(turns), *this; }
    write_script& blocks_for(clock::duration d) { return script::blocks_for(d), *this; }
    write_script& fails(std::error_code ec) { return script::fails(ec), *this; }
    /// With the script used up a write waits, as a read does.
    write_script& then_waits() { return takes_all_ = false, *this; }
};

/// One operation under a script. `Op` moves the bytes.
template <class Op>
class script_op : detail::stop_node, detail::timer_node, continuation, script_waiter {
public:
    explicit script_op(script& s) noexcept : script_(&s) {}
    script_op(script_op&& other) noexcept : script_(other.script_) {}
    ~script_op() {
        if (started_) script_->busy_ = false;
    }

    void bind(const env& e) noexcept { env_ = &e; }

    bool start() noexcept {
        detail::expects(!script_->busy_, "script_stream: two operations in one direction");
        started_ = script_->busy_ = true;
        ++script_->calls;
        script_->last_size = self().size();
        if (env_->stop.stop_requested()) {
            self().failed(errc::canceled);
            complete_ = true;
        } else {
            complete_ = step_done();
        }
        return complete_ && env_->owner->spend_budget();
    }

    std::coroutine_handle<> suspend(continuation& k) noexcept {
        k_ = &k;
        if (complete_) {
            env_->owner->post(k);
            return nullptr;
        }
        wait();
        link(env_->stop, [](stop_node& n) noexcept { static_cast<script_op&>(n).cancel(); });
        return nullptr;
    }

protected:
    void release() noexcept {
        unlink();
        script_->busy_ = started_ = false;
    }

private:
    Op& self() noexcept { return static_cast<Op&>(*this); }

    /// False: has to wait, for the first step or for there to be one.
    bool step_done() noexcept {
        auto& steps = script_->steps_;
        if (self().size() == 0) return true;
        if (steps.empty()) {
            if (!script_->takes_all_) return false;
            self().moved(SIZE_MAX);
            return true;
        }
        auto& s = steps.front();
        if (s.turns > 0 || s.delay != clock::duration{}) return false;
        if (s.ec) {
            self().failed(s.ec);
            if (steps.size() > 1) steps.pop_front();
        } else if (s.most > 0) {
            self().moved(s.most);
            steps.pop_front();
        } else {
            s.bytes.erase(0, self().moved(s.bytes));
            if (s.bytes.empty()) steps.pop_front();
        }
        return true;
    }

    void wait() noexcept {
        auto& steps = script_->steps_;
        if (steps.empty()) {
            wake = [](script_waiter& w) noexcept { static_cast<script_op&>(w).go_on(); };
            script_->waiter_ = this;
        } else if (steps.front().turns > 0) {
            redirect = [](continuation& c) noexcept -> continuation* {
                return static_cast<script_op&>(c).turned();
            };
            queued_ = true;
            env_->owner->post(*this);
        } else {
            fire = [](timer_node& t) noexcept {
                auto& op = static_cast<script_op&>(t);
                op.script_->steps_.pop_front();
                op.go_on();
            };
            env_->owner->set_timer(*this, clock::now() + steps.front().delay);
        }
    }

    continuation* turned() noexcept {
        queued_ = false;
        if (complete_) return k_;  // was cancelled
        if (--script_->steps_.front().turns == 0) script_->steps_.pop_front();
        complete_ = step_done();
        if (complete_) return k_;
        wait();
        return nullptr;
    }

    void go_on() noexcept {
        complete_ = step_done();
        if (complete_)
            env_->owner->post(*k_);
        else
            wait();
    }

    void cancel() noexcept {
        if (complete_) return;
        complete_ = true;
        self().failed(errc::canceled);
        if (queued_) return;  // completes when its turn comes
        if (set()) env_->owner->cancel_timer(*this);
        script_->waiter_ = nullptr;
        env_->owner->post(*k_);
    }

    script* script_;
    const env* env_ = nullptr;
    continuation* k_ = nullptr;
    bool started_ = false;
    bool complete_ = false;
    bool queued_ = false;
};

class script_stream {
public:
    read_script reads;
    write_script writes;
    std::string written;
    bool shut_down = false;

    class [[nodiscard]] read_op : public script_op<read_op> {
    public:
        read_op(read_script& s, std::span<std::byte> to) noexcept : script_op(s), to_(to) {}
        io_result take() noexcept { return release(), result_; }
        std::error_code error() const noexcept { return result_.ec; }

    private:
        friend script_op<read_op>;
        std::size_t size() const noexcept { return to_.size(); }
        void failed(std::error_code ec) noexcept { result_ = {ec, 0}; }
        std::size_t moved(std::string_view bytes) noexcept {
            result_.n = std::min(bytes.size(), to_.size());
            std::ranges::copy(bytes_of(bytes.substr(0, result_.n)), to_.begin());
            return result_.n;
        }
        void moved(std::size_t) noexcept {}

        std::span<std::byte> to_;
        io_result result_;
    };

    class [[nodiscard]] write_op : public script_op<write_op> {
    public:
        write_op(script_stream& s, std::span<const std::byte> from) noexcept
            : script_op(s.writes), stream_(&s), from_(from) {}
        io_result take() noexcept { return release(), result_; }
        std::error_code error() const noexcept { return result_.ec; }

    private:
        friend script_op<write_op>;
        std::size_t size() const noexcept { return from_.size(); }
        void failed(std::error_code ec) noexcept { result_ = {ec, 0}; }
        void moved(std::size_t most) noexcept {
            if (stream_->shut_down) return failed(errc::closed);
            result_.n = std::min(most, from_.size());
            stream_->written += text_of(from_.first(result_.n));
        }
        static std::size_t moved(std::string_view) noexcept { return 0; }

        script_stream* stream_;
        std::span<const std::byte> from_;
        io_result result_;
    };

    /// Takes a step of `writes`, as a write does.
    class [[nodiscard]] shutdown_op : public script_op<shutdown_op> {
    public:
        explicit shutdown_op(script_stream& s) noexcept : script_op(s.writes), stream_(&s) {}
        result<void> take() noexcept { return release(), result_; }
        std::error_code error() const noexcept {
            return result_ ? std::error_code{} : result_.error();
        }

    private:
        friend script_op<shutdown_op>;
        static std::size_t size() noexcept { return 1; }
        void failed(std::error_code ec) noexcept { result_ = fail(ec); }
        void moved(std::size_t) noexcept { stream_->shut_down = true; }
        static std::size_t moved(std::string_view) noexcept { return 0; }

        script_stream* stream_;
        result<void> result_;
    };

    read_op read_some(std::span<std::byte> to) noexcept { return {reads, to}; }
    write_op write_some(std::span<const std::byte> from) noexcept { return {*this, from}; }
    shutdown_op shutdown_write() noexcept { return shutdown_op{*this}; }
};

static_assert(stream<script_stream>);

}  // namespace copoll_tests
