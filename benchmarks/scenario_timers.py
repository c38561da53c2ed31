# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario timers: what setting and canceling one costs while 100,000 are pending."""
import statistics

from program_runs import run_in_rounds

open_files = 100
COLUMNS = {"set_ns": "set ns", "cancel_and_set_ns": "cancel + set ns",
           "host_calls_per_sleep": "host calls per sleep"}


def run(options, show_progress):
    return run_in_rounds("timers", ["timer_cost"], options, show_progress)


def as_text(figures):
    width = max(map(len, figures))
    lines = ["100,000 timers pending".ljust(width) + "".join(f"  {t}" for t in COLUMNS.values())]
    width = max(width, len("100,000 timers pending"))
    for name, row in figures.items():
        cells = [f"{statistics.median(row[c]):>{len(t) + 2}.1f}" for c, t in COLUMNS.items()]
        lines.append(name.ljust(width) + "".join(cells))
    return "\n".join(lines)
