// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <copoll/check.hpp>
#include <copoll/loop_options.hpp>
#include <copoll/task.hpp>

/// How a program starts. Link `copoll::main` and define `async_main`, or call `run` from a main of
/// your own.

namespace copoll {

/// The command line. The texts live as long as the program.
class args {
public:
    args() noexcept = default;
    args(int count, char** values) noexcept
        : values_(values, static_cast<std::size_t>(count < 0 ? 0 : count)) {}

    /// Without the program's name.
    std::size_t size() const noexcept { return values_.empty() ? 0 : values_.size() - 1; }
    bool empty() const noexcept { return size() == 0; }
    /// Precondition: `i < size()`.
    std::string_view operator[](std::size_t i) const noexcept { return values_[i + 1]; }

    /// What follows the last slash of the program's name, without `.wasm`.
    std::string_view program() const noexcept;

    // As `main` got them, for getopt_long and the like.
    int argc() const noexcept { return static_cast<int>(values_.size()); }
    char** argv() const noexcept { return values_.data(); }

private:
    std::span<char*> values_;
};

inline namespace COPOLL_ABI_NAMESPACE {

/// Runs `root` and everything it spawns on a loop of its own, to the end; gives root's result.
/// Blocks the thread. *Errors:* root's own; `deadlock` when nothing that is waited for can happen
/// any more: that is reported on stderr, and everything is asked to stop.
result<void> run(task<result<void>> root, const loop_options& options = {});

/// `run`, and the exit status for it: 0, 2 for `errc::usage`, else 1 with one line on stderr.
/// WASI 0.2 carries success and failure only: a host reports a component's 2 as 1.
int run_main(args a, task<result<void>> root, const loop_options& options = {});

}  // namespace COPOLL_ABI_NAMESPACE
}  // namespace copoll

/// What a program that links `copoll::main` defines.
copoll::task<copoll::result<void>> async_main(copoll::args);
