"""Adds up ctest's JUnit files: summary.py FILE...

Prints why tests were skipped, which failed, and a last line `N passed, N failed`. A file that is
not there stands for a preset that could not be built, and counts as one failure.
"""
import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def main(files):
    passed, failed, skipped = 0, [], []
    for file in map(Path, files):
        preset = file.parent.name
        if not file.exists():
            failed.append(f"{preset}: did not build")
            continue
        for case in xml.parse(file).getroot().iter("testcase"):
            name = f"{preset}: {case.get('name')}"
            output = case.findtext("system-out") or ""
            reason = re.search(r"^SKIPPED: *(.*)|SKIPPED:\s*(?:explicitly with message:\s*)?(.*)",
                               output, re.MULTILINE)
            if case.get("status") == "run":
                passed += 1
            elif case.find("skipped") is not None and reason:
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
