#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares the library's servers with hand-written ones in the same host. See README.md."""
import argparse
import datetime
import subprocess
import sys
import time
from pathlib import Path

import compare
import contenders
import report
import scenarios
from component_size import stripped_size
from machine import describe_machine
from measure import OthersShare, measure
from servers import (ROOT, TOOLS, Failure, allow_handles, allow_open_files, exit_on_signals)

HANDLES_PER_CONNECTION = 4  # socket, two streams, a pollable


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="dev bench",
        description="Measures the library's servers against hand-written host calls, in one run "
                    "and in one host. Ratios are the result, see benchmarks/README.md.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help=f"of {', '.join(scenarios.ALL)} (default: all)")
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
    parser.add_argument("--peers", type=Path, metavar="DIR", default=contenders.FOLDER,
                        help=f"where {', '.join(contenders.ALL_PEERS)} are (default: where "
                             "./dev setup --peers puts them)")
    parser.add_argument("--no-pin", action="store_true",
                        help="let load and server run on any CPU (default: on CPUs of their own)")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        default=ROOT / "build/bench/report.json",
                        help="where the figures go (build/bench/report.json); the report is "
                             "written beside it, as .html and .md")
    parser.add_argument("--compare", type=Path, metavar="OLD.json",
                        help="what differs from an earlier run beyond the noise; with --no-run of "
                             "the run that is there")
    parser.add_argument("--no-run", action="store_true",
                        help="measure nothing: write the report of the figures that are there")
    options = parser.parse_args(argv)
    for name in options.scenarios:
        if name not in scenarios.ALL:
            parser.error(f"no scenario '{name}'; there is {', '.join(scenarios.ALL)}")
    options.scenarios = options.scenarios or list(scenarios.ALL)
    for peer in options.peer:
        if not all(peer.partition("=")[::2]):
            parser.error(f"--peer wants NAME=COMMAND, not '{peer}'")
    if options.peers != contenders.FOLDER and not options.peers.is_dir():
        parser.error(f"--peers: no folder {options.peers}")
    if options.compare and not options.compare.exists():
        parser.error(f"--compare: no file {options.compare}")
    if options.no_run and options.compare and options.compare.resolve() == options.json.resolve():
        parser.error("--compare: that is the run itself")
    if options.rounds is None:
        options.rounds = 3 if options.quick else 7
    if options.seconds is None:
        options.seconds = 1.0 if options.quick else 2.0
    if options.rounds < 1 or not options.seconds > 0:
        parser.error("--rounds and --seconds must be positive")
    return options


def show_progress(text):
    """On a terminal one line that changes; else only what is measured next."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(f"bench: {text}", file=sys.stderr, flush=True)


def raise_limits(scenario, options):
    allow_open_files(scenario.open_files)
    allow_handles(options.host, 2 * HANDLES_PER_CONNECTION * scenario.open_files)


def peers_of(scenario, options):
    """One that is named on the command line takes the place of one of that name."""
    named = [contenders.named(text, options.host) for text in options.peer]
    names = [peer.name for peer in named]
    found = getattr(scenario, "peers", contenders.from_folder)(options.peers, options.host)
    return [peer for peer in found if peer.name not in names] + named


def run_scenario(name, options, machine):
    """Its summary."""
    scenario = scenarios.ALL[name]
    summary = {"scenario": name, "cases": [], "programs": {}, "lacks": "", "missing": {},
               "component": None, "others_cpu_share": None}
    raise_limits(scenario, options)
    if hasattr(scenario, "run"):
        with OthersShare() as others:
            summary["programs"], summary["missing"] = scenario.run(options, show_progress)
        if summary["programs"]:
            summary["others_cpu_share"] = others.share
    if hasattr(scenario, "cases"):
        measured = run_cases(scenario, options)
        summary |= {**measured, "missing": summary["missing"] | measured.get("missing", {})}
    show_progress("")
    if summary["cases"] or summary["programs"] or summary["lacks"]:
        print(report.scenario_text(summary, machine), flush=True)
    return summary


def run_cases(scenario, options):
    named = peers_of(scenario, options)
    peers = [peer for peer in named if not peer.missing]
    cases = [case for case in scenario.cases([peer.name for peer in peers])
             if options.case in case.name]
    lacking = scenario.lacks() if cases and hasattr(scenario, "lacks") else ""
    if lacking:
        return {"lacks": f"{', '.join(case.name for case in cases)}: {lacking}"}
    if not cases:
        return {}
    everybody = scenario.contenders(options.host) + peers
    names = [contender.name for contender in everybody]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Failure(f"two servers have the name {twice.pop()}")
    table = measure(everybody, cases, options.rounds, options.seconds, not options.no_pin,
                    show_progress)
    binary = scenario.component.read_bytes()
    return {"cases": report.summarize_cases(everybody, cases, table),
            "missing": {peer.name: peer.missing for peer in named if peer.missing},
            "component": {"name": scenario.component.name, "bytes": len(binary),
                          "stripped_bytes": stripped_size(binary)}}


def run_all(options):
    """Measures, prints each scenario when it is done, and writes what there is after each."""
    started = time.monotonic()
    made = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    run = {"format": report.FORMAT, "made": made, "seconds_taken": 0,
           "machine": describe_machine(options), "scenarios": [], "failures": []}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    for name in options.scenarios:
        try:
            summary = run_scenario(name, options, run["machine"])
        except Failure as failure:  # the others can be measured all the same
            show_progress("")
            print(f"bench: {name}: {failure}", file=sys.stderr)
            run["failures"].append(f"{name}: {failure}")
            options.json.write_text(report.as_json(run))
            continue
        if summary["cases"] or summary["programs"] or summary["lacks"]:
            print()
            run["scenarios"].append(summary)
            run["seconds_taken"] = round(time.monotonic() - started)
            options.json.write_text(report.as_json(run))
    if not run["scenarios"] and not run["failures"]:
        raise Failure(f"no case has '{options.case}' in its name")
    return run


def tell_all(run, old, options):
    """The targets and what has changed, on the terminal; the report beside the figures."""
    if table := report.targets_table(run):
        print("\n".join(table.as_lines()), end="\n\n")
    if old:
        table, remarks = compare.compare(old, run)
        print("\n".join([*table.as_lines(), *remarks]), end="\n\n")
    written = [options.json, options.json.with_suffix(".md")]
    written[1].write_text(report.as_markdown(run))
    written += write_page(options.json)
    print(f"written: {', '.join(map(str, written))}")


def write_page(figures):
    """The report for a browser, by the Python that has matplotlib: [its path]; none without."""
    python = TOOLS / "plots/bin/python"
    if not python.exists():
        print("bench: no page: nothing to draw with, ./dev setup plots", file=sys.stderr)
        return []
    html = figures.with_suffix(".html")
    drawn = subprocess.run([python, ROOT / "benchmarks/page.py", figures, html], text=True,
                           stderr=subprocess.PIPE)
    if drawn.returncode != 0:
        print(f"bench: no page: {drawn.stderr.strip()}", file=sys.stderr)
        return []
    return [html]


def read(path):
    try:
        return report.read_json(path)
    except (OSError, ValueError) as error:
        raise Failure(str(error)) from error


def has_failures(run):
    """Whether a scenario, or one of our own servers in it, failed."""
    rows = (row for summary in run["scenarios"] for case in summary["cases"]
            for row in case["servers"])
    return bool(run["failures"]) or any(row["failures"] and not row["peer"] for row in rows)


def main(argv):
    options = parse_arguments(argv)
    exit_on_signals()
    try:
        old = read(options.compare) if options.compare else None  # before it is written again
        run = read(options.json) if options.no_run else run_all(options)
        tell_all(run, old, options)
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if has_failures(run):
        print("bench: something failed, or a server lost bytes or connections; see above",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
