// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <optional>

#include <copoll/semaphore.hpp>

namespace copoll {

/// Mutual exclusion across `co_await`. Fair: the lock passes to the longest waiter. Not recursive.
/// Between two awaits nothing else runs, so state that no await separates needs no mutex.
class mutex {
public:
    /// Holds the lock; unlocks when destroyed.
    using guard = semaphore::permit;

    /// Waits for the lock; gives `result<guard>`. *Cancellation:* `canceled`, not locked.
    [[nodiscard]] auto lock() noexcept { return one_.acquire(); }
    [[nodiscard]] std::optional<guard> try_lock() noexcept { return one_.try_acquire(); }
    bool is_locked() const noexcept { return one_.available() == 0; }

private:
    semaphore one_{1};
};

}  // namespace copoll
