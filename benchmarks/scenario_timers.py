# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario timers: what setting and canceling one costs while 100,000 are pending."""
from program_runs import run_in_rounds
from tables import Table, spread

open_files = 100
COLUMNS = {"set_ns": "set ns", "cancel_and_set_ns": "cancel + set ns",
           "host_calls_per_sleep": "host calls per sleep"}


def run(options, show_progress):
    if options.case not in "timers":
        return {}, {}
    return run_in_rounds("timers", ["timer_cost"], options, show_progress), {}


def tables(figures):
    rows = [(name, [spread(row[column], ",.2f") for column in COLUMNS])
            for name, row in figures.items()]
    return [Table("100,000 timers pending", list(COLUMNS.values()), rows)]
