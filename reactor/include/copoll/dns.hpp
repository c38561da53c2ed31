// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <copoll/backend/dns.hpp>
#include <copoll/check.hpp>
#include <copoll/detail/io_op.hpp>
#include <copoll/ip.hpp>

/// Host names. The lookup is the host's, with its own order, caches and files; it runs beside the
/// loop. connect.hpp goes from a name to a connection.

namespace copoll {

namespace detail {

/// What there is to say about a name without asking anybody: the address that it spells out, or
/// that it can't be a name.
std::optional<result<std::vector<ip::address>>> resolve_at_once(std::string_view name);

class lookup_op : public backend::resolve_op {
public:
    using resolve_op::resolve_op;
    bool start(backend::context& io) noexcept {
        auto known = resolve_at_once(name());
        if (!known) return resolve_op::start(io);
        result = *std::move(known);
        return true;
    }
};

}  // namespace detail

/// Looks up the addresses of `name`, which is copied; gives `result<std::vector<ip::address>>`:
/// all of them, IPv4 and IPv6, in the host's order, none twice, at least one. The text of an
/// address (`127.0.0.1`, `::1`, without brackets) is that address, without asking the host.
///
/// A name is what RFC 1123 section 2.1 takes, with underscores and perhaps a dot at the end: at
/// most 253 characters, labels of 1 to 63 letters, digits, `-` and `_`. International names come in
/// their ASCII form (`xn--`). A last label that is a number (`127.1`, `010.0.0.1`) makes no name:
/// resolvers take those for addresses, and not all for the same one.
///
/// *Errors:* `name_unresolvable` when there is no such name or it has no address (also what
/// Wasmtime reports of any failure); `resolver_failure`, where another try may succeed;
/// `lookup_denied` when the host does not grant lookups (Wasmtime: `-S allow-ip-name-lookup`) or
/// its resolver refuses for good; `invalid_argument` for what is no name.
/// *Cancellation:* completes at once; the host may go on with the lookup, for nobody. A resolver
/// can take its time: `co_await with_timeout(resolve(name), 5s)`.
[[nodiscard]] inline auto resolve(std::string_view name) {
    return detail::io_op<detail::lookup_op>{std::in_place, std::string{name}};
}

}  // namespace copoll
