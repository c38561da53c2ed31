# SPDX-License-Identifier: MIT OR Apache-2.0
"""The UDP echo: its command line, and datagrams of every size from several peers."""
import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from command_line import CommandLine
from programs import PATIENCE, Program, on_each_host, run


class Test(CommandLine, unittest.TestCase):
    def peer(self, family=socket.AF_INET):
        peer = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.settimeout(PATIENCE)
        return peer

    def ask(self, peer, endpoint, message):
        peer.sendto(message, endpoint)
        answer, sender = peer.recvfrom(65536)
        self.assertEqual(answer, message)
        self.assertEqual(sender[:2], endpoint[:2])

    @on_each_host
    def test_help(self, host):
        self.assert_help(run(host, "udp_echo", "--help"), "udp_echo")

    @on_each_host
    def test_wrong_arguments(self, host):
        for wrong in (["--frobnicate"], ["--listen"], ["127.0.0.1:0"], ["--listen", "x"]):
            self.assert_wrong_usage(run(host, "udp_echo", *wrong), "udp_echo")

    @on_each_host
    def test_port_in_use(self, host):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            port = other.getsockname()[1]
            result = run(host, "udp_echo", "--listen", f"127.0.0.1:{port}")
        self.assert_fails(result, "udp_echo: .*in use")

    @on_each_host
    def test_address_of_another_machine(self, host):
        result = run(host, "udp_echo", "--listen", "203.0.113.1:0")
        self.assert_fails(result, "udp_echo: .*not available")

    @on_each_host
    def test_datagrams_of_every_size_come_back(self, host):
        with Program(host, "udp_echo", "--listen", "127.0.0.1:0") as server:
            endpoint = server.endpoint()
            peer = self.peer()
            for size in 0, 1, 512, 1472, 1473, 9000, 65507:
                self.ask(peer, endpoint, bytes(i % 251 for i in range(size)))

    @on_each_host
    def test_several_peers_at_once(self, host):
        with Program(host, "udp_echo", "--listen", "127.0.0.1:0") as server:
            endpoint = server.endpoint()
            peers = [self.peer() for _ in range(20)]
            for round in range(20):
                for number, peer in enumerate(peers):
                    peer.sendto(b"%d of %d" % (round, number), endpoint)
                for number, peer in enumerate(peers):
                    self.assertEqual(peer.recv(100), b"%d of %d" % (round, number))

    @on_each_host
    def test_outlives_peers_that_are_gone_when_the_answer_comes(self, host):
        with Program(host, "udp_echo", "--listen", "127.0.0.1:0") as server:
            endpoint = server.endpoint()
            peer = self.peer()
            peer.bind(("127.0.0.1", 0))  # not a port of those who are gone
            for _ in range(20):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
                    gone.sendto(b"hello", endpoint)
            self.ask(peer, endpoint, b"still there?")

    @on_each_host
    def test_listens_on_ipv6(self, host):
        peer = self.peer(socket.AF_INET6)
        try:
            peer.bind(("::1", 0))
        except OSError as error:
            return print(f"SKIPPED: no IPv6 loopback: {error}")
        with Program(host, "udp_echo", "--listen", "[::1]:0") as server:
            self.ask(peer, server.endpoint(), b"hello")


if __name__ == "__main__":
    unittest.main()
