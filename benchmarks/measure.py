# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures servers against each other, in rounds, and sums up what came out."""
import json
import os
import resource
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from servers import ROOT, Failure, Server, on_cpus

ECHO_LOAD = ROOT / "build/native/bin/echo_load"


@dataclass
class Contender:
    """A server to measure. A peer is one that was named on the command line."""
    name: str
    command: list
    peer: bool = False


@dataclass
class Case:
    name: str
    load: list  # arguments of echo_load


@dataclass
class Rounds:
    """What one contender did in one case, round by round; None where it failed."""
    results: list = field(default_factory=list)
    failures: list = field(default_factory=list)

    def values(self, *path):
        found = []
        for result in filter(None, self.results):
            for key in path:
                result = result[key]
            found.append(result)
        return found

    def median(self, *path):
        values = self.values(*path)
        return median(values) if values else None

    def ratios_to(self, base):
        """Rates relative to those of `base`, pair by pair: each pair was measured one after the
        other, so what else the machine did meanwhile weighs on both."""
        return [mine["messages_per_second"] / theirs["messages_per_second"]
                for mine, theirs in zip(self.results, base.results) if mine and theirs]


def cpu_split():
    """(CPUs for the load, CPUs for the server), so that neither takes the other's time and the
    scheduler cannot decide a round; empty sets where there is one CPU only."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        return frozenset(), frozenset()
    return frozenset(cpus[-1:]), frozenset(cpus[:-1])


def run_load(address, arguments, cpus):
    """Runs echo_load and returns its figures; Failure when a byte was wrong or missing."""
    if not ECHO_LOAD.exists():
        raise Failure(f"{ECHO_LOAD.relative_to(ROOT)} is missing: ./dev build native")
    with on_cpus(cpus):
        done = subprocess.run([ECHO_LOAD, "--connect", address, "--json", *arguments],
                              text=True, capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Failure(done.stderr.strip() or f"echo_load ended with {done.returncode}")
    return json.loads(done.stdout)


def busy_seconds():
    """CPU time that anything on this machine has used so far."""
    user, nice, system, _idle, _iowait, irq, softirq = map(
        int, Path("/proc/stat").read_text().split(maxsplit=8)[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def load_seconds():
    """CPU time of the load generators that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure_once(contender, case, seconds, load_cpus, server_cpus):
    # A new process each time: where a host's threads happen to run is drawn again each round.
    with Server(contender.command, server_cpus) as server:
        start, busy, own = time.monotonic(), busy_seconds(), server.cpu_seconds()
        load = load_seconds()
        result = run_load(server.address, [*case.load, "--seconds", str(seconds)], load_cpus)
        used = server.cpu_seconds() - own
        others = busy_seconds() - busy - used - (load_seconds() - load)
        all_cpus = (time.monotonic() - start) * os.cpu_count()
    result["others_cpu_share"] = max(0.0, others / all_cpus)
    messages = result["bytes_received"] / result["size"]
    result["server_cpu_us_per_message"] = used / messages * 1e6
    return result


def measure(contenders, cases, rounds, seconds, pinned, progress):
    """All contenders in all cases: {case name: {contender name: Rounds}}."""
    load_cpus, server_cpus = cpu_split() if pinned else (frozenset(), frozenset())
    table = {case.name: {c.name: Rounds() for c in contenders} for case in cases}
    for case in cases:
        for number in range(rounds):
            # The order turns with each round: nobody is always the one after the pause.
            turn = number % len(contenders)
            for contender in contenders[turn:] + contenders[:turn]:
                progress(f"{case.name}, round {number + 1} of {rounds}: {contender.name}")
                row = table[case.name][contender.name]
                try:
                    row.results.append(
                        measure_once(contender, case, seconds, load_cpus, server_cpus))
                except Failure as failure:
                    row.results.append(None)
                    row.failures.append(str(failure))
    return table
