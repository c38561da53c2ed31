// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace copoll_tests {

/// Appends its text to a trace when it is destroyed. Moved from it says nothing.
class epitaph {
public:
    epitaph(std::string& trace, std::string_view text) noexcept : trace_(&trace), text_(text) {}
    epitaph(epitaph&& other) noexcept
        : trace_(std::exchange(other.trace_, nullptr)), text_(other.text_) {}
    epitaph& operator=(epitaph&&) = delete;
    ~epitaph() {
        if (trace_) *trace_ += text_;
    }

private:
    std::string* trace_;
    std::string_view text_;
};

}  // namespace copoll_tests
