// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The bare loop of tls_cost alone, linked with mbedTLS as its authors configure it.
#include <string>

#include "both_ends.hpp"
#include "raw_tls.hpp"

int main(int argc, char** argv) {
    const bench::amount of{argc, argv};
    bench::raw_identity identity;
    bench::json_line out;
    const auto shake_hands = [&](int suite) {
        bench::raw_side client{false, identity, suite}, server{true, identity, suite};
        return bench::shake_hands(client, server);
    };
    shake_hands(bench::suites[0].number);  // what is done once
    bench::timer::duration spent{};
    for (int i = 0; i < of.handshakes; ++i) spent += shake_hands(bench::suites[0].number);
    out.add("stock full handshake us", bench::microseconds_each(spent, of.handshakes));
    for (const auto& [name, suite] : bench::suites) {
        bench::raw_side client{false, identity, suite}, server{true, identity, suite};
        bench::shake_hands(client, server);
        out.add("stock " + std::string(name) + " MB/s",
                bench::throughput(client, server, of.bytes));
    }
}
