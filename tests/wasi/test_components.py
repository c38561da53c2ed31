# SPDX-License-Identifier: MIT OR Apache-2.0
"""Components with peers outside: what an echo costs, and what slow, deaf and rude peers do."""
import array
import socket
import struct
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from programs import (BIN, PATIENCE, RUN, Program, not_on_jco, on_each_host, receive_all,
                      receive_exactly)

def numbers(n):
    """What burst_server has written after n bytes."""
    counting = array.array("I", range(n // 4 + 1))
    if sys.byteorder == "big":
        counting.byteswap()
    return counting.tobytes()[:n]


def reset(peer):
    """Closes with RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


class Test(unittest.TestCase):
    def connect(self, endpoint, timeout=PATIENCE):
        peer = socket.create_connection(endpoint, timeout)
        self.addCleanup(peer.close)
        return peer

    # -- what an echo costs

    def measure(self, host, connections, rounds, message=b"x" * 64):
        """Echoes in lockstep: in a round each connection sends and then each receives."""
        warm_up = 50
        with Program(host, "echo_meter", warm_up * connections, rounds * connections) as server:
            endpoint = server.endpoint()
            peers = [self.connect(endpoint) for _ in range(connections)]
            for _ in range(warm_up + rounds):
                for peer in peers:
                    peer.sendall(message)
                for peer in peers:
                    self.assertEqual(receive_exactly(peer, len(message)), message)
            self.assertEqual(server.wait(), 0, server.errors())
            return {what: int(n) for what, n in map(str.split, server.rest())}

    def assert_cheap(self, cost, echoes, more=0):
        """A read, a check-write, a write and a read that finds nothing, and a share of a poll."""
        limit = (1 + more) * echoes
        # What was written in the turn that counts leaves at its end.
        self.assertAlmostEqual(cost["write"], echoes, delta=64, msg=cost)
        self.assertLessEqual(cost["check_write"], limit, cost)
        self.assertLessEqual(cost["read"], 2 * limit, cost)
        self.assertLessEqual(cost["total"] - cost["poll"], 4 * limit, cost)

    def assert_no_allocation(self, cost, but=0):
        for what in "heap", "allocations":
            self.assertLessEqual(cost[what], but, cost)
        for what in "landing_misses", "frames":
            self.assertEqual(cost[what], 0, cost)

    @on_each_host
    def test_an_echo_costs_four_host_calls_and_a_poll(self, host):
        cost = self.measure(host, connections=1, rounds=1000)
        self.assert_cheap(cost, echoes=1000)
        self.assertLessEqual(cost["poll"], 1000, cost)
        self.assert_no_allocation(cost)

    @on_each_host
    def test_echoes_of_64_connections_share_polls_and_allocate_nothing(self, host):
        cost = self.measure(host, connections=64, rounds=100)
        # A host that has spent what it gives the guest at once says that it takes no bytes; the
        # loop then yields, and asks again.
        self.assert_cheap(cost, echoes=6400, more=0.15)
        self.assertLess(cost["poll"], 1600, cost)
        # a connection that has to wait for its write for the first time takes a frame for that
        self.assert_no_allocation(cost, but=64)

    @on_each_host
    def test_long_messages_allocate_nothing_either(self, host):
        cost = self.measure(host, connections=1, rounds=100, message=b"y" * 50_000)
        self.assert_no_allocation(cost)

    # -- many connections

    @on_each_host
    def test_300_ready_connections_at_once_are_all_served(self, host):
        """A host reports at most about 128 as ready, then calls everything not ready (coop)."""
        with Program(host, "echo_server", "--listen", "127.0.0.1:0") as server:
            endpoint = server.endpoint()
            peers = [self.connect(endpoint) for _ in range(300)]
            begin = time.monotonic()
            for _ in range(5):
                for peer in peers:
                    peer.sendall(b"hello")
                for peer in peers:
                    self.assertEqual(receive_exactly(peer, 5), b"hello")
            self.assertLess(time.monotonic() - begin, 5)

    @on_each_host
    def test_1000_idle_connections_take_no_time(self, host):
        with Program(host, "echo_server", "--listen", "127.0.0.1:0") as server:
            endpoint = server.endpoint()
            peers = [self.connect(endpoint) for _ in range(1000)]
            for peer in peers[::50]:
                peer.sendall(b"x")
                self.assertEqual(peer.recv(1), b"x")
            time.sleep(0.3)
            before = server.cpu_seconds()
            time.sleep(1)
            self.assertLessEqual(server.cpu_seconds() - before, 0.05)

    @on_each_host
    def test_1000_connections_one_after_another_leave_no_handle(self, host):
        """Wasmtime traps when there are more handles than it was told to allow."""
        if host != "wasmtime":
            return print(f"not tried: host {host} has no limit of handles to set")
        with Program(host, "echo_server", "--listen", "127.0.0.1:0",
                     COPOLL_WASMTIME_FLAGS="-S max-resources=40") as server:
            endpoint = server.endpoint()
            for _ in range(1000):
                with self.connect(endpoint) as peer:
                    peer.sendall(b"hello")
                    self.assertEqual(receive_exactly(peer, 5), b"hello")

    # -- slow and deaf peers

    def ask_for_burst(self, server, endpoint):
        """A connection that the server has filled and dropped, and how much it wrote."""
        peer = self.connect(endpoint)
        peer.sendall(b"b")
        line = server.line()
        self.assertRegex(line, r"^wrote \d+$")
        return peer, int(line.split()[1])

    def read_slowly(self, peer):
        parts = []
        while part := peer.recv(65536):
            parts.append(part)
            time.sleep(0.002)
        return b"".join(parts)

    @on_each_host
    def test_slow_peer_gets_every_byte_of_a_dropped_stream(self, host):
        with Program(host, "burst_server") as server:
            peer, wrote = self.ask_for_burst(server, server.endpoint())
            time.sleep(0.3)
            got = self.read_slowly(peer)
            self.assertGreater(wrote, 100_000)
            self.assertEqual(len(got), wrote)
            self.assertEqual(got, numbers(wrote))

    @on_each_host
    def test_slow_peer_gets_every_byte_when_the_program_ends(self, host):
        with Program(host, "burst_server") as server:
            endpoint = server.endpoint()
            peer, wrote = self.ask_for_burst(server, endpoint)
            self.connect(endpoint).sendall(b"q")
            got = self.read_slowly(peer)
            self.assertEqual(len(got), wrote)
            self.assertEqual(got, numbers(wrote))
            self.assertEqual(server.wait(), 0, server.errors())

    @on_each_host
    def test_peer_that_never_reads_holds_up_neither_others_nor_the_end(self, host):
        with Program(host, "burst_server") as server:
            endpoint = server.endpoint()
            self.ask_for_burst(server, endpoint)
            with self.connect(endpoint, timeout=2) as peer:
                peer.sendall(b"e")
                for _ in range(100):
                    peer.sendall(b"hello")
                    self.assertEqual(receive_exactly(peer, 5), b"hello")
            begin = time.monotonic()
            self.connect(endpoint).sendall(b"q")
            self.assertEqual(server.wait(), 0, server.errors())
            self.assertLess(time.monotonic() - begin, 8)  # it is given 5 s

    # -- name lookup

    @on_each_host
    @not_on_jco("it grants every program name lookup")
    def test_lookup_that_the_host_does_not_grant_says_how_to_have_it_granted(self, host):
        component = str(BIN / "tcp_client.wasm")
        result = subprocess.run([RUN, "--host", host, "--no-name-lookup", component,
                                 "localhost:1"], capture_output=True, timeout=PATIENCE)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, rb"\Atcp_client: name lookup denied .*Wasmtime: "
                                        rb"-S allow-ip-name-lookup\)\n\Z")

    @on_each_host
    @not_on_jco("it grants every program name lookup")
    def test_address_needs_no_lookup(self, host):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(PATIENCE)
            component = str(BIN / "tcp_client.wasm")
            address = "127.0.0.1:%d" % listener.getsockname()[1]
            with subprocess.Popen([RUN, "--host", host, "--no-name-lookup", component, address],
                                  stdin=subprocess.DEVNULL) as client:
                peer, _ = listener.accept()
                peer.close()
                self.assertEqual(client.wait(PATIENCE), 0)

    # -- rude peers

    @on_each_host
    def test_reset_by_a_peer_is_told_from_its_end(self, host):
        for rude in False, True:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                listener.settimeout(PATIENCE)
                with Program(host, "tcp_client",
                             "127.0.0.1:%d" % listener.getsockname()[1]) as client:
                    peer, _ = listener.accept()
                    peer.sendall(b"hello\n")
                    self.assertEqual(client.line(), "hello")
                    if rude:
                        reset(peer)
                        self.assertEqual(client.wait(), 1)
                        self.assertRegex(client.errors(), r"^tcp_client: .*reset.*\n$")
                    else:
                        peer.close()
                        self.assertEqual(client.wait(), 0, client.errors())
                        self.assertEqual(client.errors(), "")

    @on_each_host
    def test_server_outlives_peers_that_reset(self, host):
        with Program(host, "echo_server", "--listen", "127.0.0.1:0") as server:
            endpoint = server.endpoint()
            for i in range(100):
                peer = self.connect(endpoint)
                if i % 2:
                    peer.sendall(b"x" * 100_000)  # and reads nothing
                reset(peer)
            with self.connect(endpoint) as peer:
                peer.sendall(b"hello")
                peer.shutdown(socket.SHUT_WR)
                self.assertEqual(receive_all(peer), b"hello")


if __name__ == "__main__":
    unittest.main()
