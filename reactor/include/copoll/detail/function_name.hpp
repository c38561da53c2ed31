// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <string_view>

namespace copoll::detail {

/// What follows the last slash.
std::string_view base_name(std::string_view path) noexcept;

/// The name of a function without result, parameters and unnamed namespaces, made of what a
/// compiler says in `std::source_location`; cut when it is long.
///
///     clang: task<int> (anonymous namespace)::f(int)                    f
///     GCC:   void {anonymous}::f(f(int)::_Z1fi.Frame*)                  f
///     clang: auto main()::(anonymous class)::operator()(int) const      main()::lambda
class function_name {
public:
    explicit function_name(std::string_view pretty) noexcept;
    const char* text() const noexcept { return text_.data(); }

private:
    std::array<char, 80> text_{};
};

}  // namespace copoll::detail
