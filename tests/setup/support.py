"""Shared by the tests of set-up and host scripts."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("COPOLL_TOOLS") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "copoll")


class ScriptTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tmp = Path(folder.name)
        self.bin = self.tmp / "bin"  # commands in here come first on PATH
        self.bin.mkdir()

    def env(self, **changes):
        env = dict(os.environ, PATH=f"{self.bin}:{os.environ['PATH']}")
        for name, value in changes.items():
            env.pop(name, None)
            if value is not None:
                env[name] = str(value)
        return env

    def run_script(self, *command, stdin="", timeout=60, **env):
        return subprocess.run(list(map(str, command)), input=stdin, text=True, cwd=self.tmp,
                              capture_output=True, env=self.env(**env), timeout=timeout)

    def write(self, path, text, mode=0o644):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def command(self, name, script):
        return self.write(self.bin / name, f"#!/bin/bash\n{script}\n", 0o755)

    def assert_fails_with_one_line(self, result, *parts, code=1):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)
