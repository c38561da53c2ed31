// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/event.hpp>

namespace copoll::detail {

/// Sets a flag while it lives, and an event afterwards: one task does something, others wait.
class under_way {
public:
    under_way(bool& flag, event& ended) noexcept : flag_(flag), ended_(ended) { flag_ = true; }
    under_way(const under_way&) = delete;
    under_way& operator=(const under_way&) = delete;
    ~under_way() {
        flag_ = false;
        ended_.set();
    }

private:
    bool& flag_;
    event& ended_;
};

}  // namespace copoll::detail
