# SPDX-License-Identifier: MIT OR Apache-2.0
"""What differs between two runs beyond the noise.

Noise is what rounds of one run differ by: a figure has changed when all rounds of one run lie above
all rounds of the other, and the medians are further apart than `margin` times the wider range. Of
figures that are the same some pass for changed nonetheless: 6 in a thousand with three rounds, 2
with five, less than one with seven. Rates are compared as the ratios to the base of their case, since
these mean the same on another day; what has no base is compared as it is, which says little if machine
or host differ.
"""
from dataclasses import dataclass
from statistics import median

from tables import Table, spread

SMALLEST = 0.02
FEWEST = 3  # rounds; less say nothing about noise
ENOUGH = 5  # rounds of which two groups seldom lie apart by chance
HIGHER, LOWER = "higher", "lower"
# Of a server in a case: where a figure stands in a round, and which is better.
FIGURES = {
    "p50 us": (("latency_us", "p50"), LOWER),
    "p99 us": (("latency_us", "p99"), LOWER),
    "CPU us/msg": (("server_cpu_us_per_message",), LOWER),
    "linear memory B/conn": (("linear_memory_bytes_per_connection",), LOWER),
    "resident B/conn": (("resident_bytes_per_connection",), LOWER),
    "messages max/min": (("messages_max_to_min",), LOWER),
    "waits/s at rest": (("server_waits_per_second",), LOWER),
}
ONLY_OF_VIEW = {"waits/s at rest": "rest"}
LATENCIES = ("p50 us", "p99 us")
# Of a program that measures itself, by a part of the figure's name.
PROGRAM_FIGURES = {"/s": HIGHER, "full": HIGHER, "resumed": HIGHER, " us": LOWER, "_ns": LOWER, " ns": LOWER, "near": LOWER,
                   "far": LOWER, "bytes": LOWER, "allocations": LOWER, "calls": LOWER,
                   "seconds": LOWER, " ms": LOWER}


@dataclass(frozen=True)
class Figure:
    values: list
    better: str = ""  # empty: not known


def figures_of(run):
    """{(scenario, case, server, figure): Figure}"""
    found = {}
    for summary in run["scenarios"]:
        name = summary["scenario"]
        for case in summary["cases"]:
            for row in case["servers"]:
                for figure, values in figures_of_row(case, row).items():
                    found[name, case["name"], row["name"], figure] = values
        for path, values in leaves(summary["programs"]):
            found[name, "", ", ".join(path[:-1]), path[-1]] = Figure(values, direction(path[-1]))
        if summary["component"]:
            found[name, "", summary["component"]["name"], "bytes, stripped"] = \
                Figure([summary["component"]["stripped_bytes"]] * FEWEST, LOWER)
    return found


def figures_of_row(case, row):
    if row["failures"] or row["not_measurable"] or row["missing"] or not row["rounds"]:
        return {}
    found = {}
    if row["name"] == case["base"] or not row["ratios"]:
        rates = [turn["messages_per_second"] for turn in row["rounds"]]
        found["messages/s"] = Figure(rates, HIGHER)
    else:
        found[f"x {case['base']}"] = Figure(row["ratios"], HIGHER)
    for title, (path, better) in FIGURES.items():
        if ONLY_OF_VIEW.get(title, case["view"]) != case["view"]:
            continue
        values = [value for turn in row["rounds"] if (value := at(turn, path)) is not None]
        if values:
            found[title] = Figure(values, better)
    return found


def at(turn, path):
    for key in path:
        turn = turn.get(key) if turn else None
    return turn


def leaves(figures, path=()):
    """(names on the way, values by round) of figures in dictionaries in dictionaries."""
    for key, value in figures.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        elif value and all(isinstance(v, (int, float)) for v in value):
            yield (*path, key), value


def direction(figure):
    return next((better for part, better in PROGRAM_FIGURES.items() if part in figure), "")


def has_changed(old, new):
    """Whether two figures differ beyond the noise of both."""
    fewest = min(len(old), len(new))
    if fewest < FEWEST or not (min(new) > max(old) or max(new) < min(old)):
        return False
    margin = 1 if fewest >= ENOUGH else 2
    before, by = median(old), abs(median(new) - median(old))
    return by > margin * max(max(old) - min(old), max(new) - min(new)) \
        and by > SMALLEST * abs(before)


def verdict(old, new):
    if not new.better:
        return "changed"
    rose = median(new.values) > median(old.values)
    return "better" if rose == (new.better == HIGHER) else "worse"


def compare(old, new):
    """(a table of what changed, lines to be read with it)"""
    before, after = figures_of(old), figures_of(new)
    both = [key for key in after if key in before and is_comparable(key, old, new)]
    rows = [(" | ".join(key), ["-", "-", "-", "fails now"])
            for key in sorted(failed_in(new) - failed_in(old))]
    for key in both:
        if not has_changed(before[key].values, after[key].values):
            continue
        was, now = (median(figures[key].values) for figures in (before, after))
        rows.append((" | ".join(filter(None, key)), [
            spread(before[key].values, ",.4g"), spread(after[key].values, ",.4g"),
            f"{now / was - 1:+.0%}" if was else "-", verdict(before[key], after[key])]))
    table = Table("changed beyond the noise", ["before", "now", "by", ""], rows)
    return table, remarks(old, new, before, after, both)


def failed_in(run):
    """{(scenario, case, server)} of those that failed."""
    return {(summary["scenario"], case["name"], row["name"]) for summary in run["scenarios"]
            for case in summary["cases"] for row in case["servers"] if row["failures"]}


def is_comparable(key, old, new):
    """Latencies in open loop are those under one load: not if it was another one."""
    if key[-1] not in LATENCIES:
        return True
    was, now = (offered(run, *key[:3]) for run in (old, new))
    return not was or not now or abs(now / was - 1) <= SMALLEST


def offered(run, scenario, case, server):
    return next((row.get("offered_per_second") for summary in run["scenarios"]
                 if summary["scenario"] == scenario for found in summary["cases"]
                 if found["name"] == case for row in found["servers"] if row["name"] == server),
                None)


def remarks(old, new, before, after, both):
    few = sum(min(len(before[key].values), len(after[key].values)) < FEWEST for key in both)
    lines = [f"compared: {len(both)} figures with those of {old['made']}"]
    if few:
        lines.append(f"{few} of them have fewer than {FEWEST} rounds in one run, so nothing is "
                     "known about their noise")
    for name, keys in (("only now", after.keys() - before.keys()),
                       ("no longer there", before.keys() - after.keys())):
        servers = sorted({" | ".join(filter(None, key[:3])) for key in keys})
        if servers:
            lines.append(f"{name}: {'; '.join(servers)}")
    lines += [f"{field} differs: {old['machine'].get(field)}, now {new['machine'].get(field)}"
              for field in ("host", "processor", "cpus", "load_cpus", "kernel", "rounds", "seconds",
                            "versions")
              if old["machine"].get(field) != new["machine"].get(field)]
    return lines
