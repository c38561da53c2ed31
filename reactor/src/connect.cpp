// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/connect.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include <copoll/event.hpp>
#include <copoll/scope.hpp>
#include <copoll/time.hpp>

namespace copoll {
namespace {

constexpr clock::duration shortest_delay = std::chrono::milliseconds{10};

/// How far an attempt got that failed so.
int reach(std::error_code ec) noexcept {
    if (ec == errc::canceled) return 0;
    for (const errc unsent : {errc::unreachable, errc::address_not_available, errc::not_supported,
                              errc::invalid_argument, errc::access_denied, errc::too_many_open,
                              errc::out_of_memory})
        if (ec == unsent) return 1;
    return ec == errc::timed_out ? 2 : 3;
}

/// What the attempts of one connect share.
struct race {
    std::optional<tcp_stream> won{};
    std::error_code error = errc::canceled;  ///< of the attempt that got furthest
    std::size_t running = 0;
    event ended{};  ///< an attempt has, since the last one was begun
};

task<void> attempt(race& r, ip::endpoint to) {
    auto stream = co_await tcp_stream::connect(to);
    --r.running;
    if (!stream) {
        if (reach(stream.error()) >= reach(r.error)) r.error = stream.error();
    } else if (!r.won) {
        r.won = *std::move(stream);
    }
    r.ended.set();
}

task<result<void>> run_attempts(scope& attempts, race& r, const std::vector<ip::endpoint>& to,
                                clock::duration delay) {
    for (const ip::endpoint& next : to) {
        ++r.running;
        r.ended.reset();
        attempts.spawn(attempt, std::ref(r), next);
        const auto ended = co_await with_timeout(r.ended.wait(), delay);
        if (r.won) break;
        if (!ended && ended.error() != errc::timed_out) co_return fail(ended.error());
    }
    while (!r.won && r.running > 0) {
        r.ended.reset();
        co_await check(r.ended.wait());
    }
    attempts.request_stop();
    co_return {};
}

task<result<tcp_stream>> first_that_answers(std::vector<ip::endpoint> to, clock::duration delay) {
    race r;
    const clock::duration kept = std::max(delay, shortest_delay);
    const auto ran = co_await with_scope(run_attempts, r, to, kept);
    if (r.won) co_return *std::move(r.won);
    co_return fail(ran ? r.error : ran.error());
}

task<result<tcp_stream>> look_up_and_connect(std::string name, std::uint16_t port,
                                             clock::duration delay) {
    const auto found = co_await check(resolve(name));
    std::vector<ip::endpoint> to;
    for (const ip::address& a : found) to.push_back({a, port});
    co_return co_await first_that_answers(interleave_families(to), delay);
}

}  // namespace

result<host_port> host_port::parse(std::string_view text) {
    if (const auto literal = ip::endpoint::parse(text))
        return host_port{ip::to_string(literal->address), literal->port};
    const std::size_t colon = text.find(':');
    if (colon == text.npos) return fail(errc::parse_error);
    const std::string_view name = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    if (const auto known = detail::resolve_at_once(name); known && !*known)
        return fail(errc::parse_error);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    if (!whole || (digits.size() > 1 && digits.starts_with('0'))) return fail(errc::parse_error);
    return host_port{std::string{name}, port};
}

std::vector<ip::endpoint> interleave_families(const std::vector<ip::endpoint>& endpoints) {
    std::vector<ip::endpoint> six;
    std::vector<ip::endpoint> four;
    for (const ip::endpoint& e : endpoints) (e.address.is_v6() ? six : four).push_back(e);
    std::vector<ip::endpoint> order;
    order.reserve(endpoints.size());
    for (std::size_t i = 0; i < std::max(six.size(), four.size()); ++i) {
        if (i < six.size()) order.push_back(six[i]);
        if (i < four.size()) order.push_back(four[i]);
    }
    return order;
}

inline namespace COPOLL_ABI_NAMESPACE {

task<result<tcp_stream>> connect(std::string name, std::uint16_t port, connect_options options) {
    if (port == 0) co_return fail(errc::invalid_argument);
    co_return co_await with_timeout(
        look_up_and_connect(std::move(name), port, options.attempt_delay), options.timeout);
}

task<result<tcp_stream>> connect(std::vector<ip::endpoint> endpoints, connect_options options) {
    if (endpoints.empty()) co_return fail(errc::invalid_argument);
    co_return co_await with_timeout(
        first_that_answers(std::move(endpoints), options.attempt_delay), options.timeout);
}

}  // namespace COPOLL_ABI_NAMESPACE
}  // namespace copoll
