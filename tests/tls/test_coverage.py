# SPDX-License-Identifier: MIT OR Apache-2.0
"""docs/tls-coverage.md says what is so."""

import re
import unittest
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parents[2]


class Test(unittest.TestCase):
    def test_the_page_is_what_the_table_says(self):
        written = (ROOT / "docs/tls-coverage.md").read_text(encoding="utf-8")
        self.assertEqual(coverage.page(), written,
                         "make it anew: tests/tls/coverage.py >docs/tls-coverage.md")

    def test_each_test_that_is_named_exists(self):
        there = set()
        for file in (ROOT / "tests/tls").glob("*_test.cpp"):
            there.update(re.findall(r'TEST_CASE\("([^"]+)"', file.read_text(encoding="utf-8")))
        self.assertEqual(set(), coverage.tests() - there)

    def test_what_works_has_a_test_or_says_that_it_has_none(self):
        for rows in coverage.TABLES.values():
            for member, _, status, call, test in rows:
                with self.subTest(member):
                    self.assertEqual(status == coverage.HERE, test is not None)
                    self.assertTrue(call or status != coverage.HERE)


if __name__ == "__main__":
    unittest.main()
