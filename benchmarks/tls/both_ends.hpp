// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Both ends of a TLS connection in memory, without a network. A `Side` has the face of
/// `bench::raw_side`.
namespace bench {

using timer = std::chrono::steady_clock;
using octets = std::vector<std::byte>;

inline constexpr std::size_t record = 16 * 1024 - 1;  // what fits into one record of TLS 1.3

/// How much of it is done. `--quick` on the command line: just enough to see that it works.
struct amount {
    int handshakes = 200;
    std::size_t bytes = 16 * 1024 * 1024;

    amount(int argc, char** argv) {
        if (argc < 2 || std::string_view{argv[1]} != "--quick") return;
        handshakes = 2;
        bytes = 2 * record;
    }
};

/// Time of the server, and that it took.
template <class Side>
timer::duration shake_hands(Side& client, Side& server) {
    timer::duration spent{};
    for (bool c = false, s = false; !c || !s;) {
        if (!c) c = client.shake_hands();
        server.receive(client.take_output());
        const auto begin = timer::now();
        if (!s) s = server.shake_hands();
        spent += timer::now() - begin;
        client.receive(server.take_output());
    }
    return spent;
}

/// MB/s of a sender and a receiver together.
template <class Side>
double throughput(Side& client, Side& server, std::size_t total) {
    const octets data(record, std::byte{'x'});
    octets into(record);
    const auto begin = timer::now();
    for (std::size_t sent = 0; sent < total; sent += record) {
        client.write(data);
        server.receive(client.take_output());
        for (std::size_t n = 0; n < record;) n += server.read(into);
    }
    const std::chrono::duration<double> spent = timer::now() - begin;
    return static_cast<double>(total) / 1e6 / spent.count();
}

inline double microseconds_each(timer::duration d, int count) {
    return std::chrono::duration<double, std::micro>(d).count() / count;
}

struct suite_row {
    const char* name;
    int number;  ///< in TLS (RFC 8446 §B.4)
};
inline constexpr suite_row suites[] = {{"chacha20", 0x1303}, {"aes_128_gcm", 0x1301}};

/// Prints one line of JSON: {"name": number, …}.
class json_line {
public:
    void add(const std::string& name, double value) {
        std::printf("%s\"%s\": %.3f", first_ ? "{" : ", ", name.c_str(), value);
        first_ = false;
    }
    ~json_line() { std::puts("}"); }

private:
    bool first_ = true;
};

}  // namespace bench
