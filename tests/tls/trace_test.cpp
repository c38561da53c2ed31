// SPDX-License-Identifier: MIT OR Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "support/run_test.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

using lines = std::vector<std::string>;

tls::trace_sink into(lines& to) {
    return [&to](std::string_view line) { to.emplace_back(line); };
}

bool has(const lines& in, std::string_view start, std::string_view end = "") {
    return std::ranges::any_of(in, [&](const std::string& line) {
        return line.starts_with(start) && line.ends_with(end);
    });
}

lines ending_of(const lines& in, std::string_view start) {
    lines ends;
    for (const std::string& line : in)
        if (line.starts_with(start)) ends.push_back(line.substr(start.size()));
    return ends;
}

}  // namespace

TEST_CASE("tls trace: it tells of each record and message") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            lines at_client, at_server;
            auto client = to_example();
            client.protocol = only(version);
            client.trace = into(at_client);
            auto server = as_example();
            server.tickets = tls::ticket_keys{};
            server.trace = into(at_server);
            auto p = co_await check(secured_pair(client, server));
            co_await check(ping(p));

            CHECK(has(at_client, "sent record: handshake, ", "ClientHello"));
            CHECK(has(at_server, "received message: ClientHello, "));
            CHECK(has(at_client, "received message: Certificate, "));
            CHECK(has(at_client, "received message: Finished, "));
            CHECK(has(at_server, "received message: Finished, "));
            CHECK(has(at_client, "received message: NewSessionTicket, "));
            CHECK(has(at_client, "received message: EncryptedExtensions, ") ==
                  (version == tls::protocol_version::tls1_3));
            CHECK_FALSE(has(at_client, "", "unknown"));
            // what one side sends the other receives
            auto sent = ending_of(at_server, "sent record: ");
            for (auto& end : sent)
                end = end.substr(0, end.find(" bytes") + std::string_view(" bytes").size());
            CHECK(sent == ending_of(at_client, "received record: "));
            CHECK(sent.size() > 3);
        }
        co_return {};
    }());
}

TEST_CASE("tls trace: it tells of an alert") {
    run_test([]() -> task<result<void>> {
        lines at_client;
        auto client = to_example();
        client.server_name = "example.net";
        client.trace = into(at_client);
        auto ends = co_await check(shake_hands(client, as_example()));
        CHECK_FALSE(ends.client.has_value());
        CHECK(at_client.back().starts_with("sent record: "));
        co_return {};
    }());
}
