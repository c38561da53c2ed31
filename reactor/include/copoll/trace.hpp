// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <source_location>
#include <string>

#include <copoll/detail/config.hpp>

/// To see what a program does: who waits where, and when who runs.
///
/// Tasks keep a record of that where COPOLL_TASK_TRACE is on: by default in debug builds, as it
/// costs a few words in each frame and a few nanoseconds in each await.

namespace copoll {

class loop;

enum class trace_kind : std::uint8_t {
    turn_begin,  ///< the loop runs what is ready
    turn_end,
    wait_begin,  ///< the loop asks the backend what happened, and may block
    wait_end,
    // With COPOLL_TASK_TRACE. At most one task runs at a time.
    task_begin,
    task_suspend,
    task_resume,
    task_end,
};

struct trace_event {
    trace_kind kind;
    /// Which task; another one may have it when this one has ended. Null if it is about the loop.
    const void* task = nullptr;
    /// The `co_await` at which the task stands, or its function before the first one.
    std::source_location where{};
};

/// Called at each event. Must not await and not resume anything. *Lifetime:* what `context` points
/// to, as long as the loop.
struct trace_hook {
    void (*call)(void* context, const trace_event& event) noexcept = nullptr;
    void* context = nullptr;
};

/// The live tasks of a loop as a tree, a line each: its function, and the `co_await` where it
/// waits. Below a task stands what it awaits: the task, or those of a group or a scope.
///
///     async_main  server.cpp:31
///       async_main()::lambda  server.cpp:32
///       session  server.cpp:19  (998 tasks)
///       session  server.cpp:22
///         write_all  stream.hpp:88
///
/// Tasks in a row that stand at the same place share a line; what is more than 100 lines is
/// counted. A task that is ready to go on stands where it waited. Says so if tasks are not traced.
std::string dump_tasks(const loop& l);
/// The same, without allocating.
void dump_tasks(const loop& l, std::FILE* to) noexcept;

}  // namespace copoll
