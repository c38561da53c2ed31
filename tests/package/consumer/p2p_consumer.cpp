// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/run.hpp>

#include <cstdio>

using namespace copoll;

task<result<void>> async_main(args) {
    const p2p::identity me{p2p::private_key::generate_ed25519()};
    const auto address = p2p::multiaddr::tcp({ip::loopback_v4, 4001});
    const auto whole = address.encapsulate(p2p::multiaddr::p2p(me.id()));
    if (p2p::multiaddr::parse(whole.to_string()) == whole && whole.peer() == me.id())
        std::puts("consumed");
    co_return {};
}
