"""./dev: verbs, usage errors, and the line that sums the tests up."""
import unittest

from support import ROOT, ScriptTest

JUNIT = """<?xml version="1.0"?>
<testsuite name="all" tests="4" failures="1" disabled="0" skipped="1">
  <testcase name="good" status="run"><system-out/></testcase>
  <testcase name="also good" status="run"><system-out>SKIPPED: not really</system-out></testcase>
  <testcase name="bad" status="fail"><failure message=""/><system-out/></testcase>
  <testcase name="later" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
    <system-out>some text
SKIPPED: no peer here
</system-out></testcase>
  <testcase name="absent" status="notrun"><skipped message="Unable to find executable"/>
    <system-out>Unable to find executable: x</system-out></testcase>
</testsuite>
"""


class Test(ScriptTest):
    def summary(self, *files):
        return self.run_script("python3", ROOT / "tests/summary.py", *files)

    def test_help(self):
        for args in ["help"], ["--help"], []:
            result = self.run_script(ROOT / "dev", *args)
            self.assertEqual(result.returncode, 0)
            self.assertTrue(result.stdout.startswith("usage: ./dev VERB"), result.stdout)

    def test_wrong_usage(self):
        for args in (["frobnicate"], ["test", "--only"], ["test", "--all"], ["run"],
                     ["run", "--host"], ["build", "riscv"], ["fuzz", "nothing"], ["fuzz", "--seconds"],
                     ["fuzz", "--seconds", "long"]):
            result = self.run_script(ROOT / "dev", *args)
            self.assert_fails_with_one_line(result, "./dev help", code=2)

    def test_summary_counts_each_outcome(self):
        file = self.write(self.tmp / "wasi/tests.xml", JUNIT)
        result = self.summary(file)
        self.assertEqual(result.returncode, 1)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[-1], "2 passed, 2 failed, 1 skipped")
        self.assertIn("skipped: wasi: later: no peer here", lines)
        self.assertIn("FAILED:  wasi: bad", lines)
        self.assertIn("FAILED:  wasi: absent", lines)

    def test_summary_counts_the_results_of_a_test_that_ran_many(self):
        inner = self.write(self.tmp / "inner.xml", JUNIT)
        def outer(status):
            return self.write(self.tmp / "wasi/tests.xml", f"""<testsuite>
                <testcase name="many" status="{status}"><system-out>
RESULTS: {inner}
some text</system-out></testcase></testsuite>""")
        result = self.summary(outer("fail"))
        lines = result.stdout.splitlines()
        self.assertEqual(lines[-1], "2 passed, 2 failed, 1 skipped")
        self.assertIn("skipped: wasi: many: later: no peer here", lines)
        self.assertIn("FAILED:  wasi: many: bad", lines)
        inner.write_text('<testsuite><testcase name="good" status="run"/></testsuite>')
        self.assertTrue(self.summary(outer("run")).stdout.endswith("1 passed, 0 failed\n"))
        result = self.summary(outer("fail"))  # not for one of its tests
        self.assertTrue(result.stdout.endswith("FAILED:  wasi: many\n1 passed, 1 failed\n"))

    def test_summary_counts_a_preset_that_did_not_build(self):
        result = self.summary(self.tmp / "native/tests.xml")
        self.assertEqual(result.returncode, 1)
        self.assertIn("FAILED:  native: did not build", result.stdout)
        self.assertTrue(result.stdout.endswith("0 passed, 1 failed\n"))

    def test_summary_of_good_runs(self):
        good = JUNIT[:JUNIT.index('  <testcase name="bad"')] + "</testsuite>"
        files = [self.write(self.tmp / f"{preset}/tests.xml", good) for preset in ("a", "b")]
        result = self.summary(*files)
        self.assertEqual(result.returncode, 0)
        self.assertTrue(result.stdout.endswith("4 passed, 0 failed\n"))


if __name__ == "__main__":
    unittest.main()
