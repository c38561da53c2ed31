# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs BoGo, BoringSSL's TLS test runner, against the shim.

As a ctest test: all cases that config.json does not disable, and the counts. By hand, with
COPOLL_BOGO_SHIM set:

  test_bogo.py --only 'Resume-*'   these cases, with what they print; disabled ones, too
  test_bogo.py --stale             disabled cases that pass, and patterns that fit no case
"""

import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "config.json"
TOOLS = Path(os.environ.get("COPOLL_TOOLS") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "copoll")
SOURCE = TOOLS / "boringssl"
RUNNER = SOURCE / "ssl/test/runner"
# where Debian's packages put Go sources
DEBIAN_SOURCES = Path("/usr/share/gocode")
IMPORT_PATH = "boringssl.googlesource.com/boringssl"
# A case waits for its shim most of the time: more of them than processors.
WORKERS = 4 * (os.cpu_count() or 1)


class Unavailable(Exception):
    """Why the runner cannot be had here."""


def build_runner(into):
    """Compiles the runner, which is a Go test, and gives its path."""
    if not RUNNER.is_dir():
        raise Unavailable(f"no source of BoringSSL's runner in {SOURCE}: run ./dev setup")
    go = shutil.which("go")
    if not go:
        raise Unavailable("no Go to build BoringSSL's runner with: run ./dev setup")
    program = into / "runner"
    command = [go, "test", "-c", "-o", str(program)]
    if (DEBIAN_SOURCES / "src/golang.org/x/crypto").is_dir():
        # the older way, without modules: all sources are found by their path in a folder
        package = into / "go/src" / IMPORT_PATH
        package.parent.mkdir(parents=True)
        package.symlink_to(SOURCE)
        attempts = [(f"{IMPORT_PATH}/ssl/test/runner", into,
                     {"GO111MODULE": "off", "GOPATH": f"{into / 'go'}:{DEBIAN_SOURCES}"})]
    else:
        attempts = []
    attempts.append(("./ssl/test/runner", SOURCE, {}))
    for package, folder, settings in attempts:
        built = subprocess.run([*command, package], cwd=folder, capture_output=True, text=True,
                               env={**os.environ, **settings})
        if built.returncode == 0:
            return program
    raise Unavailable("BoringSSL's runner does not build here: " +
                      (built.stderr.strip().splitlines() or ["no reason given"])[-1])


def run(runner, shim, *options, notes=None):
    """The runner's output, with PASSED, FAILED or UNIMPLEMENTED and the name of each case."""
    environment = dict(os.environ)
    if notes:
        environment["COPOLL_BOGO_UNIMPLEMENTED"] = str(notes)
    done = subprocess.run(
        [runner, "-shim-path", shim, "-shim-config", CONFIG, "-num-workers", str(WORKERS),
         "-pipe", "-loose-errors", "-allow-unimplemented", *options],
        cwd=RUNNER, env=environment, capture_output=True, text=True, errors="replace")
    return done.stdout + done.stderr


def results(output):
    """The names of the cases by their result."""
    by_result = collections.defaultdict(list)
    for result, name in re.findall(r"^(PASSED|FAILED|UNIMPLEMENTED) \((.*)\)$", output, re.M):
        by_result[result].append(name)
    return by_result


def all_cases(runner, into):
    """The names of all cases there are: those that a shim gets that implements nothing."""
    shim = into / "no_shim"
    shim.write_text("#!/bin/sh\n"
                    "for a; do [ \"$a\" != -is-handshaker-supported ] || { echo No; exit; }; done\n"
                    "exit 89\n")
    shim.chmod(0o755)
    return results(run(runner, str(shim), "-include-disabled"))["UNIMPLEMENTED"]


def disabled(pattern, names):
    return [name for name in names if fnmatchcase(name, pattern)]


class Test(unittest.TestCase):
    def test_boringssls_runner_finds_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            try:
                runner = build_runner(Path(folder))
            except Unavailable as why:
                print(f"SKIPPED: {why}")
                return
            notes = Path(folder) / "unimplemented"
            notes.touch()
            names = all_cases(runner, Path(folder))
            output = run(runner, os.environ["COPOLL_BOGO_SHIM"], notes=notes)
            by_result = results(output)
            passed, failed, unimplemented = (
                by_result[r] for r in ("PASSED", "FAILED", "UNIMPLEMENTED"))
            ran = len(passed) + len(failed) + len(unimplemented)
            flags = collections.Counter(notes.read_text().split("\n")[:-1])
        print("flags of the runner that the shim does not know, and the cases that need them:")
        print("  " + ", ".join(f"{flag} {n}" for flag, n in flags.most_common()))
        print(f"bogo: {len(passed)} passed, {len(failed)} failed, {len(names) - ran} disabled, "
              f"{len(unimplemented)} unimplemented of {len(names)}")
        patterns = json.loads(CONFIG.read_text())["DisabledTests"]
        useless = [p for p in patterns if not disabled(p, names)]
        self.assertEqual([], useless, "disabled in config.json, but there is no such case")
        self.assertEqual([], failed, output[-20000:])
        self.assertGreater(len(passed), 1200)


def by_hand(arguments):
    shim = os.environ["COPOLL_BOGO_SHIM"]
    with tempfile.TemporaryDirectory() as folder:
        runner = build_runner(Path(folder))
        if arguments[0] == "--only":
            print(run(runner, shim, "-include-disabled", "-test", arguments[1]))
            return
        names = all_cases(runner, Path(folder))
        passing = set(results(run(runner, shim, "-include-disabled"))["PASSED"])
    for pattern in json.loads(CONFIG.read_text())["DisabledTests"]:
        fitting = disabled(pattern, names)
        if not fitting:
            print(f"{pattern}: no such case")
        for name in fitting:
            if name in passing:
                print(f"{pattern}: {name} passes")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in ("--only", "--stale"):
        by_hand(sys.argv[1:])
    else:
        unittest.main()
