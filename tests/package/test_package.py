# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds and runs a program that uses copoll, installed and as a subdirectory.

The build that is tested is named by the environment: BUILD_DIR; CMAKE and GENERATOR to use; HOST,
the command that runs a component, TOOLCHAIN and SUFFIX for a WASI build.
"""

import os
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CMAKE = os.environ["CMAKE"]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


class Test(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def consume(self, *options):
        """Configures, builds and runs the consumer; gives what it prints."""
        build = self.folder / "build"
        toolchain = os.environ.get("TOOLCHAIN")
        if toolchain:
            options += (f"-DCMAKE_TOOLCHAIN_FILE={toolchain}",)
        run(CMAKE, "-G", os.environ["GENERATOR"], "-S", str(HERE / "consumer"), "-B", str(build),
            f"-DCMAKE_CXX_FLAGS={os.environ.get('CXXFLAGS', '')}", *options)
        run(CMAKE, "--build", str(build))
        program = build / ("bin/consumer" if (build / "bin").is_dir() else "consumer")
        found = [p for p in (program, program.with_suffix(".wasm")) if p.exists()]
        return run(*shlex.split(os.environ.get("HOST", "")), str(found[0]))

    def test_an_installed_library_is_found_and_used(self):
        prefix = self.folder / "prefix"
        run(CMAKE, "--install", os.environ["BUILD_DIR"], "--prefix", str(prefix))
        self.assertEqual("consumed\n", self.consume(
            f"-DCMAKE_PREFIX_PATH={prefix}", f"-Dcopoll_DIR={prefix}/lib/cmake/copoll"))
        headers = {p.name for p in prefix.rglob("*.hpp")}
        self.assertIn("tcp.hpp", headers)
        self.assertNotIn("asio.hpp", headers)

    def test_a_subdirectory_is_used(self):
        self.assertEqual("consumed\n", self.consume(f"-DCOPOLL_SOURCE={ROOT}"))


if __name__ == "__main__":
    unittest.main()
