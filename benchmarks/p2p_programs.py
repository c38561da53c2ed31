# SPDX-License-Identifier: MIT OR Apache-2.0
"""What of scenario p2p measures itself: the engines and bare cryptography in memory, and the round
trips that it takes to connect and get one byte back."""
import subprocess
import threading
import time
from pathlib import Path

from contenders import ANY_PORT, COPOLL, WASI
from delay_proxy import DelayProxy
from program_runs import run_in_rounds
from servers import TOOLS, Failure, Server, runner
from tables import Table, middle, ratio

IN_MEMORY = "in memory"
ROUND_TRIPS = "round trips"
ONE_WAYS = {"near": 0.05, "far": 0.1}  # seconds; a round trip takes twice as long
PATIENCE = 30

FOLDER = TOOLS / "libp2p"  # of the nodes that ./dev setup --peers builds
NODES = {"go-libp2p": [FOLDER / "go_peer"], "js-libp2p": ["node", FOLDER / "js/main.mjs"],
         "rust-libp2p": [FOLDER / "rust_peer"]}
# What is measured in memory: the figure behind "engine " and "raw ", and whether more is better.
ROWS = {
    "handshakes/s, listener": ("handshake us", False),
    "one stream MB/s, both ends": ("stream MB/s", True),
}


def node(name):
    """(the command of a node of theirs, why there is none)"""
    command = [str(word) for word in NODES[name]]
    if Path(command[-1]).exists():
        return command, ""
    reason = FOLDER / f"{name.removesuffix('-libp2p')}.absent"
    return command, reason.read_text().strip() if reason.exists() else "./dev setup --peers"


def run(options, show_progress):
    """{"in memory": {contender: {figure: [each round]}},
    "round trips": {way: {"near" or "far": [seconds]}}}, and why ways were not measured"""
    figures, missing = {}, {}
    if options.case in IN_MEMORY:
        figures[IN_MEMORY] = run_in_rounds("p2p", ["p2p_cost"], options, show_progress)
    if options.case in ROUND_TRIPS:
        figures[ROUND_TRIPS], missing = count_round_trips(options, show_progress)
    return figures, missing


# ---- Round trips

def dialer_of(host):
    """The command of ours, and the line that it prints when the byte is back."""
    return [*runner(host), str(WASI / "p2p_dial.wasm")], "OK byte"


def ways(host):
    """{"who to whom": (the listener's command, the dialer's up to the address, what follows it,
    the line that ends it)}, of those that are there."""
    server = [*runner(host), str(WASI / "p2p_server.wasm"), *ANY_PORT]
    dialer, done = dialer_of(host)
    found = {f"{COPOLL} to {COPOLL}": (server, dialer, [], done)}
    for name in NODES:
        command, missing = node(name)
        if missing:
            continue
        found[f"{COPOLL} to {name}"] = ([*command, "listen"], dialer, [], done)
        found[f"{name} to {name}"] = ([*command, "listen"], [*command, "dial"], ["echo:1"],
                                      "OK echo:1")
    return found


def count_round_trips(options, show_progress):
    """{way: {path: [seconds]}}, {"round trips: WAY": why it was not measured}"""
    found = {}
    missing = {f"{ROUND_TRIPS}: {COPOLL} to {name}": why
               for name in NODES if (why := node(name)[1])}
    for number in range(options.rounds):
        for way, (server, dialer, rest, done) in ways(options.host).items():
            if f"{ROUND_TRIPS}: {way}" in missing:
                continue
            show_progress(f"p2p round trips, round {number + 1} of {options.rounds}: {way}")
            try:
                with Server(server) as listening:
                    times = {path: time_dial(listening.address, one_way, dialer, rest, done)
                             for path, one_way in ONE_WAYS.items()}
            except Failure as failure:
                missing[f"{ROUND_TRIPS}: {way}"] = str(failure)
                found.pop(way, None)  # what is left would not be the whole truth
                continue
            for path, seconds in times.items():
                found.setdefault(way, {}).setdefault(path, []).append(seconds)
    return found, missing


def time_dial(address, one_way, dialer, rest, done):
    """Seconds from the connection to the line `done`, over a path of that length."""
    parts = address.split("/")
    port = parts.index("tcp") + 1
    with DelayProxy(int(parts[port]), one_way) as proxy:
        parts[port] = str(proxy.port)
        command = [*dialer, "/".join(parts), *rest]
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as running:
            stuck = threading.Timer(PATIENCE, running.kill)
            stuck.start()
            try:
                for line in running.stdout:
                    if line.strip() == done:
                        return time.monotonic() - proxy.accepted
                raise Failure(f"{' '.join(command)}: {running.stderr.read().strip()}")
            finally:
                stuck.cancel()
                running.kill()


def round_trip_table(measured):
    """What a longer path adds is round trips; the rest is computing, and waits for nothing."""
    near, far = (2 * ONE_WAYS[path] for path in ("near", "far"))
    rows = []
    for way, seconds in measured.items():
        added = [f - n for n, f in zip(seconds["near"], seconds["far"])]
        trips = [a / (far - near) for a in added]
        rest = [1000 * (n - t * near) for n, t in zip(seconds["near"], trips)]
        rows.append((way, [ratio(trips, [1] * len(trips)), middle(rest),
                           *(middle([1000 * s for s in seconds[path]]) for path in ONE_WAYS)]))
    titles = [f"ms with {1000 * trip:.0f} ms a trip" for trip in (near, far)]
    return Table("connect and 1 B there and back", ["round trips", "ms besides", *titles], rows,
                 ("nodes of the same kind wait for identify before they open a stream, and for its "
                  "end",))


# ---- In memory

def in_memory_table(name, measured):
    rows = []
    for title, (figure, is_rate) in ROWS.items():
        engine, raw = (rates(measured[f"{side} {figure}"], is_rate) for side in ("engine", "raw"))
        rows.append((title, [middle(engine), middle(raw), ratio(engine, raw)]))
    return Table(f"{name}, {IN_MEMORY}", ["engine", "bare cryptography", "x bare"], rows)


def rates(values, is_rate):
    return values if is_rate else [1e6 / value for value in values]


def tables(figures):
    found = [in_memory_table(*item) for item in figures.get(IN_MEMORY, {}).items()]
    return found + ([round_trip_table(figures[ROUND_TRIPS])] if ROUND_TRIPS in figures else [])
