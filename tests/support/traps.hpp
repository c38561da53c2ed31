// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#if !defined(__wasm__)
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <string>
#include <utility>
#endif

/// Broken preconditions, where a process can be forked to die of them.

namespace copoll_tests {

#if !defined(__wasm__)
#define COPOLL_TESTS_CAN_TRAP 1

/// What became of a process that did something.
struct outcome {
    bool aborted = false;
    std::string words{};  ///< on stderr
};

/// Does `f` in a process of its own.
template <class F>
outcome outcome_of(F f) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return {};
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        ::dup2(ends[1], STDERR_FILENO);
        f();
        ::_exit(0);
    }
    ::close(ends[1]);
    outcome o;
    std::array<char, 256> buffer{};
    for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
        o.words.append(buffer.data(), static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    o.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    return o;
}

/// What `f` wrote to stderr before it aborted; empty if it did not abort.
template <class F>
std::string last_words(F f) {
    const outcome o = outcome_of(std::move(f));
    return o.aborted ? o.words : std::string{};
}
#endif

}  // namespace copoll_tests
