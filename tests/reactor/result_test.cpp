// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/result.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

using namespace copoll;

namespace {

constexpr int first_value = static_cast<int>(errc::eof);
constexpr int last_value = static_cast<int>(errc::usage);

result<void> refuse(errc e) { return fail(e); }

}  // namespace

TEST_CASE("errc: every error has a message of its own") {
    std::set<std::string> messages;
    for (int value = first_value; value <= last_value; ++value)
        messages.insert(make_error_code(static_cast<errc>(value)).message());

    CHECK(messages.size() == last_value - first_value + 1);
    CHECK_FALSE(messages.contains(""));
    CHECK_FALSE(messages.contains("unknown error"));
}

TEST_CASE("errc: a value that is none still has a message") {
    CHECK(category().message(last_value + 1) == "unknown error");
    CHECK(category().message(-1) == "unknown error");
}

TEST_CASE("errc: converts to an error code of the library's category") {
    const std::error_code ec = errc::eof;
    CHECK(ec);
    CHECK(ec.category() == category());
    CHECK(ec == errc::eof);
    CHECK(ec != errc::closed);
    CHECK(ec != std::error_code{});
    CHECK(std::string{category().name()} == "copoll");
}

TEST_CASE("errc: an error with a POSIX meaning equals that condition") {
    struct meaning {
        errc ours;
        std::errc posix;
    };
    const meaning meanings[]{
        {errc::canceled, std::errc::operation_canceled},
        {errc::timed_out, std::errc::timed_out},
        {errc::access_denied, std::errc::permission_denied},
        {errc::not_supported, std::errc::operation_not_supported},
        {errc::invalid_argument, std::errc::invalid_argument},
        {errc::out_of_memory, std::errc::not_enough_memory},
        {errc::too_many_open, std::errc::too_many_files_open},
        {errc::address_in_use, std::errc::address_in_use},
        {errc::address_not_available, std::errc::address_not_available},
        {errc::unreachable, std::errc::network_unreachable},
        {errc::connection_refused, std::errc::connection_refused},
        {errc::connection_reset, std::errc::connection_reset},
        {errc::connection_aborted, std::errc::connection_aborted},
        {errc::message_too_large, std::errc::message_size},
        {errc::io, std::errc::io_error},
        {errc::lookup_denied, std::errc::permission_denied},
        {errc::deadlock, std::errc::resource_deadlock_would_occur},
    };
    for (const meaning& m : meanings) {
        INFO(make_error_code(m.ours).message());
        CHECK(make_error_code(m.ours) == m.posix);
    }
}

TEST_CASE("errc: an error without a POSIX meaning equals no condition but its own") {
    for (errc e : {errc::eof, errc::closed, errc::invalid_state, errc::parse_error,
                   errc::name_unresolvable, errc::resolver_failure, errc::usage}) {
        const std::error_code ec = e;
        INFO(ec.message());
        CHECK(ec.default_error_condition().category() == category());
        CHECK(ec.default_error_condition().value() == ec.value());
    }
}

TEST_CASE("errc: numbers are not mistaken for those of another category") {
    const std::error_code ours = errc::eof;
    CHECK(ours != std::error_code{ours.value(), std::generic_category()});
    CHECK(ours != std::error_code{ours.value(), std::system_category()});
}

TEST_CASE("fail: makes a failed result of an error of ours or of anybody") {
    const result<int> ours = fail(errc::closed);
    const result<int> system = fail(std::make_error_code(std::errc::broken_pipe));

    CHECK_FALSE(ours.has_value());
    CHECK(ours.error() == errc::closed);
    CHECK_FALSE(system.has_value());
    CHECK(system.error() == std::errc::broken_pipe);
    CHECK(refuse(errc::usage).error() == errc::usage);
}

TEST_CASE("io_result: is true without an error, whatever the count") {
    CHECK(static_cast<bool>(io_result{{}, 0}));
    CHECK(static_cast<bool>(io_result{{}, 7}));
    CHECK_FALSE(static_cast<bool>(io_result{errc::eof, 0}));
    CHECK_FALSE(static_cast<bool>(io_result{errc::eof, 7}));
}

TEST_CASE("io_result: opens into the error and the count") {
    const auto [ec, n] = io_result{errc::connection_reset, 12};
    CHECK(ec == errc::connection_reset);
    CHECK(n == 12);
}

TEST_CASE("io_result: its status is the error alone") {
    CHECK(io_result{{}, 5}.status().has_value());
    const result<void> failed = io_result{errc::eof, 5}.status();
    CHECK_FALSE(failed.has_value());
    CHECK(failed.error() == errc::eof);
}

TEST_CASE("copy_result: counts beyond 4 GiB where pointers have 32 bits") {
    const copy_result r{{}, std::uint64_t{1} << 40};
    CHECK(r.n == 1'099'511'627'776);
    STATIC_REQUIRE(std::is_same_v<decltype(copy_result::n), std::uint64_t>);
}

TEST_CASE("result: holds what can only be moved") {
    result<std::unique_ptr<int>> r = std::make_unique<int>(7);
    const std::unique_ptr<int> p = *std::move(r);
    CHECK(*p == 7);
}

TEST_CASE("result: byte transfers and results are fallible, other types are not") {
    STATIC_REQUIRE(detail::fallible<result<void>>);
    STATIC_REQUIRE(detail::fallible<result<int>>);
    STATIC_REQUIRE(detail::fallible<io_result>);
    STATIC_REQUIRE(detail::fallible<copy_result>);
    STATIC_REQUIRE_FALSE(detail::fallible<int>);
    STATIC_REQUIRE_FALSE(detail::fallible<std::expected<int, int>>);
}
