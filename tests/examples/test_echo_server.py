# SPDX-License-Identifier: MIT OR Apache-2.0
"""The echo server: its command line, its sockets, its end."""
import os
import resource
import signal
import socket
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from command_line import CommandLine
from programs import (PATIENCE, Program, not_on_jco, on_each_host, receive_all, receive_exactly,
                      run)


class Test(CommandLine, unittest.TestCase):
    def connect(self, endpoint):
        peer = socket.create_connection(endpoint, PATIENCE)
        self.addCleanup(peer.close)
        return peer

    @on_each_host
    def test_help(self, host):
        self.assert_help(run(host, "echo_server", "--help"), "echo_server")

    @on_each_host
    def test_wrong_arguments(self, host):
        for wrong in (["--frobnicate"], ["--listen"], ["127.0.0.1:0"], ["--listen", ""],
                      ["--buffer", "0"], ["--buffer", "4k"], ["--buffer", "1048577"]):
            self.assert_wrong_usage(run(host, "echo_server", *wrong), "echo_server")

    @on_each_host
    def test_addresses_that_are_none(self, host):
        for address in "127.0.0.1", "localhost:80", "1.2.3.4:99999", "1.2.3:80", "::1:80", "[::1]":
            result = run(host, "echo_server", "--listen", address)
            self.assert_wrong_usage(result, "echo_server")
            self.assertIn(address.encode(), result.stderr)

    @on_each_host
    def test_port_in_use(self, host):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            result = run(host, "echo_server", "--listen", f"127.0.0.1:{port}")
        self.assert_fails(result, "echo_server: .*in use")

    @on_each_host
    def test_address_of_another_machine(self, host):
        result = run(host, "echo_server", "--listen", "203.0.113.1:0")
        self.assert_fails(result, "echo_server: .*not available")

    @on_each_host
    def test_says_where_it_listens_and_echoes_there(self, host):
        with Program(host, "echo_server", "--listen", "127.0.0.1:0") as server:
            address, port = server.endpoint()
            self.assertEqual(address, "127.0.0.1")
            peer = self.connect((address, port))
            peer.sendall(b"hello")
            self.assertEqual(receive_exactly(peer, 5), b"hello")
            peer.sendall(b" again")
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(peer), b" again")

    @on_each_host
    def test_listens_on_ipv6(self, host):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            return print(f"SKIPPED: no IPv6 loopback: {error}")
        with Program(host, "echo_server", "--listen", "[::1]:0") as server:
            line = server.line()
            self.assertRegex(line, r"^listening on \[::1\]:\d+$")
            peer = self.connect(("::1", int(line.rsplit(":", 1)[1])))
            peer.sendall(b"hello")
            self.assertEqual(receive_exactly(peer, 5), b"hello")

    @on_each_host
    def test_can_be_started_again_at_once_on_its_port(self, host):
        with Program(host, "echo_server", "--listen", "127.0.0.1:0") as server:
            endpoint = server.endpoint()
            peer = self.connect(endpoint)
            peer.sendall(b"hello")
            receive_exactly(peer, 5)
        with Program(host, "echo_server", "--listen", "%s:%d" % endpoint) as server:
            self.assertEqual(server.endpoint(), endpoint)

    @on_each_host
    @not_on_jco("it drops connections that it has no descriptor for")
    def test_without_a_free_descriptor_it_goes_on_later(self, host):
        with Program(host, "echo_server", "--listen", "127.0.0.1:0") as server:
            endpoint = server.endpoint()
            with self.connect(endpoint) as first:  # the host has all that it opens for itself
                first.sendall(b"first")
                self.assertEqual(b"first", receive_exactly(first, 5))
            limit = len(os.listdir(f"/proc/{server.pid}/fd")) + 10
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, limit))
            peers = [self.connect(endpoint) for _ in range(40)]
            before = server.cpu_seconds()
            time.sleep(0.5)
            self.assertLess(server.cpu_seconds() - before, 0.4)
            while peers:  # those that leave make room for those that wait
                for peer in peers[:5]:
                    peer.sendall(b"echo this")
                    self.assertEqual(b"echo this", receive_exactly(peer, 9))
                    peer.close()
                del peers[:5]

    @on_each_host
    def test_signals_end_it(self, host):
        for number in signal.SIGINT, signal.SIGTERM:
            with Program(host, "echo_server", "--listen", "127.0.0.1:0") as server:
                self.connect(server.endpoint()).sendall(b"hello")
                server.send_signal(number)
                self.assertNotEqual(server.wait(timeout=5), 0)


if __name__ == "__main__":
    unittest.main()
