# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the project wants to reach, read off a run. Each target is a ratio or a figure of one run;
`why` is what is known about one that is missed, and is shown only then."""
from dataclasses import dataclass
from statistics import median
from typing import Callable

import scenario_memory
from contenders import (COPOLL, FLAT, PEERS, PLAIN, P2P_PEERS, TLS_PEERS, TWO_TIER, buffer_name)
from measure import Rounds
from tables import spread

TOKIO, WSTD = PEERS["tokio-echo.wasm"], PEERS["wstd-echo-rw.wasm"]
RUSTLS = TLS_PEERS["rustls-echo-ring.wasm"]
WASI_SOCKETS = P2P_PEERS["libp2p-listen-livefix.wasm"]
NODES = ("go-libp2p", "js-libp2p", "rust-libp2p")
BULK = "64 KiB x 1 connection, 4 in flight"


@dataclass(frozen=True)
class Target:
    name: str
    scenario: str
    values: Callable             # (the scenario's summary) -> [of each round]; empty: not measured
    goal: float
    at_most: bool = False        # whether less is better
    form: str = ".2f"
    why: str = ""

    def wanted(self):
        return f"{'<=' if self.at_most else '>='} {format(self.goal, self.form)}"


@dataclass(frozen=True)
class Verdict:
    target: Target
    reached: str
    verdict: str
    why: str


class OwnFailure(Exception):
    """The server that a target is about failed in its case."""


def judge(run):
    """A verdict on each target of the scenarios in a run."""
    scenarios = {summary["scenario"]: summary for summary in run["scenarios"]}
    return [verdict_in(target, scenarios[target.scenario])
            for target in TARGETS if target.scenario in scenarios]


def verdict_in(target, summary):
    try:
        return verdict(target, target.values(summary))
    except OwnFailure as failure:
        return Verdict(target, "-", "FAILED", str(failure))


def verdict(target, values):
    if not values:
        return Verdict(target, "-", "not measured", "")
    reached = median(values)
    # As it is shown: a figure that reads like the goal has reached it.
    off = float(format(reached, target.form.replace(",", ""))) - target.goal
    if (off <= 0) if target.at_most else (off >= 0):
        return Verdict(target, spread(values, target.form), "met", "")
    by = f" by {abs(off) / target.goal:.0%}" if target.goal else ""
    return Verdict(target, spread(values, target.form), f"MISSED{by}", target.why)


# ---- Where a figure stands in a summary

def rounds_of(summary, case, server):
    for found in summary["cases"]:
        for row in found["servers"]:
            if (found["name"], row["name"]) == (case, server):
                return Rounds(row["rounds"], row["failures"])
    return Rounds()


def own_rounds(summary, case, server):
    rounds = rounds_of(summary, case, server)
    if rounds.failures:
        raise OwnFailure(rounds.failures[0])
    return rounds


def rate(case, server, other):
    """Messages/s of `server` relative to `other`, pair by pair."""
    return lambda summary: \
        own_rounds(summary, case, server).ratios_to(rounds_of(summary, case, other))


def cases_rate(server, case, other_case):
    """Messages/s of `server` in one case relative to those in another: of medians, since the rounds
    of two cases are no pairs."""
    def values(summary):
        here, there = (own_rounds(summary, name, server).median("messages_per_second")
                       for name in (case, other_case))
        return [here / there] if here and there else []
    return values


def figure(case, server, *path):
    return lambda summary: own_rounds(summary, case, server).values(*path)


def program(*path):
    """A figure of a program that measures itself."""
    def values(summary):
        found = summary["programs"]
        for key in path:
            found = found.get(key, {})
        return found or []
    return values


def program_ratio(over, under):
    """One such figure relative to another, round by round."""
    return lambda summary: relative(program(*over)(summary), program(*under)(summary))


def relative(ours, theirs):
    return [a / b for a, b in zip(ours, theirs) if b]


def size(summary):
    return [summary["component"]["stripped_bytes"]] if summary["component"] else []


def in_memory(figure_, over="engine", under="raw", inverse=False):
    """Ratio of two sides of `tls_cost` or `p2p_cost`; `inverse` of figures that are durations."""
    paths = [("in memory", COPOLL, f"{side} {figure_}") for side in (over, under)]
    return program_ratio(*(reversed(paths) if inverse else paths))


def round_trips(way):
    def values(summary):
        measured = summary["programs"].get("round trips", {}).get(way, {"near": [], "far": []})
        return [(far - near) / 0.1 for near, far in zip(measured["near"], measured["far"])]
    return values


# ---- The targets

def echo_targets():
    def target(*arguments, **more):
        return Target(arguments[0], "echo", *arguments[1:], **more)
    case = "64 B x {} connection{}".format
    woken = "rounds differ by where the host's threads happen to run: see the spread"
    return [
        target("1 connection, x flat ceiling", rate(case(1, ""), COPOLL, FLAT), 0.9, why=woken),
        target("64 connections, x flat ceiling", rate(case(64, "s"), COPOLL, FLAT), 0.9, why=woken),
        target("64 connections, x two-tier ceiling", rate(case(64, "s"), COPOLL, TWO_TIER), 0.95,
               why=woken),
        target(f"64 connections, x {TOKIO}", rate(case(64, "s"), COPOLL, TOKIO), 3,
               why="calls of the host are most of a message for everybody: compare the two-tier "
                   "ceiling"),
        target(f"64 connections, x {WSTD}", rate(case(64, "s"), COPOLL, WSTD), 50,
               why="wstd is that slow on Wasmtime's command only, not embedded"),
        target("64 KiB, x flat ceiling", rate(BULK, COPOLL, FLAT), 0.95, why=woken),
        *(target(f"64 KiB, buffer of {kib} KiB, x flat ceiling",
                 rate(f"{BULK}, by size of the server's buffer", buffer_name(kib), FLAT), 0.95,
                 why=woken)
          for kib in (4, 16, 64)),
        target("component without debug information, bytes", size, 150_000, True, ",.0f"),
    ]


def idle_targets():
    def target(*arguments, **more):
        return Target(arguments[0], "idle", *arguments[1:], **more)
    many = "10 active + 5,000 idle"
    return [
        target("5,000 idle, x a poll each turn", rate(many, COPOLL, PLAIN), 15,
               why="what a poll over 5,000 costs beside a message differs from run to run: compare "
                   "the two-tier ceiling"),
        target("5,000 idle, x two-tier ceiling", rate(many, COPOLL, TWO_TIER), 0.95,
               why="what coroutines and fairness cost per message; rounds are far apart"),
        target(f"5,000 idle, x {TOKIO}", rate(many, COPOLL, TOKIO), 25,
               why="compare the two-tier ceiling, which does the same by hand"),
        target("10,000 idle, x 10 active alone",
               cases_rate(COPOLL, "10 active + 10,000 idle", "10 active"), 0.7),
        target("64 equal, messages max/min",
               figure("64 equal", COPOLL, "messages_max_to_min"), 2, True),
        target("1,000 busy, p99/p50", figure("1,000 busy", COPOLL, "p99_to_p50"), 4, True),
        target("5,000 all idle, CPU share",
               figure("all idle: 5,000", COPOLL, "server_cpu_share"), 0, True, ".3f"),
        target("5,000 all idle, waits/s",
               figure("all idle: 5,000", COPOLL, "server_waits_per_second"), 0, True),
        target("15,000 held, connections that echo",
               figure("held: 15,000, then each echoes once", COPOLL, "idle"), 15_000,
               form=",.0f"),
    ]


def tls_targets():
    def target(*arguments, **more):
        return Target(arguments[0], "tls", *arguments[1:], **more)
    return [
        target("full handshakes in memory, x bare calls",
               in_memory("full handshake us", inverse=True), 0.95),
        target("full handshakes, bare calls x stock mbedTLS",
               in_memory("full handshake us", "raw", "stock", inverse=True), 2),
        target("ChaCha20-Poly1305 in memory, x bare calls", in_memory("chacha20 MB/s"), 0.9),
        target("AES-128-GCM in memory, x bare calls", in_memory("aes_128_gcm MB/s"), 0.9),
        target("resumed handshakes in memory, x full",
               program_ratio(("in memory", COPOLL, "engine full handshake us"),
                             ("in memory", COPOLL, "engine resumed handshake us")), 3,
               why="the full one became cheaper; two thirds of the resumed one are X25519, for "
                   "forward secrecy"),
        target(f"full handshakes over the network, x {RUSTLS}",
               rate("full handshakes, P-256 and X25519", COPOLL, RUSTLS), 1,
               why="a handshake is X25519 and P-256 for the most part; see the ratio by CPU"),
    ]


def p2p_targets():
    def target(*arguments, **more):
        return Target(arguments[0], "p2p", *arguments[1:], **more)
    down, up, echo = (f"{what}, 1 stream" for what in ("download", "upload", "echo"))
    of_both = "the sealed ceiling itself is below or near that: the cipher and the host are most"
    of_frames = "likely a copy into frames and a turn of the loop for each record; see the ratio by CPU"
    return [
        *(target(f"round trips to the first byte from {name}", round_trips(f"{COPOLL} to {name}"),
                 3, True, ".1f") for name in NODES),
        *(target(f"{case}, x {NODES[1]}", rate(case, COPOLL, NODES[1]), 1)
          for case in (down, up, echo)),
        *(target(f"{case}, x {WASI_SOCKETS}", rate(case, COPOLL, WASI_SOCKETS), 3, why=of_both)
          for case in (down, up)),
        target(f"{echo}, x {WASI_SOCKETS}", rate(echo, COPOLL, WASI_SOCKETS), 3,
               why="not looked into, and no ceiling measures it"),
        *(target(f"{case}, x sealed ceiling", rate(case, COPOLL, "sealed ceiling"), 0.8,
                 why=of_frames) for case in (down, up)),
        target("handshakes in memory, x bare cryptography",
               in_memory("handshake us", inverse=True), 0.9),
    ]


def memory_targets():
    def target(case, server, most, **more):
        name = f"linear memory of each, {case}"
        return Target(name, "memory", figure(case, server, "linear_memory_bytes_per_connection"),
                      most, True, ",.0f", **more)
    return [
        target("TCP: 10,000 idle", scenario_memory.TCP, 1024),
        target("TLS: 1,000 idle", scenario_memory.TLS, 8192),
        target("TLS: 1,000 active, 16 KiB", scenario_memory.TLS, 24_576),
        target("libp2p: 10,000 idle streams, 500 a connection", scenario_memory.P2P, 512),
        target("libp2p: 10,000 the same, each with a task that waits for it", scenario_memory.P2P,
               512, why="the frames of the coroutines that wait, and the wait itself"),
    ]


TARGETS = [
    *echo_targets(),
    *idle_targets(),
    Target("cancel and set with 100,000 pending, ns", "timers",
           program(COPOLL, "cancel_and_set_ns"), 200, True, ".0f"),
    *tls_targets(),
    *p2p_targets(),
    *memory_targets(),
]
