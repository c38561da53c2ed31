#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares the library's servers with hand-written ones in the same host. See README.md."""
import argparse
import json
import os
import platform
import sys
from pathlib import Path

import contenders
import report
import scenario_echo
import scenario_idle
import scenario_p2p
import scenario_timers
import scenario_tls
from component_size import stripped_size
from measure import cpu_split, measure
from servers import (ROOT, Failure, allow_handles, allow_open_files, exit_on_signals, host_name)

# A scenario says how many open files it needs, and has one of these or both:
# - cases(names of peers) that servers are measured in, contenders(host), the component whose size
#   is told, perhaps peers(folder, host) other than the usual ones, and perhaps lacks(), why it
#   cannot be done here;
# - programs that measure themselves: run(options, show_progress) and as_text(figures).
SCENARIOS = {"echo": scenario_echo, "idle": scenario_idle, "timers": scenario_timers,
             "tls": scenario_tls, "p2p": scenario_p2p}
HANDLES_PER_CONNECTION = 4  # socket, two streams, a pollable


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="dev bench",
        description="Measures the library's servers against hand-written host calls, in one run "
                    "and in one host. Ratios are the result, see benchmarks/README.md.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help=f"of {', '.join(SCENARIOS)} (default: all)")
    parser.add_argument("--quick", action="store_true",
                        help="3 rounds of 1 s or little more: a first impression")
    parser.add_argument("--rounds", type=int, help="how often each server has its turn (7)")
    parser.add_argument("--seconds", type=float,
                        help="length of each turn (2), at least what its case needs")
    parser.add_argument("--case", metavar="TEXT", default="",
                        help="only the cases with this in their name")
    parser.add_argument("--host", choices=["wasmtime", "embedded"],
                        help="what runs the components (default: the first that is there)")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND",
                        help="one more server: a command that prints 'listening on ADDR:PORT'; "
                             "in it {run} is the host's runner and {port} a free port")
    parser.add_argument("--peers", type=Path, metavar="DIR",
                        help=f"measure {', '.join(contenders.ALL_PEERS)} "
                             "from this folder as well, where they fit")
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
    if options.peers and not options.peers.is_dir():
        parser.error(f"--peers: no folder {options.peers}")
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
    """On a terminal one line that changes; else only what is measured next."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(f"bench: {text}", file=sys.stderr, flush=True)


def raise_limits(options):
    open_files = max(SCENARIOS[name].open_files for name in options.scenarios)
    allow_open_files(open_files)
    allow_handles(options.host, 2 * HANDLES_PER_CONNECTION * open_files)


def run_programs(scenario, options):
    """The figures of programs that measure themselves, also printed; none if there are none."""
    figures = scenario.run(options, show_progress) if hasattr(scenario, "run") else {}
    show_progress("")
    if figures:
        print(f"{host_name(options.host)}, medians of {options.rounds} rounds\n")
        print(scenario.as_text(figures))
    return figures


def run_cases(name, cases, options):
    """Measures servers and prints the table; returns its summary."""
    scenario = SCENARIOS[name]
    everybody = scenario.contenders(options.host) + peers_of(scenario, options)
    machine = describe_machine(options)
    table = measure(everybody, cases, options.rounds, options.seconds, not options.no_pin,
                    show_progress)
    show_progress("")
    binary = scenario.component.read_bytes()
    summary = report.summarize(name, machine, everybody, cases, table)
    summary["component"] = {"name": scenario.component.name, "bytes": len(binary),
                            "stripped_bytes": stripped_size(binary)}
    print(report.as_text(summary))
    return summary


def peers_of(scenario, options):
    found = getattr(scenario, "peers", contenders.from_folder)
    peers = found(options.peers, options.host) if options.peers else []
    return peers + [contenders.named(text, options.host) for text in options.peer]


def cases_of(scenario, options):
    if not hasattr(scenario, "cases"):
        return []
    return [case for case in scenario.cases([peer.name for peer in peers_of(scenario, options)])
            if options.case in case.name]


def run_scenario(name, options):
    """Measures, prints and writes; returns whether all servers but peers did their work."""
    scenario = SCENARIOS[name]
    cases = cases_of(scenario, options)
    figures = run_programs(scenario, options)
    if not cases and not figures:
        raise Failure(f"no case of {name} has '{options.case}' in its name")
    lacking = scenario.lacks() if cases and hasattr(scenario, "lacks") else ""
    if lacking:
        print(f"\nnot measured: {', '.join(case.name for case in cases)}: {lacking}")
    json_path = options.json or ROOT / f"build/bench/{name}.json"
    json_path.parent.mkdir(parents=True, exist_ok=True)
    if lacking or not cases:
        summary = {"scenario": name, "machine": describe_machine(options), "programs": figures}
        json_path.write_text(report.as_json(summary))
        print(f"\nwritten: {json_path}")
        return True
    print()
    summary = {**run_cases(name, cases, options), "programs": figures}
    html_path = json_path.with_suffix(".html")
    json_path.write_text(report.as_json(summary))
    html_path.write_text(report.as_html(summary, scenario.as_text(figures) if figures else ""))
    print(f"\nwritten: {json_path}, {html_path}")
    return not any(row["failures"] and not row["peer"]
                   for case in summary["cases"] for row in case["servers"])


def main(argv):
    options = parse_arguments(argv)
    exit_on_signals()
    try:
        raise_limits(options)
        good = [run_scenario(name, options) for name in options.scenarios]
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not all(good):
        print("bench: a server lost bytes or connections, or did not answer, see the table",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
