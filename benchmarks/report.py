# SPDX-License-Identifier: MIT OR Apache-2.0
"""A scenario's figures as text, JSON, and an HTML page that needs nothing else."""
import json
from html import escape
from statistics import median


def summarize(scenario, machine, contenders, table):
    """Medians and the rounds behind them, ready for JSON. The second contender is the base."""
    base = contenders[1].name
    cases = []
    for case, rows in table.items():
        servers = []
        for contender in contenders:
            rounds = rows[contender.name]
            ratios = rounds.ratios_to(rows[base])
            servers.append({
                "name": contender.name,
                "peer": contender.peer,
                "ratio": median(ratios) if ratios else None,
                "ratio_min": min(ratios, default=None),
                "ratio_max": max(ratios, default=None),
                "messages_per_second": rounds.median("messages_per_second"),
                "megabytes_per_second": rounds.median("megabytes_per_second"),
                "p50_us": rounds.median("latency_us", "p50"),
                "p99_us": rounds.median("latency_us", "p99"),
                "server_cpu_us_per_message": rounds.median("server_cpu_us_per_message"),
                "failures": rounds.failures,
                "rounds": rounds.results,
            })
        cases.append({"name": case, "servers": servers})
    return {"scenario": scenario, "base": base, "machine": machine, "cases": cases}


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


def columns(base):
    """(title, text of a server's row) of the table, ratio first."""
    def number(key, form):
        return lambda row: "-" if row[key] is None else format(row[key], form)

    def spread(row):
        return "-" if row["ratio"] is None else f"{row['ratio_min']:.2f}-{row['ratio_max']:.2f}"

    return [
        (f"x {base}", number("ratio", ".2f")),
        ("spread", spread),
        ("messages/s", number("messages_per_second", ",.0f")),
        ("MB/s", number("megabytes_per_second", ",.1f")),
        ("p50 us", number("p50_us", ",.1f")),
        ("p99 us", number("p99_us", ",.1f")),
        ("CPU us/msg", number("server_cpu_us_per_message", ",.2f")),
    ]


def as_text(summary):
    shown = columns(summary["base"])
    lines = [f"{summary['scenario']}: {conditions(summary['machine'])}"]
    for case in summary["cases"]:
        rows = [[case["name"], *(title for title, _ in shown)]]
        rows += [[f"  {row['name']}", *(text(row) for _, text in shown)]
                 for row in case["servers"]]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines.append("")
        for first, *rest in rows:
            cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:]))
            lines.append("  ".join([first.ljust(widths[0]), *cells]))
        lines += [f"  {row['name']} FAILED {len(row['failures'])} times: {row['failures'][0]}"
                  for row in case["servers"] if row["failures"]]
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


def as_html(summary):
    title = f"copoll benchmark: {summary['scenario']}"
    parts = [
        "<!doctype html>", '<html lang="en">', '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", f"<h1>{escape(title)}</h1>",
        f"<p>{escape(conditions(summary['machine']))}.",
        f"Bars: rate relative to <b>{escape(summary['base'])}</b> (dashed line), median of the"
        " rounds; the thin line spans the lowest and the highest round.</p>",
    ]
    for case in summary["cases"]:
        parts += [f"<h2>{escape(case['name'])}</h2>", bars(case["servers"]),
                  html_table(case["servers"], summary["base"])]
    parts.append(f"<p>{escape(disturbance(summary))}.<br>"
                 f"{escape(component_line(summary['component']))}.</p>")
    return "\n".join(parts) + "\n"


def html_table(servers, base):
    shown = columns(base)
    head = "".join(f"<th>{escape(title)}</th>" for title, _ in shown)
    body = [f"<tr><td>{escape(row['name'])}</td>"
            + "".join(f"<td>{escape(text(row))}</td>" for _, text in shown) + "</tr>"
            for row in servers]
    failures = [f"<p class='failed'>{escape(row['name'])}: {escape(text)}</p>"
                for row in servers for text in row["failures"]]
    return (f"<div class='scroll'><table><tr><th></th>{head}</tr>{''.join(body)}</table></div>"
            + "".join(failures))


def bars(servers):
    width, label, bar, gap = 800, 150, 18, 8
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
        parts.append(f'<rect class="{"own" if i == 0 else "bar"}" x="{label}" y="{top}" rx="2" '
                     f'width="{x(row["ratio"]) - label}" height="{bar}"/>')
        parts.append(f'<line class="spread" x1="{x(row["ratio_min"])}" y1="{middle}" '
                     f'x2="{x(row["ratio_max"])}" y2="{middle}"/>')
        parts.append(f'<text x="{x(row["ratio_max"]) + 8}" y="{middle + 4.5}">'
                     f'{row["ratio"]:.2f}</text>')
    parts.append(f'<line class="base" x1="{x(1)}" y1="0" x2="{x(1)}" y2="{height}"/></svg>')
    return "\n".join(parts)
