# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a Catch2 component on one host: run_catch.py HOST COMPONENT RESULTS

In one process for all its test cases, since starting some hosts takes longer than a test. One that
ends or hangs the process is a failure, and those behind it run in another. What failed is run again
in a process of its own, as on other hosts each test is, and then counts.

RESULTS gets ctest's kind of JUnit, which tests/summary.py counts test by test.
"""
import html
import queue
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as xml
from pathlib import Path

from programs import RUN, why_not

PATIENCE = 60  # seconds without a word
BEGIN = re.compile(r'\s*<TestCase name="([^"]*)"')
END = re.compile(r'\s*<OverallResult success="(true|false)"')


class Suite:
    def __init__(self, host, component):
        self._command = [RUN, "--host", host]
        self._component = component
        self.results = {}  # name -> (passed, output)
        self._names = self._list()

    def _list(self):
        listed = subprocess.run([*self._command, self._component, "--list-tests", "-v", "quiet"],
                                capture_output=True, text=True, check=True)
        return [line.strip() for line in listed.stdout.splitlines() if line.strip()]

    def run(self):
        while rest := [name for name in self._names if name not in self.results]:
            before = len(self.results)
            self._run(rest)
            if len(self.results) == before:
                raise SystemExit(f"{self._component} does not run its test {rest[0]!r}")
        for name in self.failed():
            self._run([name])

    def failed(self):
        return [name for name, (passed, _) in self.results.items() if not passed]

    def _run(self, names):
        chosen = ",".join(re.sub(r"([\\,\[\]*~\"])", r"\\\1", name) for name in names)
        with subprocess.Popen(
                [*self._command, self._component, "-r", "xml", chosen], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace") as process:
            try:
                self._read(process)
            finally:
                process.kill()

    def _read(self, process):
        lines = queue.Queue()

        def read():
            for line in process.stdout:
                lines.put(line)
            lines.put(None)
        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        name, output, why = None, [], ""
        while not why:
            try:
                line = lines.get(timeout=PATIENCE)
            except queue.Empty:
                why = f"nothing happened for {PATIENCE} s"
                break
            if line is None:
                why = f"the process ended with {process.wait()}"
            elif begin := BEGIN.match(line):
                name, output = html.unescape(begin[1]), []
            elif end := END.match(line):
                self.results[name] = end[1] == "true", "".join(output)
                name = None
            else:
                output.append(line)
        if name:
            self.results[name] = False, "".join([*output, why, "\n"])


def write_junit(results, file):
    suite = xml.Element("testsuite")
    for name, (passed, output) in results.items():
        skipped = passed and re.search(r"^SKIPPED: ", output, re.MULTILINE)
        status = "notrun" if skipped else "run" if passed else "fail"
        case = xml.SubElement(suite, "testcase", name=name, status=status)
        if skipped:
            xml.SubElement(case, "skipped")
        xml.SubElement(case, "system-out").text = "" if status == "run" else output
    xml.ElementTree(suite).write(file, encoding="unicode")


def main(host, component, results):
    Path(results).unlink(missing_ok=True)
    if why_not(host):
        print(f"SKIPPED: {why_not(host)}")
        return 0
    suite = Suite(host, component)
    suite.run()
    write_junit(suite.results, results)
    print(f"RESULTS: {results}")
    for name in suite.failed():
        print(f"FAILED: {name}\n{suite.results[name][1]}")
    return 1 if suite.failed() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
