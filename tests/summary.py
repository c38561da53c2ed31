"""Adds up ctest's JUnit files: summary.py FILE...

Prints why tests were skipped, which failed, and a last line `N passed, N failed`. A file that is
not there stands for a preset that could not be built, and counts as one failure. A test that ran
many prints a line `RESULTS: FILE` with their results in the same form, which count in its place.
"""
import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def cases(file, prefix):
    """(name, status, output) of each test."""
    for case in xml.parse(file).getroot().iter("testcase"):
        name = f"{prefix}: {case.get('name')}"
        output = case.findtext("system-out") or ""
        skipped = case.find("skipped") is not None
        status = case.get("status") if case.get("status") == "run" or skipped else "fail"
        inner = re.search(r"^RESULTS: (.*)", output, re.MULTILINE)
        if not inner:
            yield name, status, output
            continue
        parts = list(cases(inner[1], name))
        yield from parts
        if status != "run" and all(part_status != "fail" for _, part_status, _ in parts):
            yield name, "fail", output


def main(files):
    passed, failed, skipped = 0, [], []
    for file in map(Path, files):
        preset = file.parent.name
        if not file.exists():
            failed.append(f"{preset}: did not build")
            continue
        for name, status, output in cases(file, preset):
            reason = re.search(r"^SKIPPED: *(.*)|SKIPPED:\s*(?:explicitly with message:\s*)?(.*)",
                               output, re.MULTILINE)
            if status == "run":
                passed += 1
            elif status != "fail" and reason:
                skipped.append(f"{name}: {reason[1] or reason[2]}")
            else:
                failed.append(name)

    print()
    for line in skipped:
        print("skipped:", line)
    for line in failed:
        print("FAILED: ", line)
    print(f"{passed} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


sys.exit(main(sys.argv[1:]))
