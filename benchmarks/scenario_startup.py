# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario startup: from starting the host until a server listens, and until it has echoed a
byte."""
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from contenders import (COPOLL, ECHO_SERVER, FLAT, NATIVE_COPOLL, NATIVE_EPOLL, WASI,
                        component as in_component, from_folder, natives)
from program_runs import run_once
from servers import ROOT, TOOLS, Failure, Server
from tables import Table, ratio, spread

open_files = 100
STARTS = 3  # in a round, of which the median counts
KEPT = ROOT / "build/bench/startup"  # what was compiled before

# How a component is started: with the code that the host has cached, from what was compiled before
# by `wasmtime compile`, with an empty cache. A native program is just started.
WARM, PRECOMPILED, COLD = MODES = ("warm", "precompiled", "cold")
LISTENING, FIRST_BYTE = "listening ms", "first byte ms"

EMBEDDED_PYTHON = TOOLS / "host/bin/python"
INSTANTIATE = ROOT / "benchmarks/startup/instantiate.py"
IN_ENGINE = f"{COPOLL} in the embedded engine"


def run(options, show_progress):
    """{contender: {"MODE, listening ms" or "MODE, first byte ms": [each round]}}, and why others
    were not measured"""
    if not any(options.case in mode for mode in MODES):
        return {}, {}
    figures, failed = {}, {}
    commands, missing = ways(options.host, options.peers)
    for number in range(options.rounds):
        for (name, mode), command in commands.items():
            if options.case not in mode or name in failed:
                continue
            show_progress(f"startup, round {number + 1} of {options.rounds}: {name}, {mode}")
            try:
                found = zip(*[start(command, mode) for _ in range(STARTS)])
            except Failure as failure:
                failed[name] = str(failure)
                figures.pop(name, None)
                continue
            for figure, times in zip((LISTENING, FIRST_BYTE), found):
                figures.setdefault(name, {}).setdefault(f"{mode}, {figure}", []) \
                    .append(median(times))
        if EMBEDDED_PYTHON.exists() and not options.case:
            show_progress(f"startup, round {number + 1} of {options.rounds}: {IN_ENGINE}")
            command = [EMBEDDED_PYTHON, "-I", INSTANTIATE, ECHO_SERVER]
            for figure, value in run_once(IN_ENGINE, command).items():
                figures.setdefault(IN_ENGINE, {}).setdefault(figure, []).append(value)
    if not EMBEDDED_PYTHON.exists() and not options.case:
        failed[IN_ENGINE] = "COPOLL_HOST=embedded ./dev setup host makes it"
    return figures, missing | failed


def everybody(host, folder):
    return [in_component(COPOLL, ECHO_SERVER, host),
            in_component(FLAT, WASI / "ceiling_echo.wasm", host),
            *natives((NATIVE_COPOLL, "echo_server"), (NATIVE_EPOLL, "ceiling_epoll")),
            *from_folder(folder, host)]


def ways(host, folder):
    """({(contender, mode): command}, {contender: why it is missing}). Starts each once: then it is
    in the host's cache, and its command is known without the script that picks the host."""
    found, absent = {}, {}
    for contender in everybody(host, folder):
        name = contender.name
        try:
            if contender.missing:
                raise Failure(contender.missing)
            command = direct(contender.command)
            found[name, WARM] = command
            if compiled := precompiled(command):
                found[name, PRECOMPILED] = compiled
            if component_in(command):
                found[name, COLD] = command
        except Failure as failure:
            if not contender.peer:
                raise
            absent[name] = str(failure)
    return found, absent


def component_in(command):
    return next((word for word in command if word.endswith(".wasm")), None)


def direct(command):
    """What a command that runs a component becomes, with its own arguments."""
    with Server(command) as server:
        became = Path(f"/proc/{server.pid}/cmdline").read_text().split("\0")
        check_echo(server.address)
    component = component_in(command)
    if not component:
        return command
    return [*became[:became.index(component) + 1], *command[command.index(component) + 1:]]


def precompiled(command):
    """The command that starts from code compiled before; none if it is not the command wasmtime."""
    component = component_in(command)
    if not component or command[1] != "run":
        return None
    at = command.index(component)
    flags = [word for i in range(2, at) if command[i] == "-W" for word in command[i:i + 2]]
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / Path(component).with_suffix(".cwasm").name
    done = subprocess.run([command[0], "compile", *flags, "-o", kept, component], text=True,
                          capture_output=True)
    if done.returncode != 0:
        raise Failure(f"wasmtime compile: {done.stderr.strip()}")
    return [*command[:2], "--allow-precompiled", *command[2:at], str(kept), *command[at + 1:]]


def start(command, mode):
    """Milliseconds until it listens, and until it has echoed a byte."""
    with tempfile.TemporaryDirectory() as empty:
        if mode == COLD:
            command = ["env", f"XDG_CACHE_HOME={empty}", *command]
        server = Server(command)
        begun = time.monotonic()
        with server:
            listening = time.monotonic() - begun
            check_echo(server.address)
            return listening * 1e3, (time.monotonic() - begun) * 1e3


def check_echo(address):
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), 10) as connection:
            connection.settimeout(10)
            connection.sendall(b"x")
            back = connection.recv(1)
    except OSError as error:
        raise Failure(f"no echo from {address}: {error}") from error
    if back != b"x":
        raise Failure(f"{address} echoed {back!r}")


def tables(figures):
    """One for each way to start, and one of the parts of it."""
    found = []
    for mode in MODES:
        listening, first = (f"{mode}, {figure}" for figure in (LISTENING, FIRST_BYTE))
        rows = {name: row for name, row in figures.items() if listening in row}
        if rows:
            base = rows.get(FLAT, {}).get(listening, [])
            found.append(Table(f"started {mode}", [LISTENING, f"/ {FLAT}", FIRST_BYTE], [
                (name, [spread(row[listening], ",.1f"), ratio(row[listening], base),
                        spread(row[first], ",.1f")]) for name, row in rows.items()]))
    if parts := figures.get(IN_ENGINE):
        found.append(Table(IN_ENGINE, list(parts), [
            ("echo_server.wasm", [spread(times) for times in parts.values()])]))
    return found
