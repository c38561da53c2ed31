# SPDX-License-Identifier: MIT OR Apache-2.0
"""What stands in a component, and how much it is."""
import os
import re
import subprocess
import unittest
from pathlib import Path

from wasm_binary import Component

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("COPOLL_BIN", ROOT / "build/wasi/bin"))
EXCEPTIONS = re.compile(rb"__cxa_(throw|rethrow|allocate_exception|begin_catch)|_Unwind_")


class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.echo = Component(BIN / "echo_server.wasm")

    def test_echo_server_stripped_is_at_most_150_kb(self):
        size = self.echo.stripped_size()
        print(f"echo_server: {size} bytes stripped, {len(self.echo.data)} with names")
        self.assertLessEqual(size, 150_000)
        self.assertGreater(size, 10_000)

    def test_echo_server_imports_no_preview_1(self):
        modules = {module for module, _ in self.echo.core_imports()}
        self.assertTrue(any(m.startswith("wasi:sockets/tcp@0.2.") for m in modules), modules)
        self.assertFalse([m for m in modules if m.startswith("wasi_snapshot_preview1")])

    def test_wasi_http_is_imported_by_who_asks_for_it(self):
        for name, expected in ("echo_server", False), ("http_fetch", True):
            component = Component(BIN / f"{name}.wasm")
            modules = {module.split("/")[0] for module, _ in component.core_imports()}
            self.assertEqual("wasi:http" in modules, expected, modules)

    def test_echo_server_imports_one_version_of_wasi(self):
        versions = {m.split("@")[1] for m, _ in self.echo.core_imports() if m.startswith("wasi:")}
        self.assertEqual(len(versions), 1, versions)

    def test_echo_server_throws_nothing(self):
        names = b"".join(self.echo.function_names())
        self.assertIn(b"copoll", names)
        self.assertIsNone(EXCEPTIONS.search(names))

    def test_the_library_throws_nothing(self):
        nm, library = os.environ.get("NM"), os.environ.get("LIBRARY")
        if not nm or not library:
            return print("SKIPPED: NM and LIBRARY are not set")
        symbols = subprocess.run([nm, "--undefined-only", library], capture_output=True, check=True)
        self.assertIn(b" U ", symbols.stdout)
        self.assertIsNone(EXCEPTIONS.search(symbols.stdout))


if __name__ == "__main__":
    unittest.main()
