# SPDX-License-Identifier: MIT OR Apache-2.0
"""The TCP client, a netcat: both ways, both ends, and what it says when it fails."""
import contextlib
import hashlib
import random
import select
import socket
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from command_line import CommandLine
from programs import (PATIENCE, Program, not_on_jco, on_each_host, receive_all, receive_exactly,
                      run)

MEGABYTE = random.Random(1).randbytes(1_000_000)


class Test(CommandLine, unittest.TestCase):
    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.addCleanup(self.listener.close)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def accept(self):
        peer, _ = self.listener.accept()
        peer.settimeout(PATIENCE)
        self.addCleanup(peer.close)
        return peer

    def serve(self, talk):
        """Runs `talk(peer)` in a thread, for one connection; gives a function that awaits its
        result."""
        results = []

        def thread():
            peer = self.accept()
            results.append(talk(peer))
            peer.close()

        running = threading.Thread(target=thread, daemon=True)
        running.start()

        def result():
            running.join(PATIENCE)
            self.assertTrue(results, "the server did not come to its end")
            return results[0]
        return result

    @on_each_host
    def test_help(self, host):
        self.assert_help(run(host, "tcp_client", "--help"), "tcp_client")

    @on_each_host
    def test_wrong_arguments(self, host):
        for wrong in ([], ["--frobnicate"], ["127.0.0.1"], ["localhost"], ["local host:80"],
                      ["127.0.0.1:1", "127.0.0.1:2"], ["--timeout", "soon", "127.0.0.1:1"],
                      ["--timeout", "0", "127.0.0.1:1"], ["127.0.0.1:1", "--timeout"]):
            self.assert_wrong_usage(run(host, "tcp_client", *wrong), "tcp_client")

    @on_each_host
    def test_nobody_listens(self, host):
        with socket.create_server(("127.0.0.1", 0)) as closing:
            address = "127.0.0.1:%d" % closing.getsockname()[1]
        self.assert_fails(run(host, "tcp_client", address), "tcp_client: .*refused")

    @on_each_host
    def test_a_name(self, host):
        self.serve(lambda peer: peer.sendall(b"hello"))
        port = self.address.rsplit(":", 1)[1]
        result = run(host, "tcp_client", f"localhost:{port}")
        self.assertEqual(result.stdout, b"hello", result.stderr)
        self.assertEqual(result.returncode, 0)

    @on_each_host
    def test_a_name_that_there_is_not(self, host):
        self.assert_fails(run(host, "tcp_client", "--timeout", "10", "copoll-test.invalid:80"),
                          "tcp_client: (no such host|name resolution failed|timed out)")

    @on_each_host
    def test_end_of_input_is_passed_on_and_the_answer_still_read(self, host):
        def answer(peer):
            question = receive_all(peer)
            peer.sendall(b"the answer to " + question)
            return question
        asked = self.serve(answer)
        result = run(host, "tcp_client", self.address, stdin=b"a question")
        self.assertEqual(asked(), b"a question")
        self.assertEqual(result.stdout, b"the answer to a question")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, b"")

    @on_each_host
    def test_a_megabyte_each_way_at_the_same_time(self, host):
        def echo(peer):
            n = 0
            while part := peer.recv(65536):
                peer.sendall(part)
                n += len(part)
            return n
        echoed = self.serve(echo)
        result = run(host, "tcp_client", self.address, stdin=MEGABYTE)
        self.assertEqual(echoed(), len(MEGABYTE))
        self.assertEqual(len(result.stdout), len(MEGABYTE))
        self.assertEqual(hashlib.sha256(result.stdout).digest(), hashlib.sha256(MEGABYTE).digest())
        self.assertEqual(result.returncode, 0, result.stderr)

    @on_each_host
    def test_a_megabyte_into_a_slow_output(self, host):
        """The host's pipe fills; nothing may be lost at the end."""
        self.serve(lambda peer: peer.sendall(MEGABYTE))
        with Program(host, "tcp_client", self.address, raw=True) as client:
            parts = []
            while part := client.stdout.read(20_000):
                parts.append(part)
                time.sleep(0.003)
            self.assertEqual(client.wait(), 0, client.errors())
        self.assertEqual(len(b"".join(parts)), len(MEGABYTE))
        self.assertTrue(b"".join(parts) == MEGABYTE)

    @on_each_host
    def test_lines_go_through_one_by_one(self, host):
        with Program(host, "tcp_client", self.address, stdin=subprocess.PIPE) as client:
            peer = self.accept()
            for i in range(20):
                client.stdin.write(b"line %d\n" % i)
                client.stdin.flush()
                line = receive_exactly(peer, len(b"line %d\n" % i))
                peer.sendall(line.upper())
                self.assertEqual(client.line(), "LINE %d" % i)
            client.stdin.close()
            self.assertEqual(receive_all(peer), b"")
            peer.close()
            self.assertEqual(client.wait(), 0, client.errors())

    @on_each_host
    def test_text_shows_before_its_line_ends(self, host):
        with Program(host, "tcp_client", self.address, stdin=subprocess.PIPE, raw=True) as client:
            peer = self.accept()
            peer.sendall(b"name? ")
            ready, _, _ = select.select([client.stdout], [], [], 5)
            self.assertTrue(ready, "the prompt did not come out")
            self.assertEqual(client.stdout.read(6), b"name? ")

    @on_each_host
    def test_peer_that_ends_first_ends_it_though_input_goes_on(self, host):
        with Program(host, "tcp_client", self.address, stdin=subprocess.PIPE) as client:
            peer = self.accept()
            peer.sendall(b"bye\n")
            peer.close()
            self.assertEqual(client.line(), "bye")
            self.assertEqual(client.wait(timeout=5), 0, client.errors())

    @on_each_host
    @not_on_jco("it does not tell a component that its output is closed")
    def test_output_that_nobody_reads_any_more(self, host):
        """Ends it with an error, as a closed pipe does to any program."""
        with Program(host, "tcp_client", self.address, raw=True) as client:
            client.stdout.close()
            peer = self.accept()
            with contextlib.suppress(OSError):  # until it has gone
                while True:
                    peer.sendall(b"x" * 1000)
            self.assertNotEqual(client.wait(), 0)


if __name__ == "__main__":
    unittest.main()
