// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/detail/function_name.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace copoll::detail {
namespace {

using namespace std::string_view_literals;

/// Where what closes at the end of `s` was opened.
std::size_t opening(std::string_view s) noexcept {
    int depth = 0;
    for (std::size_t i = s.size(); i-- > 0;) {
        if (s[i] == ')') ++depth;
        if (s[i] == '(' && --depth == 0) return i;
    }
    return s.size();
}

std::string_view without_parameters(std::string_view s) noexcept {
    s = s.substr(0, s.find(" ["));  // template arguments
    const std::size_t end = s.rfind(')');
    if (end == s.npos || s.find('>', end) != s.npos) return s;  // <lambda()>
    return s.substr(0, opening(s.substr(0, end + 1)));
}

std::string_view without_result(std::string_view s) noexcept {
    int depth = 0;
    for (std::size_t i = s.size(); i-- > 0;) {
        if (")>}"sv.contains(s[i])) ++depth;
        if ("(<{"sv.contains(s[i])) --depth;
        if (s[i] == ' ' && depth == 0) return s.substr(i + 1);
    }
    return s;
}

/// Leaves out what stands in parentheses: parameters of functions around a lambda.
class writer {
public:
    explicit writer(std::span<char> to) noexcept : to_(to) {}

    void operator()(std::string_view s) noexcept {
        for (const char c : s) {
            if (c == ')') --depth_;
            if (depth_ == 0 && to_.size() > 1) {
                to_.front() = c;
                to_ = to_.subspan(1);
            }
            if (c == '(') ++depth_;
        }
    }

private:
    std::span<char> to_;  // keeps one for the end
    int depth_ = 0;
};

}  // namespace

std::string_view base_name(std::string_view path) noexcept {
    return path.substr(path.find_last_of("/\\") + 1);
}

function_name::function_name(std::string_view pretty) noexcept {
    std::string_view s = without_result(without_parameters(pretty));
    const std::size_t lambda = std::min(s.find("(anonymous class)"), s.find("<lambda("));
    const bool is_lambda = lambda != s.npos;
    s = s.substr(0, lambda);

    writer write{text_};
    for (const auto unnamed : {"(anonymous namespace)::"sv, "{anonymous}::"sv}) {
        for (std::size_t at; (at = s.find(unnamed)) != s.npos;) {
            write(s.substr(0, at));
            s.remove_prefix(at + unnamed.size());
        }
    }
    write(s);
    if (is_lambda) write("lambda");
}

}  // namespace copoll::detail
