// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <coroutine>
#include <cstdint>
#include <source_location>

#include <copoll/detail/config.hpp>
#include <copoll/detail/intrusive_list.hpp>
#include <copoll/trace.hpp>

namespace copoll::detail {

#if COPOLL_TASK_TRACE

class task_record;

/// A task, or none.
class task_ref {
public:
    task_ref(task_record* task = nullptr) noexcept : task_(task) {}
    void suspend() const noexcept;
    void resume() const noexcept;
    void hide() const noexcept;
    task_record* get() const noexcept { return task_; }

private:
    task_record* task_;
};

/// The live tasks of a loop, and which of them runs.
class task_registry {
public:
    explicit task_registry(const trace_hook& hook) noexcept : hook_(hook) {}

    void tell(trace_kind kind) noexcept {
        if (hook_.call) [[unlikely]]
            hook_.call(hook_.context, {kind});
    }
    void tell(trace_kind kind, const task_record& task) noexcept;

    /// Null in between, and while the coroutine of another library runs.
    task_ref running() const noexcept { return running_; }
    const intrusive_list<task_record>& roots() const noexcept { return roots_; }

    /// Around what the loop resumes.
    void enter() noexcept { entered_ = {}; }
    void leave() noexcept { running_ = nullptr; }
    /// Where the task stood that ran first since then.
    const std::source_location& entered_at() const noexcept { return entered_; }

private:
    friend class task_record;
    trace_hook hook_;
    intrusive_list<task_record> roots_;
    task_record* running_ = nullptr;
    std::source_location entered_{};
};

/// What a promise knows of its task: where it stands, and what it awaits or has in a scope. The
/// children are in the order in which they came.
class task_record : public list_node {
public:
    enum class state : std::uint8_t { unstarted, running, waiting, done };

    task_record() noexcept = default;
    task_record(const task_record&) = delete;
    task_record& operator=(const task_record&) = delete;
    ~task_record() {
        // A task that is a parameter is destroyed after the promise of the one that awaited it.
        while (task_record* child = children_.pop_front()) child->parent_ = nullptr;
        if (linked()) unlink();
        if (registry_ && registry_->running_ == this) registry_->running_ = nullptr;
    }

    struct first_suspend {
        task_record& task;
        static bool await_ready() noexcept { return false; }
        static void await_suspend(std::coroutine_handle<>) noexcept {}
        void await_resume() const noexcept { task.run(trace_kind::task_begin); }
    };
    first_suspend made_at(const std::source_location& where) noexcept {
        where_ = where;
        return {*this};
    }
    /// Known to its loop from here on.
    void bind_to(task_registry& registry, task_ref parent) noexcept {
        if (linked()) unlink();
        registry_ = &registry;
        parent_ = parent.get();
        (parent_ ? parent_->children_ : registry.roots_).push_back(*this);
    }
    /// For what only stands between the tasks of a user: once it has started its children are shown
    /// in its place.
    void hide() noexcept { hidden_ = true; }

    void await_at(const std::source_location& where) noexcept {
        where_ = where;
        registry_->running_ = this;  // another library may have resumed somebody in between
    }
    void suspend() noexcept {
        state_ = state::waiting;
        registry_->tell(trace_kind::task_suspend, *this);
    }
    /// Nothing if it did not suspend.
    void resume() noexcept {
        if (state_ == state::waiting) run(trace_kind::task_resume);
    }
    void end() noexcept {
        resume();  // `check` ends a task that waits
        state_ = state::done;
        registry_->tell(trace_kind::task_end, *this);
    }

    state now() const noexcept { return state_; }
    bool hidden() const noexcept { return hidden_ && state_ != state::unstarted; }
    const std::source_location& where() const noexcept { return where_; }
    const task_record* parent() const noexcept { return parent_; }
    const intrusive_list<task_record>& children() const noexcept { return children_; }

private:
    void run(trace_kind kind) noexcept {
        state_ = state::running;
        registry_->running_ = this;
        if (registry_->entered_.line() == 0) registry_->entered_ = where_;
        registry_->tell(kind, *this);
    }

    task_registry* registry_ = nullptr;
    task_record* parent_ = nullptr;
    intrusive_list<task_record> children_;
    std::source_location where_{};
    state state_ = state::unstarted;
    bool hidden_ = false;
};

inline void task_ref::suspend() const noexcept { task_->suspend(); }
inline void task_ref::resume() const noexcept { task_->resume(); }
inline void task_ref::hide() const noexcept {
    if (task_) task_->hide();
}

inline void task_registry::tell(trace_kind kind, const task_record& task) noexcept {
    if (hook_.call) [[unlikely]]
        hook_.call(hook_.context, {kind, &task, task.where()});
}

#else

class task_record;
class task_registry;

class task_ref {
public:
    task_ref(task_record* = nullptr) noexcept {}
    static void suspend() noexcept {}
    static void resume() noexcept {}
    static void hide() noexcept {}
};

class task_record {
public:
    using first_suspend = std::suspend_always;
    static first_suspend made_at(const std::source_location&) noexcept { return {}; }
    static void bind_to(task_registry&, task_ref) noexcept {}
    static void hide() noexcept {}
    static void await_at(const std::source_location&) noexcept {}
    static void suspend() noexcept {}
    static void resume() noexcept {}
    static void end() noexcept {}
};

class task_registry {
public:
    explicit task_registry(const trace_hook& hook) noexcept : hook_(hook) {}

    void tell(trace_kind kind) noexcept {
        if (hook_.call) [[unlikely]]
            hook_.call(hook_.context, {kind});
    }
    static task_ref running() noexcept { return {}; }
    static void enter() noexcept {}
    static void leave() noexcept {}
    static std::source_location entered_at() noexcept { return {}; }

private:
    trace_hook hook_;
};

#endif

}  // namespace copoll::detail
