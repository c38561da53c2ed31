# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario timers: what setting and canceling one costs while 100,000 are pending."""
import json
import statistics
import subprocess

from contenders import COPOLL, ECHO_SERVER, NATIVE, NATIVE_COPOLL, WASI
from servers import Failure, runner

component = ECHO_SERVER
open_files = 100
COLUMNS = {"set_ns": "set ns", "cancel_and_set_ns": "cancel + set ns",
           "host_calls_per_sleep": "host calls per sleep"}


def run_once(name, command):
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode != 0:
        raise Failure(f"{name}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)


def run(options, show_progress):
    """{contender: {figure: [each round]}}; native is left out where it was not built."""
    programs = {COPOLL: [*runner(options.host), str(WASI / "timer_cost.wasm")]}
    if (NATIVE / "timer_cost").exists():
        programs[NATIVE_COPOLL] = [str(NATIVE / "timer_cost")]
    figures = {name: {column: [] for column in COLUMNS} for name in programs}
    for number in range(options.rounds):
        for name, command in programs.items():
            show_progress(f"timers, round {number + 1} of {options.rounds}: {name}")
            result = run_once(name, command)
            for column in COLUMNS:
                figures[name][column].append(result[column])
    return figures


def as_text(figures):
    width = max(map(len, figures))
    lines = ["100,000 timers pending".ljust(width) + "".join(f"  {t}" for t in COLUMNS.values())]
    width = max(width, len("100,000 timers pending"))
    for name, row in figures.items():
        cells = [f"{statistics.median(row[c]):>{len(t) + 2}.1f}" for c, t in COLUMNS.items()]
        lines.append(name.ljust(width) + "".join(cells))
    return "\n".join(lines)
