// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace load {

enum class verification { full, edges, none };
enum class handshake_kind { full, resumed };

struct options {
    std::string host;
    std::string port;
    std::size_t connections = 1;
    std::size_t idle = 0;
    std::size_t size = 64;
    std::size_t pipeline = 1;
    double rate = 0;  // messages/s of all connections, in open loop; 0: closed loop
    double seconds = 5;
    double warmup = 0.2;   // part of `seconds` at the start that is driven but not counted
    double patience = 10;  // seconds to wait for the server, at the start and at the end
    std::size_t per_address = 20'000;  // connections from one loopback address
    verification verify = verification::full;
    bool tls = false;
    std::string suite{};  // the only one that is offered; empty: OpenSSL's
    std::string ca_file{};  // PEM of roots that the server has to prove itself to; empty: none
    std::string server_name{};  // that its certificate has to be for, with roots
    bool visits = false;  // instead of connections that stay
    std::optional<handshake_kind> handshakes{};  // visits with these
    bool phases = false;
    bool json = false;
};

// Reads the command line. Ends the program itself for --help (0) and for wrong usage (2).
options parse_options(int argc, char** argv);

}  // namespace load
