// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "client.hpp"
#include "options.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace load {

// What came of a run, besides what its clients have counted together.
struct summary {
    double seconds = 0;  // that were counted
    double finish_seconds = 0;
    std::uint64_t messages_min = 0;  // per active connection
    std::uint64_t messages_max = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::size_t errors = 0;
    std::string first_failure;
};

// On standard output.
void print_json(const options& opt, const run_state& state, const summary& sum);
void print_text(const options& opt, const run_state& state, const summary& sum);

}  // namespace load
