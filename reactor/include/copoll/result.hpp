// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace copoll {

/// Every error the library itself reports; the same on all backends. Compare with
/// `ec == errc::eof`. Codes with a POSIX meaning also compare equal to the `std::errc` condition.
enum class errc {
    eof = 1,               ///< The peer ended the stream in order. No bytes came with it.
    canceled,              ///< Stop was requested before anything happened.
    timed_out,             ///< A deadline passed before anything happened.
    closed,                ///< This end was closed or shut down; a channel has no sender any more.
    access_denied,         ///< The host does not grant this (see the host's network flags).
    not_supported,         ///< The host or backend cannot do this.
    invalid_argument,      ///< An argument outside its documented range.
    invalid_state,         ///< The operation does not fit what the object is doing.
    parse_error,           ///< A text is not of the documented form.
    out_of_memory,         ///< The host has no memory for it.
    too_many_open,         ///< No descriptor or socket left.
    address_in_use,        ///< Another socket has the address.
    address_not_available, ///< The address is not one of this machine.
    unreachable,           ///< No route to the peer.
    connection_refused,    ///< Nobody listens there.
    connection_reset,      ///< The peer aborted the connection, or the transport lost it.
    connection_aborted,    ///< The connection ended before it was accepted.
    message_too_large,     ///< Larger than the limit given or than the protocol carries.
    name_unresolvable,     ///< No such host name.
    resolver_failure,      ///< The resolver failed; another try may succeed.
    lookup_denied,         ///< The host grants no name lookup, or its resolver refuses for good.
    io,                    ///< The host reported an error without a code.
    deadlock,              ///< Nothing is ready, and nothing that is waited for can happen.
    usage,                 ///< Wrong command line; ends a program with status 2.
};

const std::error_category& category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), category()};
}

}  // namespace copoll

template <>
struct std::is_error_code_enum<copoll::errc> : std::true_type {};

namespace copoll {

/// What everything but a byte transfer returns: a value or an error.
template <class T>
using result = std::expected<T, std::error_code>;

/// `co_return fail(errc::closed);`, `return fail(ec);`
[[nodiscard]] inline std::unexpected<std::error_code> fail(std::error_code ec) noexcept {
    return std::unexpected(ec);
}
[[nodiscard]] inline std::unexpected<std::error_code> fail(errc e) noexcept {
    return std::unexpected(make_error_code(e));
}

/// What a byte transfer returns. Both members have a meaning: `n` bytes were moved, then `ec`
/// happened. A read or write of some bytes reports either an error or n >= 1; the composed ones
/// (`read_exactly`, `write_all`, `copy`) may report both.
template <class Count>
struct [[nodiscard]] basic_io_result {
    std::error_code ec{};
    Count n = 0;

    explicit operator bool() const noexcept { return !ec; }

    /// The error alone, for a function that returns `result<void>`.
    result<void> status() const noexcept {
        if (ec) return fail(ec);
        return {};
    }
};

using io_result = basic_io_result<std::size_t>;
using copy_result = basic_io_result<std::uint64_t>;  ///< more than 4 GiB, on 32 bits too

namespace detail {

/// How a type of result says that it failed, and how it is made from an error.
/// Defined for `result<T>` and `basic_io_result`.
template <class R>
struct result_traits {
    static constexpr bool fallible = false;
};

template <class T>
struct result_traits<std::expected<T, std::error_code>> {
    static constexpr bool fallible = true;
    using success_type = T;
    static std::error_code error(const result<T>& r) noexcept {
        return r ? std::error_code{} : r.error();
    }
    static T success(result<T>&& r) {
        if constexpr (!std::is_void_v<T>) return *std::move(r);
    }
    static result<T> failure(std::error_code ec) noexcept { return fail(ec); }
};

template <class Count>
struct result_traits<basic_io_result<Count>> {
    static constexpr bool fallible = true;
    using success_type = Count;
    static std::error_code error(const basic_io_result<Count>& r) noexcept { return r.ec; }
    static Count success(basic_io_result<Count>&& r) noexcept { return r.n; }
    static basic_io_result<Count> failure(std::error_code ec) noexcept { return {ec, 0}; }
};

template <class R>
concept fallible = result_traits<R>::fallible;

}  // namespace detail
}  // namespace copoll
