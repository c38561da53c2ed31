# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario startup starts each server the way it says, and takes only an echo for a start."""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

BENCHMARKS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS.parent / "tests/support")]
import contenders  # noqa: E402
import scenario_startup as startup  # noqa: E402
from measure import Contender  # noqa: E402
from programs import BIN, NATIVE, hosts  # noqa: E402
from servers import Failure, runner  # noqa: E402

LISTEN = ["--listen", "127.0.0.1:0"]
SILENT = [sys.executable, "-c",
          "import socket, time; s = socket.create_server(('127.0.0.1', 0));"
          "print('listening on 127.0.0.1:%d' % s.getsockname()[1], flush=True);"
          "c, _ = s.accept(); c.sendall(c.recv(1).upper()); time.sleep(60)"]


def server(host):
    if NATIVE:
        return [str(BIN / "echo_server"), *LISTEN]
    return [*runner(host), str(BIN / "echo_server.wasm"), *LISTEN]


class Test(unittest.TestCase):
    def test_a_server_is_started_without_the_script_that_picks_the_host(self):
        for host in hosts():
            command = startup.direct(server(host))
            if NATIVE:
                self.assertEqual(command, server(host))
            else:
                self.assertNotIn(runner(host)[0], command)
                self.assertEqual(command[-3:], server(host)[-3:])
            for mode in (startup.WARM, startup.COLD):
                listening, first_byte = startup.start(command, mode)
                self.assertGreater(listening, 0)
                self.assertGreater(first_byte, listening)

    def test_a_component_is_started_from_what_was_compiled_before(self):
        for host in hosts():
            with tempfile.TemporaryDirectory() as kept:
                startup.KEPT = Path(kept)
                compiled = startup.precompiled(startup.direct(server(host)))
                if host != "wasmtime":
                    self.assertIsNone(compiled)
                    continue
                self.assertTrue((Path(kept) / "echo_server.cwasm").exists())
                self.assertIn(f"{kept}/echo_server.cwasm", compiled)
                self.assertGreater(startup.start(compiled, startup.PRECOMPILED)[1], 0)

    def test_a_server_that_echoes_wrongly_has_not_started(self):
        with self.assertRaisesRegex(Failure, "echoed b'X'"):
            startup.start(SILENT, startup.WARM)

    def test_a_peer_that_does_not_start_is_told_and_one_of_ours_ends_the_run(self):
        broken = Contender("broken", SILENT, peer=True)
        absent = Contender("absent", [], peer=True, missing="nobody built it")
        ours = Contender("ours", server(hosts()[0]))
        self.addCleanup(setattr, startup, "everybody", startup.everybody)
        startup.everybody = lambda host, folder: [ours, broken, absent]
        found, missing = startup.ways(hosts()[0], Path("nowhere"))
        self.assertEqual({name for name, _ in found}, {"ours"})
        self.assertEqual(missing, {"broken": missing["broken"], "absent": "nobody built it"})
        self.assertIn("echoed b'X'", missing["broken"])
        startup.everybody = lambda host, folder: [Contender("ours", SILENT)]
        with self.assertRaises(Failure):
            startup.ways(hosts()[0], Path("nowhere"))

    def test_the_figures_of_a_run_are_shown(self):
        self.addCleanup(setattr, startup, "ways", startup.ways)
        command = startup.direct(server(hosts()[0]))
        startup.ways = lambda host, folder: ({(contenders.FLAT, startup.WARM): command}, {})
        options = SimpleNamespace(rounds=2, case="64 B", host=None, peers=None)
        self.assertEqual(startup.run(options, None), ({}, {}))
        options.case = "warm"
        figures, _ = startup.run(options, lambda text: None)
        self.assertEqual({name: len(times) for name, times in figures[contenders.FLAT].items()},
                         {"warm, listening ms": 2, "warm, first byte ms": 2})
        table, = startup.tables(figures)
        self.assertEqual(table.title, "started warm")
        self.assertEqual(dict(table.rows)[contenders.FLAT][1], "1.00 (1.00-1.00)")

    def test_the_embedded_engine_is_measured_in_parts(self):
        if NATIVE:
            return
        if not startup.EMBEDDED_PYTHON.exists():
            print("SKIPPED: no embedded engine here")
            return
        command = [startup.EMBEDDED_PYTHON, "-I", startup.INSTANTIATE, BIN / "echo_server.wasm"]
        done = subprocess.run(command, text=True, capture_output=True, check=True)
        found = json.loads(done.stdout)
        self.assertEqual(list(found), ["compile us", "load us", "instantiate us"])
        self.assertGreater(min(found.values()), 0)
        table, = startup.tables({startup.IN_ENGINE: {key: [us] for key, us in found.items()}})
        self.assertEqual(table.columns, list(found))


if __name__ == "__main__":
    unittest.main()
