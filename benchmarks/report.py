# SPDX-License-Identifier: MIT OR Apache-2.0
"""A scenario's figures as text, JSON, and an HTML page that needs nothing else."""
import json
from html import escape
from statistics import median

from measure import Rounds


# Figures of a row: where they stand in the result of a turn.
FIGURES = {
    "messages_per_second": ("messages_per_second",),
    "megabytes_per_second": ("megabytes_per_second",),
    "p50_us": ("latency_us", "p50"),
    "p90_us": ("latency_us", "p90"),
    "p99_us": ("latency_us", "p99"),
    "p99_9_us": ("latency_us", "p99_9"),
    "p99_99_us": ("latency_us", "p99_99"),
    "offered_per_second": ("rate",),
    "load_lateness_p99_us": ("lateness_us", "p99"),
    "server_cpu_us_per_message": ("server_cpu_us_per_message",),
    "messages_max_to_min": ("messages_max_to_min",),
    "p99_to_p50": ("p99_to_p50",),
    "server_cpu_share": ("server_cpu_share",),
    "server_waits_per_second": ("server_waits_per_second",),
    "resident_bytes_per_connection": ("resident_bytes_per_connection",),
    "load_cpu_share": ("load_cpu_share",),
    "finish_seconds": ("finish_seconds",),
    "linear_memory_bytes": ("linear_memory_bytes",),
    "linear_memory_bytes_per_connection": ("linear_memory_bytes_per_connection",),
}


def summarize(scenario, machine, contenders, cases, table):
    """Medians and the rounds behind them, ready for JSON. A contender that failed in a round has
    no figures in that case."""
    summary = {"scenario": scenario, "machine": machine, "cases": []}
    by_name = {contender.name: contender for contender in contenders}
    for case in cases:
        rows = table[case.name]
        summary["cases"].append({
            "name": case.name, "view": case.view, "base": case.base, "also": case.also,
            "reference": case.reference,
            "servers": [summarize_row(by_name[name], case, rows, table) for name in rows]})
    return summary


def summarize_row(contender, case, rows, table):
    rounds = rows[contender.name]
    row = {"name": contender.name, "peer": contender.peer, "missing": contender.missing}
    ratios = rounds.ratios_to(rows[case.base]) if case.base in rows else []
    row["ratio"] = median(ratios) if ratios else None
    row["ratio_min"], row["ratio_max"] = min(ratios, default=None), max(ratios, default=None)
    for other in case.also:
        ratios = rounds.ratios_to(rows[other]) if other in rows else []
        row[f"ratio to {other}"] = median(ratios) if ratios else None
    by_cpu = rounds.cpu_ratios_to(rows[case.base]) if case.base in rows else []
    row["cpu_ratio"] = median(by_cpu) if by_cpu else None
    row.update({key: rounds.median(*path) for key, path in FIGURES.items()})
    alone = table.get(case.reference, {}).get(contender.name, Rounds()) \
        .median("messages_per_second")
    rate = row["messages_per_second"]
    row["ratio_reference"] = rate / alone if rate is not None and alone else None
    suites = {result["suite"] for result in rounds.results if result and result.get("suite")}
    row["suite"] = ", ".join(sorted(suites)) or None
    return {**row, "failures": rounds.failures, "rounds": rounds.results}


def as_json(summary):
    return json.dumps(summary, indent=1) + "\n"


def conditions(machine):
    pinned = "any CPU"
    if machine["load_cpus"]:
        pinned = f"server on {name_cpus(machine['server_cpus'])}, load on " \
                 f"{name_cpus(machine['load_cpus'])}"
    return (f"{machine['host']}, {machine['kernel']} {machine['machine']}, "
            f"{machine['cpus']} CPUs ({pinned}), medians of {machine['rounds']} rounds of "
            f"{machine['seconds']:g} s")


def name_cpus(cpus):
    if len(cpus) == 1:
        return f"CPU {cpus[0]}"
    return f"CPUs {cpus[0]}-{cpus[-1]}" if cpus == list(range(cpus[0], cpus[-1] + 1)) \
        else "CPUs " + ",".join(map(str, cpus))


def disturbance(summary):
    """What else ran meanwhile: the median share of all CPUs, over all turns."""
    shares = [turn["others_cpu_share"] for case in summary["cases"] for row in case["servers"]
              for turn in row["rounds"] if turn]
    if not shares:
        return "no turn succeeded"
    share = median(shares)
    noisy = "; that is much: the figures are rough" if share > 0.1 else ""
    return f"other programs used {share:.0%} of the CPUs meanwhile{noisy}"


def component_line(component):
    return (f"{component['name']}: {component['bytes']:,} bytes, "
            f"{component['stripped_bytes']:,} without debug information and names")


def words(title, key):
    return title, lambda row: row[key] or "-"


def number(title, key, form, factor=1):
    """A column: its title, and the text of a server's row."""
    return title, lambda row: "-" if row[key] is None else format(row[key] * factor, form)


def spread(row):
    return "-" if row["ratio"] is None else f"{row['ratio_min']:.2f}-{row['ratio_max']:.2f}"


def columns(case):
    """The columns of a case, what matters most first."""
    ratios = [number(f"x {case['base']}", "ratio", ".2f"), ("spread", spread)]
    ratios += [number(f"x {other}", f"ratio to {other}", ".2f") for other in case["also"]]
    if case["reference"]:
        ratios.append(number(f"x {case['reference']}", "ratio_reference", ".2f"))
    by_cpu = number(f"x {case['base']} by CPU", "cpu_ratio", ".2f")
    rate = number("messages/s", "messages_per_second", ",.0f")
    latencies = [number("p50 us", "p50_us", ",.1f"), number("p99 us", "p99_us", ",.1f")]
    slowest = number("p99.9 us", "p99_9_us", ",.1f")
    cpu = number("CPU us/msg", "server_cpu_us_per_message", ",.2f")
    resident = number("resident B/conn", "resident_bytes_per_connection", ",.0f")
    return {
        "rate": [*ratios, rate, number("MB/s", "megabytes_per_second", ",.1f"), *latencies,
                 slowest, cpu],
        "handshakes": [*ratios, by_cpu, number("handshakes/s", "messages_per_second", ",.0f"),
                       *latencies, number("CPU us/handshake", "server_cpu_us_per_message", ",.0f"),
                       number("server CPU %", "server_cpu_share", ".0f", 100),
                       number("load CPU %", "load_cpu_share", ".0f", 100),
                       words("cipher suite", "suite")],
        "stream": [*ratios, by_cpu, number("MB/s", "megabytes_per_second", ",.1f"), *latencies,
                   number("CPU us/record", "server_cpu_us_per_message", ",.1f"),
                   number("server CPU %", "server_cpu_share", ".0f", 100),
                   number("load CPU %", "load_cpu_share", ".0f", 100)],
        "fairness": [*ratios, rate, number("max/min", "messages_max_to_min", ",.2f"),
                     number("p99/p50", "p99_to_p50", ",.1f"), *latencies, slowest, cpu],
        "open loop": [number("offered/s", "offered_per_second", ",.0f"), rate, latencies[0],
                      number("p90 us", "p90_us", ",.1f"), latencies[1], slowest,
                      number("p99.99 us", "p99_99_us", ",.1f"), cpu,
                      number("load late p99 us", "load_lateness_p99_us", ",.1f")],
        "rest": [number("CPU %", "server_cpu_share", ".1f", 100),
                 number("waits/s", "server_waits_per_second", ",.1f"), resident],
        "held": [number("all echoed s", "finish_seconds", ",.2f"), resident],
        "memory": [number("linear memory B/conn", "linear_memory_bytes_per_connection", ",.0f"),
                   number("linear memory B", "linear_memory_bytes", ",.0f"), resident],
        "memory of streams": [
            number("linear memory B/stream", "linear_memory_bytes_per_connection", ",.0f"),
            number("linear memory B", "linear_memory_bytes", ",.0f"),
            number("resident B/stream", "resident_bytes_per_connection", ",.0f")],
    }[case["view"]]


def remarks(servers):
    """What is to be said about servers without figures."""
    missing = [f"{row['name']} is missing: {row['missing']}" for row in servers if row["missing"]]
    return missing + [f"{row['name']} FAILED {len(row['failures'])} times: {row['failures'][0]}"
                      for row in servers if row["failures"]]


def as_text(summary):
    lines = [f"{summary['scenario']}: {conditions(summary['machine'])}"]
    for case in summary["cases"]:
        shown = columns(case)
        rows = [[case["name"], *(title for title, _ in shown)]]
        rows += [[f"  {row['name']}", *(text(row) for _, text in shown)]
                 for row in case["servers"] if not row["missing"]]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines.append("")
        for first, *rest in rows:
            cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:]))
            lines.append("  ".join([first.ljust(widths[0]), *cells]))
        lines += [f"  {remark}" for remark in remarks(case["servers"])]
    lines += ["", disturbance(summary), component_line(summary["component"])]
    return "\n".join(lines)


STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --dim: #687078; --line: #d8dce0;
        --back: #ffffff; --bar: #9aa4ae; --own: #2f6fd0; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e8ea; --dim: #98a0a8; --line: #363c42; --back: #14171a;
          --bar: #59636d; --own: #6ea0f0; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; }
p { color: var(--dim); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; }
.scroll { overflow-x: auto; }
svg { width: 100%; height: auto; } svg text { font-size: 13px; fill: var(--text); }
.bar { fill: var(--bar); } .own { fill: var(--own); }
.spread { stroke: var(--text); stroke-width: 1.5; } .base { stroke: var(--dim);
stroke-dasharray: 4 3; } .failed { color: #c03030; }
"""


def as_html(summary, programs=""):
    title = f"copoll benchmark: {summary['scenario']}"
    parts = [
        "<!doctype html>", '<html lang="en">', '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", f"<h1>{escape(title)}</h1>",
        f"<p>{escape(conditions(summary['machine']))}.",
        "Bars: rate relative to the server named above the first column (dashed line), median of"
        " the rounds; the thin line spans the lowest and the highest round.</p>",
    ]
    for case in summary["cases"]:
        present = [row for row in case["servers"] if not row["missing"]]
        parts.append(f"<h2>{escape(case['name'])}</h2>")
        if case["view"] in ("rate", "fairness", "handshakes", "stream"):
            parts.append(bars(present))
        parts.append(html_table(present, columns(case)))
        parts += [f"<p class='failed'>{escape(text)}</p>" for text in remarks(case["servers"])]
    if programs:
        parts.append(f"<pre class='scroll'>{escape(programs)}</pre>")
    parts.append(f"<p>{escape(disturbance(summary))}.<br>"
                 f"{escape(component_line(summary['component']))}.</p>")
    return "\n".join(parts) + "\n"


def html_table(servers, shown):
    head = "".join(f"<th>{escape(title)}</th>" for title, _ in shown)
    body = [f"<tr><td>{escape(row['name'])}</td>"
            + "".join(f"<td>{escape(text(row))}</td>" for _, text in shown) + "</tr>"
            for row in servers]
    return f"<div class='scroll'><table><tr><th></th>{head}</tr>{''.join(body)}</table></div>"


def bars(servers):
    width, label, bar, gap = 800, 180, 18, 8
    room = width - label - 60
    longest = max([1.0] + [row["ratio_max"] for row in servers if row["ratio"] is not None])

    def x(ratio):
        return round(label + room * ratio / longest, 1)

    height = len(servers) * (bar + gap) + gap
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="rates relative">']
    for i, row in enumerate(servers):
        top = gap + i * (bar + gap)
        middle = top + bar / 2
        parts.append(f'<text x="{label - 10}" y="{middle + 4.5}" text-anchor="end">'
                     f'{escape(row["name"])}</text>')
        if row["ratio"] is None:
            parts.append(f'<text x="{label}" y="{middle + 4.5}">failed</text>')
            continue
        kind = "own" if row["name"].startswith("copoll") else "bar"
        parts.append(f'<rect class="{kind}" x="{label}" y="{top}" rx="2" '
                     f'width="{x(row["ratio"]) - label}" height="{bar}"/>')
        parts.append(f'<line class="spread" x1="{x(row["ratio_min"])}" y1="{middle}" '
                     f'x2="{x(row["ratio_max"])}" y2="{middle}"/>')
        parts.append(f'<text x="{x(row["ratio_max"]) + 8}" y="{middle + 4.5}">'
                     f'{row["ratio"]:.2f}</text>')
    parts.append(f'<line class="base" x1="{x(1)}" y1="0" x2="{x(1)}" y2="{height}"/></svg>')
    return "\n".join(parts)
