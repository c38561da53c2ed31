// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <copoll/backend/sim_op.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace sim {

class lookup;

/// Asks the table in the world's options.
class resolve_op : public sim_op<resolve_op, copoll::result<std::vector<ip::address>>> {
public:
    explicit resolve_op(std::string name) noexcept : name_(std::move(name)) {}
    const std::string& name() const noexcept { return name_; }

    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    std::string name_;
    std::shared_ptr<lookup> lookup_;
};

}  // namespace sim
}  // namespace copoll::backend
