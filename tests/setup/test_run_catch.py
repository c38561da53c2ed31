# SPDX-License-Identifier: MIT OR Apache-2.0
"""tests/support/run_catch.py, with a host that plays a Catch2 program."""
import contextlib
import io
import sys
import unittest
from pathlib import Path
from unittest import mock

from support import ScriptTest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import run_catch

HOST = r"""#!/usr/bin/env python3
import sys, time
if "--print-host" in sys.argv:
    sys.exit("run: no such host" if "absent" in sys.argv else 0)
names = ["passes", "says, why [skipped]", "traps", "hangs", "fails in company", "fails", "is last"]
if "--list-tests" in sys.argv:
    sys.exit(print("\n".join(names)))
chosen = sys.argv[-1].replace("\\,", ";").split(",")
chosen = [name.replace(";", ",").replace("\\", "") for name in chosen]
for name in chosen:
    print(f'  <TestCase name="{name}" line="1">', flush=True)
    if "skipped" in name: print("SKIPPED: no peer")
    if name == "traps": sys.exit(134)
    if name == "hangs": time.sleep(30)
    good = name != "fails" and (name != "fails in company" or len(chosen) == 1)
    print(f'    <OverallResult success="{str(good).lower()}" skips="0"/>', flush=True)
"""


class Test(ScriptTest):
    def run_catch(self, host):
        fake = self.write(self.tmp / "host", HOST, 0o755)
        said = io.StringIO()
        with mock.patch("run_catch.RUN", fake), mock.patch("programs.RUN", fake), \
                mock.patch("run_catch.PATIENCE", 5), contextlib.redirect_stdout(said):
            status = run_catch.main(host, "x.wasm", self.tmp / "results.xml")
        return status, said.getvalue()

    def test_each_test_counts_also_behind_one_that_traps_or_hangs(self):
        status, said = self.run_catch("fake")
        self.assertEqual(status, 1)
        self.assertTrue(said.startswith(f"RESULTS: {self.tmp}/results.xml\n"), said)
        self.assertIn("FAILED: traps\nthe process ended with 134\n", said)
        self.assertIn("FAILED: hangs\nnothing happened for 5 s\n", said)
        cases = run_catch.xml.parse(self.tmp / "results.xml").getroot()
        self.assertEqual({case.get("name"): case.get("status") for case in cases}, {
            "passes": "run", "says, why [skipped]": "notrun", "traps": "fail", "hangs": "fail",
            "fails in company": "run", "fails": "fail", "is last": "run"})

    def test_host_that_is_not_there_is_a_reason_to_skip(self):
        self.assertEqual(self.run_catch("absent"), (0, "SKIPPED: no such host\n"))


if __name__ == "__main__":
    unittest.main()
