# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds and runs a program that uses copoll, installed and as a subdirectory.

The build that is tested is named by the environment: BUILD_DIR; CMAKE and GENERATOR to use; HOST,
the command that runs a component, and TOOLCHAIN for a WASI build.
"""

import os
import re
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

    def consume(self, *options, name="consumer"):
        """Configures, builds and runs a consumer; gives what it prints."""
        build = self.folder / "build"
        toolchain = os.environ.get("TOOLCHAIN")
        if toolchain:
            options += (f"-DCMAKE_TOOLCHAIN_FILE={toolchain}",)
        run(CMAKE, "-G", os.environ["GENERATOR"], "-S", str(HERE / "consumer"), "-B", str(build),
            f"-DCMAKE_CXX_FLAGS={os.environ.get('CXXFLAGS', '')}", *options)
        run(CMAKE, "--build", str(build), "--target", name)
        program = build / ("bin" if (build / "bin").is_dir() else "") / name
        found = [p for p in (program, program.with_suffix(".wasm")) if p.exists()]
        return run(*shlex.split(os.environ.get("HOST", "")), str(found[0]))

    def install(self):
        prefix = self.folder / "prefix"
        run(CMAKE, "--install", os.environ["BUILD_DIR"], "--prefix", str(prefix))
        return prefix

    def test_an_installed_library_is_found_and_used(self):
        prefix = self.install()
        self.assertEqual("consumed\n", self.consume(
            f"-DCMAKE_PREFIX_PATH={prefix}", f"-Dcopoll_DIR={prefix}/lib/cmake/copoll"))

    def test_installed_tls_is_found_and_used(self):
        prefix = self.install()
        self.assertEqual("consumed\n", self.consume(
            f"-DCMAKE_PREFIX_PATH={prefix}", f"-Dcopoll_DIR={prefix}/lib/cmake/copoll",
            name="tls_consumer"))

    def test_installed_p2p_is_found_and_used(self):
        prefix = self.install()
        self.assertEqual("consumed\n", self.consume(
            f"-DCMAKE_PREFIX_PATH={prefix}", f"-Dcopoll_DIR={prefix}/lib/cmake/copoll",
            name="p2p_consumer"))

    def test_an_installed_library_has_the_headers_of_its_backend(self):
        include = self.install() / "include"
        installed = {p.relative_to(include).as_posix() for p in include.rglob("*.hpp")}
        backend = ROOT / "reactor/backend" / os.environ["BACKEND"]
        parts = [ROOT / part / "include" for part in ("reactor", "tls", "p2p", "libs/crypto")]
        expected = {p.relative_to(folder).as_posix()
                    for folder in (*parts, backend) for p in folder.rglob("copoll*/**/*.hpp")}
        if os.environ["BACKEND"] != "wasi":
            expected -= {h for h in expected if h.startswith("copoll/wasi/")}
        self.assertIn("copoll/backend/tcp.hpp", expected)
        self.assertEqual(expected, installed)

    def test_an_installed_target_carries_what_its_headers_need(self):
        targets = (self.install() / "lib/cmake/copoll/copollTargets.cmake").read_text()
        needs = ["copoll::reactor", "copoll::main", "copoll::tls", "copoll::p2p", "cxx_std_23"]
        if os.environ["BACKEND"] == "wasi":
            needs += ["-fno-exceptions", "COPOLL_WASI_VERSION", "--stack-first"]
        if os.environ.get("TAIL_CALL"):
            needs += ["-mtail-call"]
        if os.environ.get("TASK_TRACE"):
            needs += ["COPOLL_TASK_TRACE=1"]
        for need in needs:
            self.assertIn(need, targets)
        self.assertNotIn(str(ROOT), targets)
        self.assertNotIn("asio/include", targets)

    def test_a_program_may_be_optimized_otherwise_than_the_library(self):
        """Who resumes whom must not depend on it."""
        modes = {option: re.findall(r"define COPOLL_SYMMETRIC_TRANSFER .*", run(
            os.environ["CXX"], "-std=c++23", option, "-dM", "-E",
            str(ROOT / "reactor/include/copoll/detail/config.hpp"))) for option in ("-O0", "-O2")}
        self.assertEqual(1, len(modes["-O0"]))
        self.assertEqual(modes["-O0"], modes["-O2"])

    def test_a_program_that_traces_tasks_does_not_link_a_library_that_does_not(self):
        """Their promises differ, and so do the names of `run`."""
        if os.environ.get("TASK_TRACE"):
            return print("SKIPPED: the library traces tasks")
        flags = f"{os.environ.get('CXXFLAGS', '')} -DCOPOLL_TASK_TRACE=1"
        prefix = self.install()
        with self.assertRaisesRegex(AssertionError, "undefined.*_traced"):
            self.consume(f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_FLAGS={flags}",
                         f"-Dcopoll_DIR={prefix}/lib/cmake/copoll")

    def test_a_subdirectory_is_used(self):
        self.assertEqual("consumed\n", self.consume(f"-DCOPOLL_SOURCE={ROOT}"))


if __name__ == "__main__":
    unittest.main()
