// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <copoll/clock.hpp>
#include <copoll/dns.hpp>
#include <copoll/ip.hpp>
#include <copoll/task.hpp>
#include <copoll/tcp.hpp>

/// From a name, or several addresses, to one connection: Happy Eyeballs (RFC 8305).

namespace copoll {

struct connect_options {
    /// For all of it, the lookup included; then it fails with `timed_out`.
    clock::duration timeout = std::chrono::seconds{30};
    /// How long an attempt has before the next one starts beside it (RFC 8305 section 5); at least
    /// 10 ms.
    clock::duration attempt_delay = std::chrono::milliseconds{250};
};

/// A host, by name or address, and a port.
struct host_port {
    std::string host{};
    std::uint16_t port = 0;

    /// `example.com:80`, `1.2.3.4:80` or `[::1]:80`. *Errors:* `parse_error`.
    static result<host_port> parse(std::string_view text);

    friend bool operator==(const host_port&, const host_port&) = default;
};

/// The two families in turn, IPv6 first, each in the order that it has (RFC 8305 section 4).
std::vector<ip::endpoint> interleave_families(const std::vector<ip::endpoint>& endpoints);

inline namespace COPOLL_ABI_NAMESPACE {

/// Looks `name` up, as `resolve` does, and connects to the first of its addresses that answers;
/// gives `result<tcp_stream>`. Addresses are tried in the order of `interleave_families`: the next
/// one `attempt_delay` after the last, or at once when an attempt fails. The attempts that lost are
/// closed before this completes.
///
/// *Errors:* those of `resolve`; `timed_out`; `invalid_argument` for port 0; when all attempts
/// fail, that of the one that got furthest: refused by a peer rather than not answered, not
/// answered rather than not sent; the last one of equals.
/// *Cancellation:* gives all attempts up; no connection comes out of it.
task<result<tcp_stream>> connect(std::string name, std::uint16_t port,
                                 connect_options options = {});

/// The same for endpoints that are known, in the order given. *Errors:* `invalid_argument` for
/// none.
task<result<tcp_stream>> connect(std::vector<ip::endpoint> endpoints, connect_options options = {});

}  // namespace COPOLL_ABI_NAMESPACE
}  // namespace copoll
