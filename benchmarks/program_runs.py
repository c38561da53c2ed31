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


def run_in_rounds(scenario, program, options, show_progress):
    """{contender: {figure: [each round]}}; native is left out where it was not built."""
    programs = {COPOLL: [*runner(options.host), str(WASI / f"{program}.wasm")]}
    if (NATIVE / program).exists():
        programs[NATIVE_COPOLL] = [str(NATIVE / program)]
    figures = {name: {} for name in programs}
    for number in range(options.rounds):
        for name, command in programs.items():
            show_progress(f"{scenario}, round {number + 1} of {options.rounds}: {name}")
            for figure, value in run_once(name, command).items():
                figures[name].setdefault(figure, []).append(value)
    return figures
