# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs programs that measure themselves: each prints one line of JSON, {figure: number}."""
import json
import subprocess

from contenders import COPOLL, NATIVE, NATIVE_COPOLL, WASI
from servers import Failure, runner


def run_once(name, command):
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode != 0:
        raise Failure(f"{name}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)


def builds(host, program):
    """The commands that run it: {contender: command}; native is left out where it was not built."""
    found = {COPOLL: [*runner(host), str(WASI / f"{program}.wasm")]}
    if (NATIVE / program).exists():
        found[NATIVE_COPOLL] = [str(NATIVE / program)]
    return found


def run_in_rounds(scenario, programs, options, show_progress, others=()):
    """{contender: {figure: [each round]}} of all the programs, and of `others`: (contender, the
    native program that measures the same of it)."""
    figures = {}
    for number in range(options.rounds):
        for name, program, command in commands(programs, options.host, others):
            show_progress(f"{scenario}, round {number + 1} of {options.rounds}: {name}, {program}")
            for figure, value in run_once(name, command).items():
                figures.setdefault(name, {}).setdefault(figure, []).append(value)
    return figures


def commands(programs, host, others):
    found = [(name, program, command) for program in programs
             for name, command in builds(host, program).items()]
    return found + [(name, program, [str(NATIVE / program)]) for name, program in others
                    if (NATIVE / program).exists()]
