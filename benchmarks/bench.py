#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares the library's servers with hand-written ones in the same host. See README.md."""
import argparse
import os
import platform
import sys
from pathlib import Path

import report
from component_size import stripped_size
from measure import Case, Contender, cpu_split, measure
from servers import ROOT, Failure, exit_on_signals, host_name, peer_command, runner

WASI = ROOT / "build/wasi/bin"
NATIVE = ROOT / "build/native/bin"
ANY_PORT = ["--listen", "127.0.0.1:0"]


def echo_contenders(host):
    """The first is the one to judge, the second what it is measured against."""
    components = [("copoll", WASI / "echo_server.wasm"), ("ceiling", WASI / "ceiling_echo.wasm")]
    natives = [("native copoll", NATIVE / "echo_server"),
               ("native epoll", NATIVE / "ceiling_epoll")]
    for _, path in components:
        if not path.exists():
            raise Failure(f"{path.relative_to(ROOT)} is missing: ./dev build wasi")
    return [Contender(name, [*runner(host), str(path), *ANY_PORT]) for name, path in components] + [
        Contender(name, [str(path), *ANY_PORT]) for name, path in natives if path.exists()]


ECHO_CASES = [
    Case("64 B x 1 connection", ["--size", "64", "--connections", "1"]),
    Case("64 B x 64 connections", ["--size", "64", "--connections", "64"]),
    Case("64 KiB x 1 connection, 4 in flight",
         ["--size", "65536", "--connections", "1", "--pipeline", "4"]),
]

# name: (contenders by host, cases, component whose size is told)
SCENARIOS = {
    "echo": (echo_contenders, ECHO_CASES, WASI / "echo_server.wasm"),
}


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="dev bench",
        description="Measures the library's servers against hand-written host calls, in one run "
                    "and in one host. Ratios are the result, see benchmarks/README.md.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help=f"of {', '.join(SCENARIOS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 s: a first impression")
    parser.add_argument("--rounds", type=int, help="how often each server has its turn (7)")
    parser.add_argument("--seconds", type=float, help="length of each turn (2)")
    parser.add_argument("--host", choices=["wasmtime", "embedded"],
                        help="what runs the components (default: the first that is there)")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND",
                        help="one more server: a command that prints 'listening on ADDR:PORT'; "
                             "in it {run} is the host's runner and {port} a free port")
    parser.add_argument("--no-pin", action="store_true",
                        help="let load and server run on any CPU (default: on CPUs of their own)")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="where the figures go (build/bench/SCENARIO.json); the report is "
                             "written beside it, as .html")
    options = parser.parse_args(argv)
    for name in options.scenarios:
        if name not in SCENARIOS:
            parser.error(f"no scenario '{name}'; there is {', '.join(SCENARIOS)}")
    options.scenarios = options.scenarios or list(SCENARIOS)
    if options.json and len(options.scenarios) > 1:
        parser.error("--json is for one scenario")
    for peer in options.peer:
        if not all(peer.partition("=")[::2]):
            parser.error(f"--peer wants NAME=COMMAND, not '{peer}'")
    if options.rounds is None:
        options.rounds = 3 if options.quick else 7
    if options.seconds is None:
        options.seconds = 1.0 if options.quick else 2.0
    if options.rounds < 1 or not options.seconds > 0:
        parser.error("--rounds and --seconds must be positive")
    return options


def describe_machine(options):
    load_cpus, server_cpus = cpu_split() if not options.no_pin else ((), ())
    return {
        "host": host_name(options.host),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "load_cpus": sorted(load_cpus),
        "server_cpus": sorted(server_cpus),
        "rounds": options.rounds,
        "seconds": options.seconds,
    }


def show_progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def run_scenario(name, options):
    """Measures, prints and writes; returns whether all servers but peers did their work."""
    contenders_of, cases, component = SCENARIOS[name]
    contenders = contenders_of(options.host)
    for peer in options.peer:
        title, _, command = peer.partition("=")
        contenders.append(Contender(title, peer_command(command, options.host), peer=True))

    machine = describe_machine(options)
    table = measure(contenders, cases, options.rounds, options.seconds, not options.no_pin,
                    show_progress)
    show_progress("")

    binary = component.read_bytes()
    summary = report.summarize(name, machine, contenders, table)
    summary["component"] = {"name": component.name, "bytes": len(binary),
                            "stripped_bytes": stripped_size(binary)}
    print(report.as_text(summary))

    json_path = options.json or ROOT / f"build/bench/{name}.json"
    html_path = json_path.with_suffix(".html")
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(report.as_json(summary))
    html_path.write_text(report.as_html(summary))
    print(f"\nwritten: {json_path}, {html_path}")
    return not any(row["failures"] and not row["peer"]
                   for case in summary["cases"] for row in case["servers"])


def main(argv):
    options = parse_arguments(argv)
    exit_on_signals()
    try:
        good = [run_scenario(name, options) for name in options.scenarios]
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not all(good):
        print("bench: a server lost bytes or did not answer, see the table", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
