// SPDX-License-Identifier: MIT OR Apache-2.0
#include "listener.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

struct address {
    bool is_ipv6 = false;
    std::array<std::uint8_t, 16> bytes{};  // the first four for IPv4
    std::uint16_t port = 0;

    [[nodiscard]] std::int32_t group(std::size_t i) const {
        return bytes[2 * i] << 8 | bytes[2 * i + 1];
    }
};

const char* program_name = "";

[[noreturn]] void wrong_usage() {
    std::fprintf(stderr,
                 "usage: %s --listen ADDR:PORT\n"
                 "ADDR is an IPv4 address or an [IPv6] one; port 0 picks a free port.\n",
                 program_name);
    std::exit(2);
}

[[noreturn]] void fail(const char* what, unsigned code) {
    std::fprintf(stderr, "%s: %s: wasi:sockets error-code %u\n", program_name, what, code);
    std::exit(1);
}

address parse_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) wrong_usage();
    const std::string port{text.substr(colon + 1)};
    auto host_part = text.substr(0, colon);

    address result;
    result.is_ipv6 = host_part.starts_with('[') && host_part.ends_with(']');
    if (result.is_ipv6) host_part = host_part.substr(1, host_part.size() - 2);
    const char* const port_end = port.c_str() + port.size();
    const auto [end, error] = std::from_chars(port.c_str(), port_end, result.port);
    if (error != std::errc{} || end != port_end) wrong_usage();
    const int family = result.is_ipv6 ? AF_INET6 : AF_INET;
    if (inet_pton(family, std::string{host_part}.c_str(), result.bytes.data()) != 1) wrong_usage();
    return result;
}

void start_bind(host::handle socket, const address& a, host::socket_result* result) {
    const auto network = host::instance_network();
    if (a.is_ipv6) {
        host::start_bind(socket, network, 1, a.port, 0, a.group(0), a.group(1), a.group(2),
                         a.group(3), a.group(4), a.group(5), a.group(6), a.group(7), 0, result);
    } else {
        host::start_bind(socket, network, 0, a.port, a.bytes[0], a.bytes[1], a.bytes[2], a.bytes[3],
                         0, 0, 0, 0, 0, 0, result);
    }
}

// Waits for an operation that was started on the socket.
void finish(const char* what, host::handle socket,
            void (*call)(host::handle, host::socket_result*)) {
    for (;;) {
        host::socket_result result;
        call(socket, &result);
        if (result.failed == 0) return;
        if (result.code != host::would_block) fail(what, result.code);
        const auto pollable = host::subscribe_socket(socket);
        host::block(pollable);
        host::drop_pollable(pollable);
    }
}

host::handle listen_at(const address& a) {
    host::create_result created;
    host::create_tcp_socket(a.is_ipv6 ? 1 : 0, &created);
    if (created.failed != 0) fail("create a socket", created.code);

    host::socket_result result;
    start_bind(created.socket, a, &result);
    if (result.failed != 0) fail("bind", result.code);
    finish("bind", created.socket, host::finish_bind);
    host::set_listen_backlog_size(created.socket, 4096, &result);  // only a wish
    host::start_listen(created.socket, &result);
    if (result.failed != 0) fail("listen", result.code);
    finish("listen", created.socket, host::finish_listen);
    return created.socket;
}

// The address as bound, with the port that the system chose.
void announce(host::handle listener, address a) {
    host::address_result bound;
    host::local_address(listener, &bound);
    if (bound.failed != 0) fail("local address", bound.code);
    a.port = a.is_ipv6 ? bound.ok.v6.port : bound.ok.v4.port;

    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(a.is_ipv6 ? AF_INET6 : AF_INET, a.bytes.data(), text.data(), text.size());
    std::printf(a.is_ipv6 ? "listening on [%s]:%u\n" : "listening on %s:%u\n", text.data(), a.port);
    std::fflush(stdout);
}

}  // namespace

host::handle listen(const char* program, int argc, char** argv) {
    program_name = program;
    if (argc != 3 || std::strcmp(argv[1], "--listen") != 0) wrong_usage();
    const auto where = parse_address(argv[2]);
    const auto listener = listen_at(where);
    announce(listener, where);
    return listener;
}

std::optional<host::accepted_socket> accept(host::handle listener) {
    for (;;) {
        host::accept_result accepted;
        host::accept(listener, &accepted);
        if (accepted.failed == 0) return accepted.ok;
        if (accepted.code != host::connection_aborted) return std::nullopt;
    }
}
