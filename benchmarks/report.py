# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a run measured, summed up for JSON, and as tables."""
import json
from statistics import median

import scenarios
import targets
from measure import Rounds
from tables import Table

KEEPS_UP = 0.9  # of the rate that is offered
FORMAT = 1  # of the JSON; another number when a reader of this one would misread it

# Figures of a row: where they stand in the result of a turn.
FIGURES = {
    "messages_per_second": ("messages_per_second",),
    "megabytes_per_second": ("megabytes_per_second",),
    "p50_us": ("latency_us", "p50"),
    "p90_us": ("latency_us", "p90"),
    "p99_us": ("latency_us", "p99"),
    "p99_9_us": ("latency_us", "p99_9"),
    "p99_99_us": ("latency_us", "p99_99"),
    "offered_per_second": ("offered_per_second",),
    "unanswered": ("unanswered",),
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


def summarize_cases(contenders, cases, table):
    """Medians and the rounds behind them, ready for JSON. A contender that failed in a round has
    no figures in that case."""
    by_name = {contender.name: contender for contender in contenders}
    return [{"name": case.name, "view": case.view, "base": case.base, "also": case.also,
             "reference": case.reference,
             "servers": [summarize_row(by_name[name], case, table[case.name], table)
                         for name in table[case.name]]}
            for case in cases]


def summarize_row(contender, case, rows, table):
    rounds = rows[contender.name]
    row = {"name": contender.name, "peer": contender.peer, "missing": contender.missing}
    ratios = rounds.ratios_to(rows[case.base]) if case.base in rows else []
    row["ratios"] = ratios
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
    return {**row, "failures": rounds.failures, "not_measurable": rounds.not_measurable,
            "rounds": rounds.results}


def as_json(run):
    """One line for each figure and for each round of a server, so that two files can be compared by
    eye as well."""
    return json.dumps(run, indent=1) + "\n"


def read_json(path):
    """A run from its file; ValueError if the file holds something else."""
    run = json.loads(path.read_text())
    if not isinstance(run, dict) or run.get("format") != FORMAT:
        raise ValueError(f"{path} is no report of this version of ./dev bench")
    return run


def conditions(machine):
    pinned = "any CPU"
    if machine["load_cpus"]:
        pinned = f"server on {name_cpus(machine['server_cpus'])}, load on " \
                 f"{name_cpus(machine['load_cpus'])}"
    return (f"{machine['host']}, {machine['processor']}, {machine['kernel']}, "
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
    if summary["others_cpu_share"] is not None:
        shares.append(summary["others_cpu_share"])
    if not shares:
        return "no turn succeeded"
    share, most = median(shares), max(shares)
    noisy = "; that is much: the figures are rough" if share > 0.1 else ""
    return f"other programs used {share:.0%} of the CPUs meanwhile, at most {most:.0%}{noisy}"


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
        "visits": [*ratios, by_cpu, number("connections/s", "messages_per_second", ",.0f"),
                   *latencies, number("CPU us/conn", "server_cpu_us_per_message", ",.1f"),
                   number("server CPU %", "server_cpu_share", ".0f", 100),
                   number("load CPU %", "load_cpu_share", ".0f", 100)],
        "stream": [*ratios, by_cpu, number("MB/s", "megabytes_per_second", ",.1f"), *latencies,
                   number("CPU us/record", "server_cpu_us_per_message", ",.1f"),
                   number("server CPU %", "server_cpu_share", ".0f", 100),
                   number("load CPU %", "load_cpu_share", ".0f", 100)],
        "fairness": [*ratios, rate, number("max/min", "messages_max_to_min", ",.2f"),
                     number("p99/p50", "p99_to_p50", ",.1f"), *latencies, slowest, cpu],
        "open loop": [number("offered/s", "offered_per_second", ",.0f"), rate,
                      number("unanswered", "unanswered", ",.0f"), latencies[0],
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
    """What is to be said about servers without all their figures."""
    failed = [f"{row['name']} FAILED {len(row['failures'])} times: {row['failures'][0]}"
              for row in servers if row["failures"]]
    behind = [f"{row['name']} was not measurable: {row['not_measurable'][0]}"
              for row in servers if row.get("not_measurable")]
    return [*failed, *behind, *filter(None, map(cannot_keep_up, servers))]


def cannot_keep_up(row):
    """What is to be said of a server that does not in open loop; nothing of others."""
    rounds = [turn for turn in row["rounds"] if turn and turn.get("offered_per_second")]
    unanswered = sum(turn["unanswered"] for turn in rounds)
    if unanswered:
        messages = unanswered + sum(turn["messages"] for turn in rounds)
        return (f"{row['name']} cannot keep up: {unanswered:,} of {messages:,} messages had no "
                "answer when the load ended")
    if rounds and row["messages_per_second"] < KEEPS_UP * row["offered_per_second"]:
        return (f"{row['name']} cannot keep up: {row['messages_per_second']:,.0f} messages/s of "
                f"{row['offered_per_second']:,.0f} offered")
    return ""


def late_loads(servers):
    """What is to be said about latencies in open loop that are not those of the server."""
    late = [row["name"] for row in servers
            if row["load_lateness_p99_us"] and row["p99_us"]
            and row["load_lateness_p99_us"] > row["p99_us"] / 2]
    return [f"over half of p99 is that the load was late: {', '.join(late)}"] if late else []


def case_table(case):
    shown = columns(case)
    rows = [(row["name"], [text(row) for _, text in shown])
            for row in case["servers"] if not row["missing"]]
    return Table(case["name"], [title for title, _ in shown], rows,
                 [*remarks(case["servers"]), *late_loads(case["servers"])])


def missing(scenario):
    """{server: why it was not measured}"""
    return {row["name"]: row["missing"] for case in scenario["cases"] for row in case["servers"]
            if row["missing"]} | scenario["missing"]


def program_tables(scenario):
    """Of the programs that measure themselves."""
    figures = scenario["programs"]
    return scenarios.ALL[scenario["scenario"]].tables(figures) if figures else []


def closing_lines(scenario):
    """What is to be known about a scenario as a whole."""
    lines = [f"{name} is missing: {why}" for name, why in missing(scenario).items()]
    if scenario["lacks"]:
        lines.append(f"not measured: {scenario['lacks']}")
    if scenario["cases"] or scenario["programs"]:
        lines.append(disturbance(scenario))
    if scenario["component"]:
        lines.append(component_line(scenario["component"]))
    return lines


def scenario_text(scenario, machine):
    tables = [*program_tables(scenario), *map(case_table, scenario["cases"])]
    parts = [f"{scenario['scenario']}: {conditions(machine)}",
             *("\n".join(table.as_lines()) for table in tables),
             "\n".join(closing_lines(scenario))]
    return "\n\n".join(part for part in parts if part)


def targets_table(run):
    """What the project wants to reach, and what this run says of it; none if it says nothing."""
    verdicts = targets.judge(run)
    rows = [(f"{v.target.scenario}: {v.target.name}",
             [v.verdict, v.reached, v.target.wanted(), v.why]) for v in verdicts]
    columns = ["verdict", "reached", "wanted", "why"]
    return Table("targets", columns, rows, words=("verdict", "why")) if rows else None


def as_markdown(run):
    """All tables, without the words around them."""
    machine = run["machine"]
    versions = ", ".join(" ".join(pair) for pair in machine["versions"].items())
    parts = [[f"{run['made']}, revision {machine['revision'] or 'unknown'}, "
              f"{run['seconds_taken'] / 60:.0f} minutes."],
             [f"{conditions(machine)}, {machine['memory_bytes'] / 2**30:.0f} GiB, "
              f"{machine['system']}."], [f"{versions}."]]
    parts.append([f"- {failure}" for failure in run["failures"]])
    if table := targets_table(run):
        parts.append(table.as_markdown())
    for scenario in run["scenarios"]:
        parts.append([f"## {scenario['scenario']}"])
        tables = [*program_tables(scenario), *map(case_table, scenario["cases"])]
        parts += [table.as_markdown() for table in tables]
        parts.append([f"- {line}" for line in closing_lines(scenario)])
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"
