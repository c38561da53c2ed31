# SPDX-License-Identifier: MIT OR Apache-2.0
"""What scenario p2p runs: that each program does its work, on a small scale, and finds faults."""
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS.parent / "tests/support")]
from delay_proxy import DelayProxy  # noqa: E402
from programs import NATIVE, PATIENCE, Program, command, hosts, on_each_host, run  # noqa: E402

LOAD = os.environ.get("P2P_LOAD")  # of the native build
NO_LOAD = "SKIPPED: the load is a native program"
LISTEN = ("--listen", "127.0.0.1:0")


class Test(unittest.TestCase):
    def server(self, host, name="p2p_server", *options):
        """Where it listens, and itself."""
        node = Program(host, name, *LISTEN, *options)
        self.addCleanup(node.end)
        line = node.line() or ""
        while line.startswith("linear memory"):
            line = node.line() or ""
        self.assertRegex(line, "^listening on ", node.end_and_tell() if not line else "")
        return line.removeprefix("listening on "), node

    def load(self, address, *arguments):
        return subprocess.run([LOAD, "--connect", address, "--seconds", "0.5", *arguments],
                              text=True, capture_output=True, timeout=PATIENCE)

    def assert_fails(self, done, code=1, said=""):
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertIn(said, done.stderr)

    def figures(self, address, *arguments):
        done = self.load(address, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_all_that_the_load_does_comes_back_right(self):
        if not LOAD:
            print(NO_LOAD)
            return
        address, _ = self.server(hosts()[0])
        for what in "visits", "streams":
            found = self.figures(address, "--do", what, "--at-once", "3")
            self.assertGreater(found["messages"], 0)
            self.assertGreater(found["latency_us"]["p50"], 0)
        for what in "down", "up", "echo":
            found = self.figures(address, "--do", what, "--transfer", "1")
            self.assertGreater(found["megabytes_per_second"], 0)
        for what in "idle", "held":
            found = self.figures(address, "--do", what, "--idle", "20", "--per-connection", "7")
            self.assertEqual((found["connections"], found["idle"]), (0, 20))

    def test_a_run_has_the_phases_that_the_bench_waits_for(self):
        if not LOAD:
            print(NO_LOAD)
            return
        address, _ = self.server(hosts()[0])
        done = subprocess.run([LOAD, "--connect", address, "--seconds", "0.5", "--do", "streams",
                               "--phases"], input="\n", text=True, capture_output=True,
                              timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr),
                         (0, "phase counting\nphase finishing\n"))

    def test_a_node_that_is_not_the_one_asked_for_fails_the_run(self):
        if not LOAD:
            print(NO_LOAD)
            return
        address, _ = self.server(hosts()[0])
        other, _ = self.server(hosts()[0])
        wrong = address.rsplit("/", 1)[0] + "/" + other.rsplit("/", 1)[1]
        self.assert_fails(self.load(wrong, "--do", "streams"))

    def test_a_node_that_ends_meanwhile_fails_the_run(self):
        if not LOAD:
            print(NO_LOAD)
            return
        address, node = self.server(hosts()[0])
        threading.Timer(0.2, node.end).start()
        self.assert_fails(self.load(address, "--do", "down"))

    def test_a_node_that_answers_wrongly_fails_the_run(self):
        if not LOAD:
            print(NO_LOAD)
            return
        bulk = ("--transfer", "1")
        wrong = "Invalid or incomplete"  # how the system calls bytes that are not those expected
        for fault, said in ("wrong-byte", wrong), ("missing-byte", ""), ("extra-byte", wrong):
            address, _ = self.server(hosts()[0], "p2p_faulty", "--fault", fault)
            patience = "1" if fault == "missing-byte" else "30"  # only that one is waited for
            for what in ["visits"], ["streams"], ["idle", "--idle", "3"], ["echo", *bulk], \
                    ["down", *bulk]:
                with self.subTest(fault=fault, what=what[0]):
                    self.assert_fails(self.load(address, "--patience", patience, "--do", *what),
                                      said=said)

    def test_an_upload_that_is_answered_with_bytes_fails_the_run(self):
        if not LOAD:
            print(NO_LOAD)
            return
        address, _ = self.server(hosts()[0], "p2p_faulty", "--fault", "extra-byte")
        self.assert_fails(self.load(address, "--do", "up", "--transfer", "1"))

    def test_no_node_at_all_fails_the_run(self):
        if not LOAD:
            print(NO_LOAD)
            return
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.assert_fails(self.load(f"/ip4/127.0.0.1/tcp/{port}", "--do", "visits"))

    def test_wrong_usage_is_told_apart_from_failure(self):
        if not LOAD:
            print(NO_LOAD)
            return
        for wrong in ([], ["--do", "nothing"], ["--do", "down", "--at-once", "0"],
                      ["--do", "idle", "--per-connection", "501"]):
            self.assertEqual(self.load("/ip4/127.0.0.1/tcp/1", *wrong).returncode, 2)
        self.assertEqual(self.load("127.0.0.1:1", "--do", "echo").returncode, 2)

    @on_each_host
    def test_engines_and_bare_cryptography_are_measured_in_turns(self, host):
        done = run(host, "p2p_cost", "--quick")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(set(found), {f"{side} {what}" for side in ("raw", "engine")
                                      for what in ("handshake us", "stream MB/s")})
        self.assertGreater(min(found.values()), 0)

    @on_each_host
    def test_a_byte_is_back_after_three_round_trips(self, host):
        address, _ = self.server(host)
        parts = address.split("/")
        with DelayProxy(int(parts[4]), one_way=0.2) as proxy:
            parts[4] = str(proxy.port)
            with Program(host, "p2p_dial", "/".join(parts)) as dialer:
                self.assertEqual(dialer.line(), "OK byte")
                took = time.monotonic() - proxy.accepted
        # no more than three, that tests of the host count on the simulated network's clock
        self.assertGreaterEqual(took, 3 * 0.4)

    @on_each_host
    def test_the_server_that_tells_its_memory_does_so_before_it_listens(self, host):
        if NATIVE:
            print("SKIPPED: linear memory is what a component has")
            return
        node = Program(host, "p2p_memory", *LISTEN)
        self.addCleanup(node.end)
        self.assertTrue(re.match(r"linear memory \d+$", node.line()))

    def test_bytes_are_passed_on_in_order_and_late_and_so_is_the_end(self):
        begun = time.monotonic()
        with socket.create_server(("127.0.0.1", 0)) as server, \
                DelayProxy(server.getsockname()[1], one_way=0.05) as proxy, \
                socket.create_connection(("127.0.0.1", proxy.port)) as client:
            for part in b"one ", b"two ", b"three":
                client.sendall(part)
            client.shutdown(socket.SHUT_WR)
            server.settimeout(PATIENCE)
            peer, _ = server.accept()
            got = b""
            while part := peer.recv(100):
                got += part
            self.assertEqual(got, b"one two three")
            self.assertGreaterEqual(time.monotonic() - begun, 0.15)  # TCP's round trip as well
            sent = time.monotonic()
            peer.sendall(b"back")
            peer.close()
            self.assertEqual(client.recv(100), b"back")
            self.assertGreaterEqual(time.monotonic() - sent, 0.05)
            self.assertEqual(client.recv(100), b"")


if __name__ == "__main__":
    unittest.main()
