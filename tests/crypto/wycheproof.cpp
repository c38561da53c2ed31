// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wycheproof.hpp"

#include <charconv>
#include <utility>

namespace wycheproof {
namespace {

/// Takes what comes before `end` off the front of `text`.
std::string_view take(std::string_view& text, char end) {
    const std::string_view taken = text.substr(0, text.find(end));
    text.remove_prefix(std::min(text.size(), taken.size() + 1));
    return taken;
}

std::size_t to_number(std::string_view text) {
    std::size_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    CHECK(error == std::errc{});
    CHECK(rest == text.data() + text.size());
    return value;
}

std::pair<bool, std::string_view> find(std::string_view line, std::string_view name) {
    while (!line.empty()) {
        std::string_view field = take(line, ' ');
        if (take(field, '=') == name) return {true, field};
    }
    return {};
}

}  // namespace

test_vector::test_vector(std::string_view group, std::string_view line) : group_(group) {
    id_ = static_cast<int>(to_number(take(line, ' ')));
    const std::string_view result = take(line, ' ');
    expected_ = result == "valid"     ? verdict::valid
                : result == "invalid" ? verdict::invalid
                                      : verdict::acceptable;
    CHECK((expected_ != verdict::acceptable || result == "acceptable"));
    flags_ = take(line, ' ');
    line_ = line;
}

bool test_vector::has(std::string_view flag) const {
    for (std::string_view left = flags_; !left.empty();) {
        if (take(left, ',') == flag) return true;
    }
    return false;
}

std::string_view test_vector::text(std::string_view name) const {
    const auto [found, value] = find(line_, name);
    return found ? value : find(group_, name).second;
}

std::size_t test_vector::number(std::string_view name) const { return to_number(text(name)); }

std::vector<test_vector> load(std::string_view name) {
    std::vector<test_vector> made;
    for (const file* f = files; f->name; ++f) {
        if (f->name != name) continue;
        std::string_view group;
        for (std::string_view left = f->text; !left.empty();) {
            std::string_view line = take(left, '\n');
            if (line.starts_with("group")) {
                group = line;
            } else {
                made.emplace_back(group, line);
            }
        }
    }
    INFO(name);
    CHECK(!made.empty());
    return made;
}

}  // namespace wycheproof
