# SPDX-License-Identifier: MIT OR Apache-2.0
"""The programs of scenario coroutine measure the same, and allocate as little as is said of them."""
import json
import subprocess
import sys
import unittest
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS.parent / "tests/support")]
import scenario_coroutine  # noqa: E402
from programs import NATIVE, PATIENCE, command, hosts  # noqa: E402
from scenario_coroutine import ALLOCATIONS, NANOSECONDS, YARDSTICK, YARDSTICKS  # noqa: E402


def run(program, *arguments):
    return subprocess.run(command(hosts()[0], program, *arguments), text=True, capture_output=True,
                          timeout=PATIENCE)


def figures(program):
    done = run(program, "--times", "20")
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class Test(unittest.TestCase):
    def test_nothing_but_a_bare_coroutine_allocates(self):
        found = figures("coroutine_cost")
        for name, value in found.items():
            if name.endswith(NANOSECONDS):
                self.assertGreater(value, 0, name)
            else:
                self.assertEqual(value, 1 if name == YARDSTICK + ALLOCATIONS else 0, name)
        self.assertGreater(len(found), 2 * len(YARDSTICKS))
        self.assertEqual(sum(name.endswith(NANOSECONDS) for name in found), len(found) / 2)

    def test_asio_is_measured_by_the_same(self):
        if not NATIVE:
            return
        ours, theirs = figures("coroutine_cost"), figures("asio_cost")
        self.assertEqual(list(ours), list(theirs))
        self.assertEqual(theirs[YARDSTICK + ALLOCATIONS], 1)

    def test_wrong_usage_ends_a_program(self):
        for program in ("coroutine_cost", "asio_cost") if NATIVE else ("coroutine_cost",):
            for wrong in ["--times"], ["--times", "0"], ["--times", "1k"], ["--often", "10"]:
                done = run(program, *wrong)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("usage: ", done.stderr)
                self.assertEqual(done.stdout, "")

    def test_costs_are_told_in_bare_coroutines_and_beside_asio(self):
        def row(made, child):
            return {YARDSTICK + NANOSECONDS: made, YARDSTICK + ALLOCATIONS: [1, 1],
                    "child ns": child, "child allocations": [0, 0]}
        shown = scenario_coroutine.tables({
            "copoll": row([20, 40], [10, 30]), "native copoll": row([20, 20], [10, 10]),
            "native Asio": row([20, 20], [20, 30])})
        self.assertEqual([table.title for table in shown],
                         ["copoll", "native copoll", "native Asio"])
        self.assertEqual(shown[0].columns, ["ns", "/ bare coroutine", "allocations"])
        self.assertEqual(dict(shown[0].rows)["child"],
                         ["20.0 (10.0-30.0)", "0.62 (0.50-0.75)", "0.00 (0.00-0.00)"])
        self.assertEqual(dict(shown[1].rows)["child"][3], "2.50 (2.00-3.00)")
        self.assertEqual(dict(shown[1].rows)[YARDSTICK][3], "-")


if __name__ == "__main__":
    unittest.main()
