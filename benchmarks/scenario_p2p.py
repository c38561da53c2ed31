# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario p2p: handshakes, streams and bulk of libp2p nodes, and what measures itself (see
p2p_programs.py)."""
import measure
import p2p_programs
from contenders import (ANY_PORT, COPOLL, NATIVE, NATIVE_COPOLL, P2P_PEERS, WASI,
                        component as in_component, from_folder)
from measure import Case, Contender
from p2p_programs import NODES, node
from servers import ROOT

component = WASI / "p2p_server.wasm"
open_files = 3_000

LOAD = NATIVE / "p2p_load"
CEILING = "sealed ceiling"
GO, JS, RUST = NODES
WASI_SOCKETS = P2P_PEERS["libp2p-listen-livefix.wasm"]


def contenders(host):
    found = [in_component(COPOLL, component, host),
             in_component(CEILING, WASI / "ceiling_sealed.wasm", host)]
    if (NATIVE / "p2p_server").exists():
        found.append(Contender(NATIVE_COPOLL, [str(NATIVE / "p2p_server"), *ANY_PORT]))
    return found + nodes()


def nodes():
    """Of other implementations."""
    found = []
    for name in NODES:
        command, missing = node(name)
        found.append(Contender(name, [*command, "listen"], peer=True, missing=missing))
    return found


def peers(folder, host):
    """Those that are of libp2p-wasi-sockets' kind call their echo otherwise."""
    return from_folder(folder, host, P2P_PEERS, "{port}", ("--echo", "/bench/echo/1.0.0"))


def cases(peer_names):
    everybody = (COPOLL, NATIVE_COPOLL, *NODES, *peer_names)
    # What the project compares itself with first, if it is there.
    there = [name for name in NODES if not node(name)[1]]
    base = JS if JS in there else next(iter(there), NATIVE_COPOLL)
    common = {"base": base, "also": tuple(n for n in (WASI_SOCKETS,) if n in peer_names),
              "program": LOAD, "contenders": everybody}
    bulk = {**common, "view": "stream"}
    sealed = {**bulk, "also": (*common["also"], CEILING), "contenders": (COPOLL, CEILING,
                                                                      *everybody[1:])}
    return [
        Case("handshakes: connect, 1 B there and back, close; 1 at once",
             ["--do", "visits", "--at-once", "1"], view="handshakes", **common),
        Case("handshakes: the same; 16 at once", ["--do", "visits"], view="handshakes", **common),
        Case("download, 1 stream", ["--do", "down"], **sealed),
        Case("download, streams of 32 MiB", ["--do", "down", "--transfer", "32"], **sealed),
        Case("upload, 1 stream", ["--do", "up"], **sealed),
        Case("echo, 1 stream", ["--do", "echo"], **bulk),
        Case("streams: open, 1 B there and back, close; 1 at once",
             ["--do", "streams", "--at-once", "1"], **common),
        Case("streams: the same; 8 at once", ["--do", "streams", "--at-once", "8"], **common),
    ]


def lacks():
    """Why nothing can be measured over the network; empty if it can."""
    return "" if LOAD.exists() else f"{LOAD.relative_to(ROOT)} is missing: ./dev build native"


run = p2p_programs.run
tables = p2p_programs.tables
