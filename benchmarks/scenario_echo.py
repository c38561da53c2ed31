# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario echo: how fast messages come back over connections that are all busy."""
from contenders import (COPOLL, ECHO_SERVER, FLAT, NATIVE_COPOLL, NATIVE_EPOLL, SPLICE, TWO_TIER, WASI,
                        buffer_name, component as component_contender, components, natives,
                        with_buffers)
from measure import Case

BUFFERS = (4, 16, 64)  # KiB
OFFERED = (0.25, 0.5, 0.75)
# Name and bytes of a message, connections, and the ceiling that is higher with so many.
LARGER = (("1 KiB", "1024", 1, FLAT), ("1 KiB", "1024", 64, FLAT), ("1 KiB", "1024", 1000, TWO_TIER),
          ("64 KiB", "65536", 64, FLAT), ("64 KiB", "65536", 1000, TWO_TIER))
BULK = ["--size", "65536", "--connections", "1", "--pipeline", "4"]

component = ECHO_SERVER
open_files = 2_000


def contenders(host):
    return [*components(host),
            *natives((NATIVE_COPOLL, "echo_server"), (NATIVE_EPOLL, "ceiling_epoll")),
            component_contender(SPLICE, WASI / "ceiling_splice.wasm", host),
            *with_buffers(host, BUFFERS)]


def cases(peers):
    common = (COPOLL, TWO_TIER, FLAT, NATIVE_COPOLL, NATIVE_EPOLL, *peers)
    busy = Case("64 B x 64 connections", ["--size", "64", "--connections", "64"], FLAT,
                contenders=(*common, SPLICE))
    return [
        Case("64 B x 1 connection", ["--size", "64", "--connections", "1"], FLAT,
             contenders=common),
        busy,
        *(Case(f"{busy.name}, open loop at {share:.0%} of the flat ceiling's rate",
               busy.load, FLAT, contenders=common, view="open loop",
               rate_of=busy, share=share) for share in OFFERED),
        Case("64 B x 1,000 connections", ["--size", "64", "--connections", "1000"], TWO_TIER,
             contenders=common, view="fairness", seconds=2),
        *(Case(f"{name} x {connections:,} connection{'s' * (connections > 1)}",
               ["--size", size, "--connections", str(connections)], base,
               contenders=common, rounds=3)
          for name, size, connections, base in LARGER),
        Case("64 KiB x 1 connection, 4 in flight", BULK, FLAT, contenders=(*common, SPLICE)),
        Case("64 KiB x 1 connection, 4 in flight, by size of the server's buffer", BULK, FLAT,
             contenders=(*map(buffer_name, BUFFERS), FLAT)),
    ]
