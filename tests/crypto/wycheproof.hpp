// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include "bytes.hpp"

/// Project Wycheproof's vectors: inputs that implementations of cryptography got wrong.
namespace wycheproof {

/// A file of vectors as wycheproof.py has written it.
struct file {
    const char* name;
    const char* text;
};
extern const file files[];  ///< The last has no name.

enum class verdict { valid, invalid, acceptable };

class test_vector {
public:
    test_vector(std::string_view group, std::string_view line);

    int id() const { return id_; }
    verdict expected() const { return expected_; }
    std::string_view flags() const { return flags_; }
    bool has(std::string_view flag) const;

    bool has_comment(std::string_view part) const {
        return text("comment").find(part) != std::string_view::npos;
    }

    /// A field of the vector or of its group; empty if neither has it.
    std::string_view text(std::string_view name) const;
    bytes hex(std::string_view name) const { return from_hex(text(name)); }
    std::size_t number(std::string_view name) const;

private:
    std::string_view group_;
    std::string_view line_;
    std::string_view flags_;
    int id_;
    verdict expected_;
};

/// The vectors of a file, of which there is at least one.
std::vector<test_vector> load(std::string_view name);

/// What a library does with a vector, where that differs from the verdict or the verdict leaves it
/// open; nothing for all other vectors.
using exception = std::optional<bool> (*)(const test_vector&);

inline std::optional<bool> no_exception(const test_vector&) { return {}; }

/// Checks for each vector of a file that `accepts` it if it is valid and only then. Those that are
/// "acceptable", which means that implementations differ, are to be accepted, unless `except` says
/// otherwise.
template <class Accepts>
void judge(const std::string& name, Accepts accepts, exception except = no_exception) {
    for (const test_vector& v : load(name)) {
        INFO(name << " " << v.id() << " " << v.flags() << " " << v.text("comment"));
        CHECK(accepts(v) == except(v).value_or(v.expected() != verdict::invalid));
    }
}

}  // namespace wycheproof
