// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/error.hpp>

#include <catch2/catch_test_macros.hpp>

#include <set>
#include <string>

using namespace copoll::p2p;

TEST_CASE("p2p errc: every error has a message of its own") {
    std::set<std::string> messages;
    const int last = static_cast<int>(errc::stream_reset);
    for (int value = 1; value <= last; ++value)
        messages.insert(make_error_code(static_cast<errc>(value)).message());
    CHECK(messages.size() == static_cast<std::size_t>(last));
    CHECK_FALSE(messages.contains(std::error_code{99, category()}.message()));
}
