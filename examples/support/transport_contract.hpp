// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/p2p/host.hpp>
#include <copoll/p2p/ping.hpp>
#include <copoll/time.hpp>

#include "redis.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

/// The transport test app of libp2p's unified-testing: it is told what to do by environment
/// variables, finds the other side by a Redis server, and prints how long things took.

namespace examples {

/// What the variables say.
struct contract {
    bool dials = false;
    host_port redis{};
    std::string key{};          ///< of the listener's address in Redis
    std::string listener_ip{};
    clock::duration patience{};

    static std::string variable(const char* name, const char* otherwise) {
        const char* set = std::getenv(name);
        return set && *set ? set : otherwise;
    }

    /// *Errors:* `usage`, and says which variable is to blame.
    static result<contract> read() {
        const auto expect = [](const char* name, const char* only) {
            if (variable(name, only) == only) return true;
            std::fprintf(stderr, "p2p_node: %s=%s, but this node speaks %s only\n", name,
                         std::getenv(name), only);
            return false;
        };
        if (!expect("TRANSPORT", "tcp") || !expect("SECURE_CHANNEL", "noise") ||
            !expect("MUXER", "yamux"))
            return fail(errc::usage);
        const std::string address = variable("REDIS_ADDR", "redis:6379");
        auto where = host_port::parse(address);
        const int seconds = std::atoi(variable("TEST_TIMEOUT_SECS", "180").c_str());
        if (!where || seconds <= 0) {
            std::fputs("p2p_node: REDIS_ADDR or TEST_TIMEOUT_SECS is wrong\n", stderr);
            return fail(errc::usage);
        }
        contract c;
        c.dials = variable("IS_DIALER", "false") == "true";
        c.redis = *std::move(where);
        c.key = variable("TEST_KEY", "") + "_listener_multiaddr";
        c.listener_ip = variable("LISTENER_IP", "0.0.0.0");
        c.patience = std::chrono::seconds{seconds};
        return c;
    }
};

inline std::error_code refused_by_redis(const redis::reply& answer) {
    std::fprintf(stderr, "p2p_node: redis: %s\n", answer.error.c_str());
    return errc::invalid_state;
}

/// Waits for the listener to say where it is: in a list, as implementations do, or in a text, as
/// the specification has it.
inline task<result<std::string>> await_listener(redis& known, const contract& c) {
    for (;;) {
        // for a second, since a text does not wake those who wait for a list
        std::vector<std::string> pop{"BLPOP", c.key, "1"};
        auto answer = co_await check(known.call(std::move(pop)));
        if (answer.error.starts_with("WRONGTYPE")) {
            std::vector<std::string> get{"GET", c.key};
            answer = co_await check(known.call(std::move(get)));
        }
        if (!answer.error.empty()) co_return fail(refused_by_redis(answer));
        if (!answer.texts.empty()) co_return std::move(answer.texts.back());
    }
}

inline task<result<void>> dial_listener(p2p::host& node, const contract& c, redis& known) {
    const std::string text = co_await check(await_listener(known, c));
    const auto to = co_await check(p2p::multiaddr::parse(text));
    const auto milliseconds = [](clock::duration d) {
        return std::chrono::duration<double, std::milli>(d).count();
    };
    const auto begun = clock::now();
    p2p::pinger pinger{co_await check(node.open(to, p2p::ping_protocol))};
    co_await check(pinger.ping());
    const auto connected = clock::now() - begun;
    const auto ping = co_await check(pinger.ping());
    std::printf("latency:\n  handshake_plus_one_rtt: %.3f\n  ping_rtt: %.3f\n  unit: ms\n",
                milliseconds(connected), milliseconds(ping));
    co_return {};
}

/// Where others find a listener on all addresses: where Redis finds it.
inline result<std::string> published_address(p2p::host& node, redis& known) {
    const auto listening = node.addresses().front();
    auto at = listening.tcp_endpoint();
    if (!at) return fail(errc::invalid_state);
    if (at->address.is_unspecified()) {
        const auto here = known.local_endpoint();
        if (!here) return fail(here.error());
        if (here->address.is_v4() != at->address.is_v4()) {
            std::fputs("p2p_node: LISTENER_IP is of another IP version than Redis\n", stderr);
            return fail(errc::not_supported);
        }
        at->address = here->address;
    }
    const auto full = p2p::multiaddr::tcp(*at).encapsulate(p2p::multiaddr::p2p(node.id()));
    return full.to_string();
}

inline task<result<void>> await_dialer(p2p::host& node, const contract& c, redis& known) {
    const std::string at = co_await check(published_address(node, known));
    std::fprintf(stderr, "p2p_node: listening on %s\n", at.c_str());
    std::vector<std::string> push{"RPUSH", c.key, at};
    const auto pushed = co_await check(known.call(std::move(push)));
    if (!pushed.error.empty()) co_return fail(refused_by_redis(pushed));
    co_return co_await sleep_for(c.patience);  // it is stopped when the dialer has done
}

inline task<result<void>> run_transport_contract() {
    const contract c = co_await check(contract::read());
    p2p::host_options options;
    if (!c.dials) {
        const char* family = c.listener_ip.find(':') == c.listener_ip.npos ? "/ip4/" : "/ip6/";
        options.listen.push_back(family + c.listener_ip + "/tcp/0");
    }
    p2p::host node{std::move(options)};
    auto known = co_await check(with_timeout(redis::connect(c.redis), c.patience));
    co_return co_await p2p::with_host(
        node,
        [](p2p::host& n, const contract& told, redis& where) -> task<result<void>> {
            if (told.dials)
                co_return co_await with_timeout(dial_listener(n, told, where), told.patience);
            co_return co_await await_dialer(n, told, where);
        },
        c, known);
}

}  // namespace examples
