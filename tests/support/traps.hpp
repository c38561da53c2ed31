// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#if !defined(__wasm__)
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <string>
#endif

/// Broken preconditions, where a process can be forked to die of them.

namespace copoll_tests {

#if !defined(__wasm__)
#define COPOLL_TESTS_CAN_TRAP 1

/// What `f` wrote to stderr before it aborted; empty if it did not abort.
template <class F>
std::string last_words(F f) {
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
    std::string words;
    std::array<char, 256> buffer{};
    for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
        words.append(buffer.data(), static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? words : std::string{};
}
#endif

}  // namespace copoll_tests
