# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures servers against each other, in rounds, and sums up what came out."""
import contextlib
import json
import os
import resource
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from servers import ROOT, Failure, Server, on_cpus

ECHO_LOAD = ROOT / "build/native/bin/echo_load"
BEHIND = 3  # exit code of echo_load
LONGEST_REST = 60  # seconds that a turn may take besides what it was to take


@dataclass
class Contender:
    """A server to measure. A peer is one that was named on the command line. One that is missing
    has the reason here, and is only listed."""
    name: str
    command: list
    peer: bool = False
    missing: str = ""
    load: tuple = ()             # arguments that the load needs for this one


@dataclass
class Case:
    """Contenders under one load. All names are those of contenders."""
    name: str
    load: list                   # arguments of the program that makes the load
    base: str                    # whose rate is 1
    also: tuple = ()             # others to compare with
    reference: str = ""          # name of the case that each contender is compared with itself in
    contenders: tuple = ()       # who takes part; empty: all
    view: str = "rate"           # which columns the report shows, see report.py
    seconds: float = 0           # length of a turn, at least
    rounds: int = 1000           # how many, at most
    program: Path = None         # that makes the load; None: echo_load
    rate_of: "Case" = None       # open loop, at `share` of the rate that `base` has in this case
    share: float = 0


class LoadBehind(Failure):
    """The load could not keep up with its own rate, which says nothing about the server."""


@dataclass
class Rounds:
    """What one contender did in one case, round by round; None where it failed, or the load did not
    keep up."""
    results: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    not_measurable: list = field(default_factory=list)  # why, of each such round

    def values(self, *path):
        found = []
        for result in filter(None, self.results):
            for key in path:
                result = result.get(key) if result else None
            if result is not None:
                found.append(result)
        return found

    def median(self, *path):
        """None as well when a round lacks it: what is left would not be the whole truth."""
        values = self.values(*path)
        lacking = self.failures or self.not_measurable or \
            len(values) < sum(map(bool, self.results))
        return median(values) if values and not lacking else None

    def ratios_to(self, base):
        """Rates relative to those of `base`, pair by pair: each pair was measured one after the
        other, so what else the machine did meanwhile weighs on both."""
        return [mine["messages_per_second"] / theirs["messages_per_second"]
                for mine, theirs in self._pairs(base) if theirs["messages_per_second"] > 0]

    def cpu_ratios_to(self, base):
        """The same of messages by processor time: what the rates were if the server alone had set
        them, and nothing else had run."""
        key = "server_cpu_us_per_message"
        return [theirs[key] / mine[key] for mine, theirs in self._pairs(base)
                if mine.get(key) and theirs.get(key)]

    def _pairs(self, base):
        if any((self.failures, self.not_measurable, base.failures, base.not_measurable)):
            return []
        return [pair for pair in zip(self.results, base.results) if all(pair)]


def cpu_split():
    """(CPUs for the load, CPUs for the server), so that neither takes the other's time and the
    scheduler cannot decide a round; empty sets where there is one CPU only."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        return frozenset(), frozenset()
    return frozenset(cpus[-1:]), frozenset(cpus[:-1])


def run_load(address, arguments, seconds, cpus=frozenset(), on_phase=lambda name: None,
             program=None):
    """Runs echo_load, or a program with the same face, and returns its figures; Failure when a
    byte was wrong or missing, or a connection was lost; LoadBehind when it fell behind its own rate.
    Calls on_phase with the name of each part
    of the run that begins."""
    program = program or ECHO_LOAD
    if not program.exists():
        raise Failure(f"{program.relative_to(ROOT)} is missing: ./dev build native")
    command = [program, "--connect", address, "--json", "--phases", "--seconds", str(seconds)]
    with on_cpus(cpus):
        load = subprocess.Popen([*command, *arguments], text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    stuck = threading.Timer(seconds + LONGEST_REST, load.kill)
    stuck.start()
    with load:
        try:
            said = follow(load, on_phase)
            figures = load.stdout.read()
        except BaseException:
            load.kill()
            raise
        finally:
            stuck.cancel()
    if load.returncode == -signal.SIGKILL:
        raise Failure(f"not done {LONGEST_REST} s after it should have been")
    if load.returncode == BEHIND and program == ECHO_LOAD:
        raise LoadBehind(said.strip())
    if load.returncode != 0:
        raise Failure(said.strip() or f"{program.name} ended with {load.returncode}")
    return json.loads(figures)


def follow(load, on_phase):
    """Reads what the load says until it ends, and returns what is not the name of a phase."""
    said = ""
    for line in load.stderr:
        if not line.startswith("phase "):
            said += line
            continue
        phase = line.split()[1]
        on_phase(phase)
        if phase == "finishing":
            print(file=load.stdin, flush=True)
    return said


def busy_seconds():
    """CPU time that anything on this machine has used so far."""
    user, nice, system, _idle, _iowait, irq, softirq = map(
        int, Path("/proc/stat").read_text().split(maxsplit=8)[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def load_seconds():
    """CPU time of the load generators that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class OthersShare:
    """In a `with`: the share of all CPUs that programs use that were not started inside."""
    def __enter__(self):
        self.begun, self.busy, self.ours = time.monotonic(), busy_seconds(), load_seconds()
        return self

    def __exit__(self, *_):
        took = max(time.monotonic() - self.begun, 0.1)
        others = busy_seconds() - self.busy - (load_seconds() - self.ours)
        self.share = max(0.0, others / (took * os.cpu_count()))


class Samples:
    """What the server has used, at the start and whenever a part of the load's run begins."""
    def __init__(self, server):
        self.server = server
        self.usage = {}
        self.linear_memory = {}
        self.take("start")

    def take(self, phase):
        self.usage[phase] = self.server.usage()
        self.linear_memory[phase] = self.server.linear_memory

    def figures(self, result):
        start, begin, end = (self.usage[p] for p in ("start", "counting", "finishing"))
        connections = result["connections"] + result["idle"]
        cpu = end.cpu_seconds - begin.cpu_seconds
        grown = end.resident_bytes - start.resident_bytes
        figures = {
            "server_cpu_share": cpu / result["seconds"],
            "server_waits_per_second": (end.waits - begin.waits) / result["seconds"],
            "resident_bytes_per_connection": grown / connections,
        }
        if result["messages"]:
            figures["server_cpu_us_per_message"] = cpu / result["messages"] * 1e6
        if self.linear_memory["start"] is not None:
            grown = self.linear_memory["finishing"] - self.linear_memory["start"]
            figures["linear_memory_bytes"] = self.linear_memory["finishing"]
            figures["linear_memory_bytes_per_connection"] = grown / connections
        return figures


def fairness(result):
    """How much more the luckiest got than the unluckiest, in messages and in waiting."""
    if not result["messages"] or not result.get("messages_per_connection") or \
            "p99" not in result["latency_us"]:
        return {}
    per_connection, latency = result["messages_per_connection"], result["latency_us"]
    return {"messages_max_to_min": per_connection["max"] / max(per_connection["min"], 1),
            "p99_to_p50": latency["p99"] / latency["p50"]}


def measure_once(contender, case, seconds, load_cpus, server_cpus):
    # A new process each time: where a host's threads happen to run is drawn again each round.
    with Server(contender.command, server_cpus) as server:
        start, busy, load = time.monotonic(), busy_seconds(), load_seconds()
        samples = Samples(server)
        result = run_load(server.address, [*case.load, *contender.load], seconds, load_cpus,
                          samples.take, case.program)
        used = server.usage().cpu_seconds - samples.usage["start"].cpu_seconds
        loaded = load_seconds() - load
        took = time.monotonic() - start
        others = busy_seconds() - busy - used - loaded
    result["others_cpu_share"] = max(0.0, others / (took * os.cpu_count()))
    result["load_cpu_share"] = loaded / took
    return {**result, **samples.figures(result), **fairness(result)}


def measure(contenders, cases, rounds, seconds, pinned, progress):
    """The contenders in all cases: {case name: {contender name: Rounds}}. A peer that failed in a
    case has no more turns in it: it may take minutes to fail again."""
    load_cpus, server_cpus = cpu_split() if pinned else (frozenset(), frozenset())
    table, rates = {}, {}
    for case in cases:
        playing = taking_part(case, contenders)
        row = table[case.name] = {c.name: Rounds() for c in playing}
        present = [c for c in playing if not c.missing]
        count = min(rounds, case.rounds)
        if case.rate_of:
            progress(f"{case.name}: the rate")
            busy = case.rate_of
            if busy.name not in rates:
                known = table if busy.name in table else \
                    measure_base(busy, contenders, count, seconds, pinned)
                rates[busy.name] = rate_in(busy, known)
            if not rates[busy.name]:  # there is nothing to ask for a share of
                row[case.base].failures.append(f"it has no rate in {busy.name}")
                continue
            case = replace(case, load=[*case.load, "--rate",
                                       f"{case.share * rates[busy.name]:.0f}"])
        for number in range(count):
            # The order turns with each round: nobody is always the one after the pause.
            turn = number % max(len(present), 1)
            for contender in present[turn:] + present[:turn]:
                mine = row[contender.name]
                if contender.peer and mine.failures:
                    continue
                progress(f"{case.name}, round {number + 1} of {count}: {contender.name}")
                with keep_failure(mine):
                    mine.results.append(measure_once(contender, case, max(seconds, case.seconds),
                                                     load_cpus, server_cpus))
    return table


def measure_base(case, contenders, rounds, seconds, pinned):
    """A table of one case and its base alone."""
    base = [contender for contender in contenders if contender.name == case.base]
    return measure(base, [replace(case, contenders=())], rounds, seconds, pinned,
                   lambda text: None)


def rate_in(case, table):
    """Messages/s of the case's base; None if it failed."""
    return table[case.name][case.base].median("messages_per_second")


def taking_part(case, contenders):
    return [c for c in contenders if not case.contenders or c.name in case.contenders]


@contextlib.contextmanager
def keep_failure(rounds):
    try:
        yield
    except LoadBehind as behind:
        rounds.results.append(None)
        rounds.not_measurable.append(str(behind))
    except Failure as failure:
        rounds.results.append(None)
        rounds.failures.append(str(failure))
