# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario coroutine: what tasks, channels, groups and scopes cost, in time and in allocations."""
from contenders import NATIVE_COPOLL
from program_runs import run_in_rounds
from tables import Table, ratio, spread

open_files = 100
ASIO = "native Asio"
YARDSTICK = "bare coroutine made and ended"
YARDSTICKS = ("call by a pointer", "bare coroutine resumed", YARDSTICK)
NANOSECONDS, ALLOCATIONS = " ns", " allocations"


def run(options, show_progress):
    if options.case not in "coroutine":
        return {}, {}
    return run_in_rounds("coroutine", ["coroutine_cost"], options, show_progress,
                         [(ASIO, "asio_cost")]), {}


def tables(figures):
    return [table(name, row, figures.get(ASIO) if name == NATIVE_COPOLL else None)
            for name, row in figures.items()]


def table(name, row, asio):
    """`asio`: the figures to compare with; None for no such column."""
    rows = []
    for figure, times in row.items():
        if not figure.endswith(NANOSECONDS):
            continue
        operation = figure[:-len(NANOSECONDS)]
        cells = [spread(times, ",.1f"), ratio(times, row[YARDSTICK + NANOSECONDS]),
                 spread(row[operation + ALLOCATIONS], ".2f")]
        if asio:
            cells.append("-" if operation in YARDSTICKS else ratio(asio[figure], times))
        rows.append((operation, cells))
    return Table(name, ["ns", "/ bare coroutine", "allocations",
                        *([f"x {ASIO}"] if asio else [])], rows)
