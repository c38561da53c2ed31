# SPDX-License-Identifier: MIT OR Apache-2.0
"""p2p_node as the transport test app of libp2p's unified-testing: told what to do by environment
variables, the two sides find each other by a Redis server."""
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from ends import PATIENCE, Program, on_each_host

KEY = "a1b2c3d4"
LIST = f"{KEY}_listener_multiaddr"
LATENCY = r"\Alatency:\n  handshake_plus_one_rtt: \d+\.\d+\n  ping_rtt: \d+\.\d+\n  unit: ms\n\Z"


class Redis:
    """A server of its own, that keeps nothing."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as closing:
            self.port = closing.getsockname()[1]
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self._process.stdout:
            if "Ready to accept connections" in line:
                break
        else:
            raise AssertionError("redis-server has not started")

    def end(self):
        self._process.kill()
        self._process.communicate()

    def call(self, *words):
        """The answer to a command, as it came."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as peer:
            peer.sendall(b"*%d\r\n" % len(words))
            for word in words:
                peer.sendall(b"$%d\r\n%s\r\n" % (len(word), word.encode()))
            peer.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: peer.recv(4096), b"")).decode()

    def wait(self, pattern, *words):
        """Asks until the answer is of that form; gives the match."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, answer := self.call(*words))):
            if time.monotonic() > deadline:
                raise AssertionError(f"{words} -> {answer!r}")
            time.sleep(0.02)
        return found


class Test(unittest.TestCase):
    def setUp(self):
        if not shutil.which("redis-server"):
            self.redis = None
            return
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.redis = Redis(folder.name)
        self.addCleanup(self.redis.end)

    def has_redis(self):
        """Whether there is one; nothing is in it then."""
        if self.redis:
            self.assertEqual(self.redis.call("FLUSHALL"), "+OK\r\n")
        else:
            print("SKIPPED: no redis-server here; ./dev setup --peers gets it")
        return self.redis is not None

    def node(self, host, dials, **more):
        settings = {"IS_DIALER": "true" if dials else "false", "TEST_KEY": KEY,
                    "REDIS_ADDR": f"127.0.0.1:{self.redis.port}", "TRANSPORT": "tcp",
                    "SECURE_CHANNEL": "noise", "MUXER": "yamux", "LISTENER_IP": "127.0.0.1",
                    "TEST_TIMEOUT_SECS": "60", "DEBUG": "false", **more}
        made = Program(host, "p2p_node", **settings)
        self.addCleanup(made.end)
        return made

    def assert_reached(self, dialer):
        self.assertEqual(dialer.wait(), 0, dialer.errors())
        self.assertRegex("\n".join([*dialer.rest(), ""]), LATENCY)

    def assert_fails(self, node, error, codes=(1,)):
        self.assertIn(node.wait(), codes)
        self.assertEqual(node.rest(), [])
        self.assertRegex(node.errors(), error)

    @on_each_host
    def test_the_two_find_each_other(self, host):
        """Whoever comes first."""
        if not self.has_redis():
            return
        for dialer_first in False, True:
            first, second = self.node(host, dialer_first), self.node(host, not dialer_first)
            dialer, listener = (first, second) if dialer_first else (second, first)
            self.assert_reached(dialer)
            listener.end()
            self.assertEqual(listener.rest(), [])
            self.assertRegex(listener.errors(),
                             r"\Ap2p_node: listening on /ip4/127\.0\.0\.1/tcp/\d+/p2p/\w+\n\Z")

    @on_each_host
    def test_a_listener_on_all_addresses_tells_a_real_one(self, host):
        if not self.has_redis():
            return
        listener = self.node(host, False, LISTENER_IP="0.0.0.0")
        told = self.redis.wait("/.*", "LINDEX", LIST, "0")[0]
        self.assertRegex(told, r"\A/ip4/127\.0\.0\.1/tcp/[1-9]\d*/p2p/12D3KooW\w{44}\r\Z")
        self.assert_reached(self.node(host, True))
        listener.end()

    @on_each_host
    def test_an_address_of_another_ip_version_than_that_of_redis(self, host):
        if not self.has_redis():
            return
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            return print(f"SKIPPED: no IPv6 loopback: {error}")
        self.assert_fails(self.node(host, False, LISTENER_IP="::"), "LISTENER_IP is of another IP version")

    @on_each_host
    def test_a_listener_that_sets_a_text(self, host):
        """As the specification has it. Before the dialer asks, and while it waits."""
        if not self.has_redis():
            return
        listener = self.node(host, False)
        address = self.redis.wait("/[^\r]*", "LINDEX", LIST, "0")[0]
        self.redis.call("SET", LIST, address)  # in the place of the list
        self.assert_reached(self.node(host, True))
        self.redis.call("DEL", LIST)
        dialer = self.node(host, True)
        self.redis.wait("cmd=blpop", "CLIENT", "LIST")
        self.redis.call("SET", LIST, address)
        self.assert_reached(dialer)
        listener.end()

    @on_each_host
    def test_what_it_does_not_speak(self, host):
        if not self.has_redis():
            return
        for name, other, only in (("TRANSPORT", "quic-v1", "tcp"), ("MUXER", "mplex", "yamux"),
                                  ("SECURE_CHANNEL", "tls", "noise")):
            for dials in False, True:
                self.assert_fails(self.node(host, dials, **{name: other}),
                                  rf"\Ap2p_node: {name}={other}, but this node speaks {only} only\n",
                                  codes=(1, 2))

    @on_each_host
    def test_settings_that_are_none(self, host):
        if not self.has_redis():
            return
        for wrong in {"REDIS_ADDR": "redis"}, {"TEST_TIMEOUT_SECS": "soon"}, \
                {"TEST_TIMEOUT_SECS": "0"}:
            self.assert_fails(self.node(host, True, **wrong), next(iter(wrong)), codes=(1, 2))

    @on_each_host
    def test_a_dialer_without_a_listener(self, host):
        if not self.has_redis():
            return
        self.assert_fails(self.node(host, True, TEST_TIMEOUT_SECS="2"),
                          r"\Ap2p_node: [^\n]*timed out\n\Z")

    @on_each_host
    def test_a_listener_that_is_gone(self, host):
        if not self.has_redis():
            return
        with socket.create_server(("127.0.0.1", 0)) as closing:
            port = closing.getsockname()[1]
        self.redis.call("RPUSH", LIST, f"/ip4/127.0.0.1/tcp/{port}")
        self.assert_fails(self.node(host, True), r"\Ap2p_node: [^\n]*refused\n\Z")

    @on_each_host
    def test_no_redis(self, host):
        if not self.has_redis():
            return
        with socket.create_server(("127.0.0.1", 0)) as closing:
            nowhere = "127.0.0.1:%d" % closing.getsockname()[1]
        self.assert_fails(self.node(host, True, REDIS_ADDR=nowhere),
                          r"\Ap2p_node: [^\n]*refused\n\Z")


if __name__ == "__main__":
    unittest.main()
