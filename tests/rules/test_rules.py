# SPDX-License-Identifier: MIT OR Apache-2.0
"""Applies the rules to the project, and to samples that break each of them."""

import subprocess
import unittest
from pathlib import Path

import rules

ROOT = Path(__file__).resolve().parents[2]
FINE = f"// {rules.SPDX}\n#pragma once\n"


def sources():
    folders = ["reactor", "tls", "p2p", "libs", "examples", "benchmarks", "docs", "tests"]
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in rules.SOURCES:
                yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")


class Test(unittest.TestCase):
    maxDiff = None

    def test_the_project_keeps_the_rules(self):
        files = list(sources())
        self.assertGreater(len(files), 50)
        self.assertEqual([], [wrong for path, text in files for wrong in rules.check(path, text)])

    def test_each_rule_finds_a_file_that_breaks_it(self):
        broken = {
            "platform_headers_only_in_backends":
                ("reactor/src/x.hpp", FINE + "#include <sys/socket.h>\n"),
            "arrows_point_one_way":
                ("reactor/src/x.hpp", FINE + "#include <copoll/tls/stream.hpp>\n"),
            "public_headers_hide_what_is_below":
                ("tls/include/copoll/tls/x.hpp", FINE + "#include <mbedtls/ssl.h>\n"),
            "examples_use_the_public_interface":
                ("examples/x.hpp", FINE + "#include <copoll/detail/io_op.hpp>\n"),
            "tests_use_the_public_interface":
                ("tests/reactor/x.hpp", FINE + "#include <copoll/detail/io_op.hpp>\n"),
            "public_headers_fit_in_the_head":
                ("reactor/include/copoll/x.hpp", FINE + "\n" * rules.LONGEST_PUBLIC_HEADER),
            "a_line_fits": ("reactor/src/x.hpp", FINE + "/" * (rules.LONGEST_LINE + 1) + "\n"),
            "the_licence_is_named": ("reactor/src/x.hpp", "#pragma once\n"),
            "a_header_is_included_once": ("reactor/src/x.hpp", f"// {rules.SPDX}\n"),
            "nothing_is_awaited_in_an_assertion":
                ("tests/x.hpp", FINE + "CHECK(" + "(co_await x()).ec == y);\n"),
        }
        self.assertEqual({rule.__name__ for rule in rules.RULES}, set(broken))
        for rule in rules.RULES:
            path, text = broken[rule.__name__]
            self.assertEqual(1, len(list(rule(path, text))), rule.__name__)
            self.assertEqual(1, len(rules.check(path, text)), rule.__name__)

    def test_backends_may_include_platform_headers(self):
        self.assertEqual(
            [], rules.check("reactor/backend/asio/x.hpp", FINE + "#include <sys/socket.h>\n"))

    def test_the_echo_server_of_the_readme_is_the_one_that_is_built(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        shown = readme.split("```cpp\n", 1)[1].split("```", 1)[0]
        built = (ROOT / "examples/readme_echo.cpp").read_text(encoding="utf-8")
        built = built[built.index("#include"):]
        self.assertEqual(built, shown)

    def test_the_code_of_the_guides_is_built(self):
        def lines(text):
            return "\n".join(line.strip() for line in text.strip().splitlines())
        for guide in "p2p", "tls":
            built = lines((ROOT / f"docs/samples/{guide}.cpp").read_text(encoding="utf-8"))
            page = (ROOT / f"docs/{guide}.md").read_text(encoding="utf-8")
            blocks = page.split("```cpp\n")[1:]
            self.assertGreater(len(blocks), 10)
            for block in blocks:
                self.assertIn(lines(block.split("```", 1)[0]), built)

    def test_files_that_the_documentation_links_to_exist(self):
        missing = []
        for page in [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("docs/**/*.md")]:
            for target in rules.links(page.read_text(encoding="utf-8")):
                if not (page.parent / target).exists():
                    missing.append(f"{page.relative_to(ROOT)}: {target}")
        self.assertEqual([], missing)

    def test_no_source_of_others_is_tracked(self):
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
        if listed.returncode != 0:
            print("SKIPPED: not a git checkout")
            return
        folders = ("asio", "boringssl", "catch2", "libsodium", "mbedtls")
        strangers = [f for f in listed.stdout.splitlines()
                     if f.startswith(tuple(f"libs/{name}/" for name in folders))
                     and Path(f).suffix in rules.SOURCES | {".ipp"}
                     and rules.SPDX not in (ROOT / f).read_text(encoding="utf-8")]
        self.assertEqual([], strangers)


if __name__ == "__main__":
    unittest.main()
