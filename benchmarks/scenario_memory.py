# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario memory: what a server holds for each connection or stream, idle and active."""
from dataclasses import replace

import scenario_p2p
import scenario_tls
from contenders import (ECHO_SERVER, NATIVE_COPOLL, NATIVE_EPOLL, PEERS, P2P_PEERS, TLS_PEERS, WASI,
                        component as in_component, from_folder, natives)
from measure import Case
from tls_programs import OPENSSL

# Servers of ours that tell the size of their linear memory as well.
TCP, TLS, P2P = (f"copoll over {protocol}" for protocol in ("TCP", "TLS", "libp2p"))
SHARED = ["--patience", "30"]
RECORD = 16 * 1024

component = ECHO_SERVER
open_files = 11_000


def contenders(host):
    openssl, = (found for found in scenario_tls.contenders(host) if found.name == OPENSSL)
    over_tls = scenario_tls.in_component(host, TLS, "tls_memory.wasm")
    return [in_component(TCP, WASI / "echo_memory.wasm", host),
            *without_load([over_tls, openssl], scenario_tls.lacks()),
            in_component(P2P, WASI / "p2p_memory.wasm", host),
            *natives((NATIVE_COPOLL, "echo_server"), (NATIVE_EPOLL, "ceiling_epoll")),
            *scenario_p2p.nodes()]


def peers(folder, host):
    return [*from_folder(folder, host),
            *without_load(scenario_tls.peers(folder, host), scenario_tls.lacks()),
            *scenario_p2p.peers(folder, host)]


def without_load(servers, lacking):
    """These, as missing if there is nothing to measure them with."""
    return [replace(server, missing=server.missing or lacking) for server in servers]


def cases(peer_names):
    def case(name, load, base, rivals, **more):
        playing = (base, *(name for name in rivals if name in (*ALWAYS, *peer_names)))
        return Case(name, load, base, contenders=playing, seconds=2, rounds=3, **more)

    def over_tcp(name, *load):
        return case(f"TCP: {name}", [*SHARED, *load], TCP,
                    (NATIVE_COPOLL, NATIVE_EPOLL, *PEERS.values()), view="memory")

    def over_tls(name, *load):
        return case(f"TLS: {name}", [*SHARED, "--tls", *load], TLS, (OPENSSL, *TLS_PEERS.values()),
                    view="memory")

    def over_p2p(name, do, count, *load):
        load = ["--do", do, "--idle", str(count), *load]
        # a protocol that only holds its streams is one of ours
        rivals = () if do == "held" else (*scenario_p2p.NODES, *P2P_PEERS.values())
        return case(f"libp2p: {name}", load, P2P, rivals, view="memory of streams",
                    program=scenario_p2p.LOAD)

    return [
        over_tcp("10,000 idle", "--connections", "0", "--idle", "10000"),
        over_tcp("1,000 active, 64 B", "--connections", "1000", "--size", "64"),
        over_tcp("1,000 active, 16 KiB", "--connections", "1000", "--size", str(RECORD)),
        over_tls("1,000 idle", "--connections", "0", "--idle", "1000"),
        over_tls("1,000 active, 64 B", "--connections", "1000", "--size", "64"),
        over_tls("1,000 active, 16 KiB", "--connections", "1000", "--size", str(RECORD)),
        over_p2p("1,000 idle connections, 1 stream each", "idle", 1_000, "--per-connection", "1"),
        over_p2p("10,000 idle streams, 500 a connection", "held", 10_000),
        over_p2p("10,000 the same, each with a task that waits for it", "idle", 10_000),
    ]


ALWAYS = (NATIVE_COPOLL, NATIVE_EPOLL, OPENSSL, *scenario_p2p.NODES)


lacks = scenario_p2p.lacks
