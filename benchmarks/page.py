#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the report of a run as one page that needs nothing else: page.py FIGURES.json PAGE.html.

Run by the Python that libs/plots makes, since it draws with matplotlib."""
import re
import sys
from html import escape
from pathlib import Path
from statistics import median

import plots
import report

STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --dim: #5a626a; --line: #d8dce0;
        --back: #ffffff; --met: #1d7a4a; --missed: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e8ea; --dim: #a0a8b0; --line: #363c42; --back: #14171a;
          --met: #5fc48f; --missed: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
       max-width: 62rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.25rem; margin-top: 3rem; } h3 { font-size: 1rem;
     margin: 2rem 0 .5rem; }
p { color: var(--dim); } a { color: inherit; }
nav a { margin-right: 1rem; display: inline-block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line);
         white-space: nowrap; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; }
.targets th, .targets td { text-align: left; }
.targets td:first-child { white-space: normal; min-width: 9rem; }
.targets td:last-child { white-space: normal; min-width: 14rem; }
svg { display: block; width: 100%; max-width: 34rem; height: auto; }
.met { color: var(--met); } .missed, .failed { color: var(--missed); }
"""
PERCENTILES = (50, 90, 99, 99.9, 99.99)
FEWEST_ABOVE = 10  # durations beyond a percentile; with fewer it is one of the worst, not a share
WITH_BARS = ("rate", "fairness", "handshakes", "visits", "stream")
WITH_LATENCY = (*WITH_BARS, "open loop")


def as_html(run):
    machine = run["machine"]
    names = [summary["scenario"] for summary in run["scenarios"]]
    parts = [
        "<!doctype html>", '<html lang="en">', '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>copoll benchmarks</title>", f"<style>{STYLE}</style>", "<h1>copoll benchmarks</h1>",
        f"<p>{escape(run['made'])}, revision {escape(machine['revision'] or 'unknown')}, "
        f"{run['seconds_taken'] / 60:.0f} minutes.<br>{escape(report.conditions(machine))}, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB, {escape(machine['system'])}.<br>"
        f"{escape(', '.join(' '.join(pair) for pair in machine['versions'].items()))}.</p>",
        "<p>All servers of a case ran in turns in the same run. A ratio is the median of those of "
        "the single rounds; the thin line of a bar, or the range beside a figure, spans the lowest "
        "and the highest round.</p>",
        "<nav>" + "".join(f'<a href="#{name}">{name}</a>' for name in names) + "</nav>",
    ]
    parts += [f'<p class="failed">{escape(failure)}</p>' for failure in run["failures"]]
    if table := report.targets_table(run):
        parts += ["<h2>Targets</h2>", html_table(table, "targets")]
    for summary in run["scenarios"]:
        parts += scenario_parts(summary)
    return "\n".join(parts) + "\n"


def scenario_parts(summary):
    parts = [f'<h2 id="{summary["scenario"]}">{escape(summary["scenario"])}</h2>']
    parts += [drawing for drawing in (idle_plot(summary), offered_load_plot(summary)) if drawing]
    parts += [f"<h3>{escape(table.title)}</h3>{html_table(table)}"
              for table in report.program_tables(summary)]
    for case in summary["cases"]:
        parts.append(f"<h3>{escape(case['name'])}</h3>")
        if case["view"] in WITH_BARS:
            parts.append(plots.ratio_bars(case))
        if case["view"] in WITH_LATENCY:
            parts.append(latency_plot(case))
        parts.append(html_table(report.case_table(case)))
    parts += [f"<p>{escape(line)}</p>" for line in report.closing_lines(summary)]
    return parts


def html_table(table, kind=""):
    head = "".join(f"<th>{escape(title)}</th>" for title in table.columns)
    body = "".join(f"<tr><td>{escape(name)}</td>{''.join(map(html_cell, cells))}</tr>"
                   for name, cells in table.rows)
    notes = "".join(f'<p class="{"failed" if "FAILED" in note else "note"}">{escape(note)}</p>'
                    for note in table.notes)
    return (f'<div class="scroll"><table class="{kind}"><tr><th></th>{head}</tr>{body}</table>'
            f"</div>{notes}")


def html_cell(text):
    kind = {"met": "met", "MISSED": "missed", "FAILED": "missed"}.get(text.split(" ")[0], "")
    return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"


# ---- What is drawn of a scenario

def idle_plot(summary):
    """Rates against the number of idle connections, of the cases that have one."""
    series = {}
    for case in summary["cases"]:
        found = re.fullmatch(r"10 active(?: \+ ([\d,]+) idle)?", case["name"])
        if not found:
            continue
        idle = int((found[1] or "0").replace(",", ""))
        for row in case["servers"]:
            if row["messages_per_second"]:
                series.setdefault(row["name"], []).append((idle, row["messages_per_second"]))
    ticks = {idle: f"{idle:,}" for points in series.values() for idle, _ in points}
    return plots.lines("throughput against idle connections", "idle connections",
                       "messages/s of 10 active connections", series, ticks, log_y=True)


def offered_load_plot(summary):
    """p99 against the rate that was asked for, of the cases with an open loop."""
    series, ticks = {}, {}
    for case in summary["cases"]:
        for row in case["servers"]:
            offered = [turn["offered_per_second"] for turn in row["rounds"]
                       if turn and turn.get("offered_per_second")]
            if offered and row["p99_us"]:
                rate = median(offered)
                ticks[rate] = f"{rate / 1000:,.0f}k"
                series.setdefault(row["name"], []).append((rate, row["p99_us"]))
    return plots.lines("latency against offered load", "messages/s offered", "p99, us", series,
                       ticks, log_y=True)


def latency_plot(case):
    """Latency by percentile over all rounds, each server a line; the axis stretches the tail."""
    loop = "open" if case["view"] == "open loop" else "closed"
    series = {row["name"]: [(100 / (100 - percent), latency)
                            for percent, latency in percentiles(row["rounds"])]
              for row in case["servers"] if not row["failures"]}
    shown = {x for points in series.values() for x, _ in points}
    ticks = {100 / (100 - percent): f"{percent:g} %" for percent in PERCENTILES}
    return plots.lines(f"latency by percentile: {case['name']}", f"percentile ({loop} loop)",
                       "latency, us", series, {x: t for x, t in ticks.items() if x in shown},
                       log_x=True, log_y=True)


def percentiles(rounds):
    """[(percent, latency)] of what all rounds recorded together, as far as there is enough."""
    ranges = {}
    for turn in rounds:
        for up_to, count in (turn or {}).get("latency_histogram_us", []):
            ranges[up_to] = ranges.get(up_to, 0) + count
    total, found = sum(ranges.values()), []
    # of what was never answered only a lower bound is known
    unknown = sum(turn.get("unanswered", 0) for turn in rounds if turn)
    for percent in PERCENTILES:
        if total * (100 - percent) / 100 < max(FEWEST_ABOVE, unknown):
            break
        seen = 0
        for up_to in sorted(ranges):
            seen += ranges[up_to]
            if seen >= total * percent / 100:
                found.append((percent, up_to))
                break
    return found


def main(figures, page):
    Path(page).write_text(as_html(report.read_json(Path(figures))))


if __name__ == "__main__":
    main(*sys.argv[1:])
