// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/run.hpp>
#include <copoll/tls/engine.hpp>

#include <cstdio>

using namespace copoll;

task<result<void>> async_main(args) {
    tls::client_options options;
    options.server_name = "example.com";
    options.roots = tls::trust_anchors{};
    tls::engine client{options};
    if (client.advance(tls::milestone::complete) == tls::progress::needs_input &&
        !client.output().empty())
        std::puts("consumed");
    co_return {};
}
