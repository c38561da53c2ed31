// SPDX-License-Identifier: MIT OR Apache-2.0
#include "options.hpp"

#include "tls.hpp"

#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace load {
namespace {

constexpr const char* help_text =
    "usage: echo_load --connect ADDR:PORT [options]\n"
    "\n"
    "Drives an echo server over TCP and checks what comes back. Each active connection keeps a\n"
    "fixed number of messages in flight: when one has come back whole, the next one is sent.\n"
    "With --rate messages are sent when they are due, whether or not others have come back, and\n"
    "latency counts from when they were due. What has not come back 5 s after the end, or when\n"
    "patience ends, is told as unanswered; latencies that it may change are left out, or told as\n"
    "at least so long.\n"
    "At the end each connection is half-closed and read to its end, and the bytes are counted.\n"
    "Idle connections are opened before the active ones and send nothing until the end, when each\n"
    "has to echo one message.\n"
    "\n"
    "  -c, --connect ADDR:PORT  the server; [ADDR]:PORT for IPv6\n"
    "  -n, --connections N      active connections (1); 0 needs --idle\n"
    "  -i, --idle N             connections that only stay open (0)\n"
    "  -b, --size BYTES         size of a message (64)\n"
    "  -p, --pipeline P         messages in flight per active connection (1)\n"
    "  -r, --rate N             messages/s of all active connections together, at random\n"
    "                           intervals (a Poisson process), instead of --pipeline\n"
    "  -s, --seconds S          length of the run (5)\n"
    "      --warmup F           part of the run, at its start, that is not counted (0.2)\n"
    "      --patience S         how long to wait for the server to accept, and to finish (10)\n"
    "      --verify MODE        full: every byte, edges: both ends of each read, none (full)\n"
    "      --per-address N      connections to 127.x.y.z that come from one address (20000)\n"
    "      --visits             each connection ends after one byte there and back, and the next\n"
    "                           one begins; that is a message\n"
    "      --tls                over TLS 1.3 with X25519, if it was built with OpenSSL\n"
    "      --suite NAME         the cipher suite, by its name in the RFCs (what OpenSSL prefers)\n"
    "      --ca-file FILE       verify the server's certificate up to these (PEM), and its name;\n"
    "                           otherwise only that it is always the same and the server's own\n"
    "      --server-name NAME   that name, with --ca-file\n"
    "      --handshakes KIND    full, resumed: visits by TLS, each with such a handshake\n"
    "      --phases             say on stderr when counting begins and ends: 'phase counting',\n"
    "                           'phase finishing', and then wait for a line on stdin\n"
    "  -j, --json               print one JSON object instead of text\n"
    "  -h, --help               this text\n"
    "\n"
    "Exit code: 0 all bytes came back, 1 some did not (or no server), 2 wrong usage, 3 the load\n"
    "itself fell behind --rate. There are figures with 0 only.\n";

[[noreturn]] void wrong_usage(const char* what, std::string_view value) {
    std::fprintf(stderr, "echo_load: %s: '%.*s'; see --help\n", what,
                 static_cast<int>(value.size()), value.data());
    std::exit(2);
}

template <class T>
T number(const char* name, std::string_view text, T lowest, T highest) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value >= lowest) ||
        !(value <= highest)) {
        wrong_usage(name, text);
    }
    return value;
}

verification verification_named(std::string_view text) {
    if (text == "full") return verification::full;
    if (text == "edges") return verification::edges;
    if (text == "none") return verification::none;
    wrong_usage("--verify wants full, edges or none", text);
}

handshake_kind handshakes_named(std::string_view text) {
    if (text == "full") return handshake_kind::full;
    if (text == "resumed") return handshake_kind::resumed;
    wrong_usage("--handshakes wants full or resumed", text);
}

void split_address(std::string_view text, options& out) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
        wrong_usage("--connect wants ADDR:PORT", text);
    }
    auto host = text.substr(0, colon);
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    out.host = host;
    out.port = text.substr(colon + 1);
    number<unsigned>("--connect: no such port", out.port, 1, 65535);
}

}  // namespace

options parse_options(int argc, char** argv) {
    enum : int {
        warmup = 256, patience, verify, per_address, visits, tls, suite, ca_file, server_name,
        handshakes, phases
    };
    static constexpr option long_options[] = {
        {"connect", required_argument, nullptr, 'c'},
        {"connections", required_argument, nullptr, 'n'},
        {"idle", required_argument, nullptr, 'i'},
        {"size", required_argument, nullptr, 'b'},
        {"pipeline", required_argument, nullptr, 'p'},
        {"rate", required_argument, nullptr, 'r'},
        {"seconds", required_argument, nullptr, 's'},
        {"warmup", required_argument, nullptr, warmup},
        {"patience", required_argument, nullptr, patience},
        {"verify", required_argument, nullptr, verify},
        {"per-address", required_argument, nullptr, per_address},
        {"visits", no_argument, nullptr, visits},
        {"tls", no_argument, nullptr, tls},
        {"suite", required_argument, nullptr, suite},
        {"ca-file", required_argument, nullptr, ca_file},
        {"server-name", required_argument, nullptr, server_name},
        {"handshakes", required_argument, nullptr, handshakes},
        {"phases", no_argument, nullptr, phases},
        {"json", no_argument, nullptr, 'j'},
        {"help", no_argument, nullptr, 'h'},
        {nullptr, 0, nullptr, 0},
    };
    constexpr std::size_t most_connections = 1'000'000;
    constexpr std::size_t largest_message = std::size_t{1} << 30;

    options result;
    bool pipeline_given = false;
    opterr = 0;  // one line on stderr, ours
    for (int c; (c = getopt_long(argc, argv, "c:n:i:b:p:r:s:jh", long_options, nullptr)) != -1;) {
        switch (c) {
            case 'c': split_address(optarg, result); break;
            case 'n':
                result.connections =
                    number<std::size_t>("--connections", optarg, 0, most_connections);
                break;
            case 'i':
                result.idle = number<std::size_t>("--idle", optarg, 0, most_connections);
                break;
            case 'b':
                result.size = number<std::size_t>("--size", optarg, 1, largest_message);
                break;
            case 'p':
                result.pipeline = number<std::size_t>("--pipeline", optarg, 1, 65536);
                pipeline_given = true;
                break;
            case 'r': result.rate = number<double>("--rate", optarg, 0.001, 1e9); break;
            case 's': result.seconds = number<double>("--seconds", optarg, 0.01, 1e6); break;
            case warmup: result.warmup = number<double>("--warmup", optarg, 0, 0.95); break;
            case patience: result.patience = number<double>("--patience", optarg, 0, 1e6); break;
            case verify: result.verify = verification_named(optarg); break;
            case per_address:
                result.per_address = number<std::size_t>("--per-address", optarg, 1, 65535);
                break;
            case visits: result.visits = true; break;
            case tls:
                if (!has_tls()) wrong_usage("built without OpenSSL", "--tls");
                result.tls = true;
                break;
            case suite: result.suite = optarg; break;
            case ca_file: result.ca_file = optarg; break;
            case server_name: result.server_name = optarg; break;
            case handshakes: result.handshakes = handshakes_named(optarg); break;
            case phases: result.phases = true; break;
            case 'j': result.json = true; break;
            case 'h': std::fputs(help_text, stdout); std::exit(0);
            default: wrong_usage("unknown option, or its value is missing", argv[optind - 1]);
        }
    }
    if (optind < argc) wrong_usage("argument not understood", argv[optind]);
    if (result.host.empty()) wrong_usage("missing", "--connect ADDR:PORT");
    if (result.connections + result.idle == 0) wrong_usage("nothing to do with --connections", "0");
    if ((!result.suite.empty() || !result.ca_file.empty() || result.handshakes) && !result.tls)
        wrong_usage("missing", "--tls");
    if (result.ca_file.empty() != result.server_name.empty())
        wrong_usage("one goes with the other", "--ca-file, --server-name");
    if (result.visits && result.tls) wrong_usage("with --tls it is --handshakes", "--visits");
    const bool visiting = result.visits || result.handshakes;
    if (visiting && result.idle > 0) wrong_usage("nothing is idle while visiting", "--idle");
    if (result.rate > 0 && (pipeline_given || visiting || result.connections == 0))
        wrong_usage("not with --pipeline, --visits, --handshakes or --connections 0", "--rate");
    return result;
}

}  // namespace load
