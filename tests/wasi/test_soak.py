# SPDX-License-Identifier: MIT OR Apache-2.0
"""A component under load: what idle connections cost, what floods and long loads leave behind."""
import contextlib
import os
import random
import resource
import selectors
import socket
import struct
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from programs import PATIENCE, Program, hosts, on_each_host, receive_all, receive_exactly

LOADED = 60  # seconds to wait for what a busy machine may take a while for


def reset(peer):
    """Closes with RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


class Server(Program):
    """A running soak_server."""

    def __init__(self, host, **env):
        super().__init__(host, "soak_server", **env)
        try:
            self.tcp, self.udp = self.endpoint(), self.endpoint()
        except BaseException:
            self.end()
            raise

    def connect(self, wish=b"", receive_buffer=None):
        peer = socket.socket()
        peer.settimeout(LOADED)
        if receive_buffer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        peer.connect(self.tcp)
        peer.sendall(wish)
        return peer

    def status(self):
        """What it holds, by name."""
        with self.connect(b"s") as peer:
            words = receive_all(peer).decode().split()
        return dict(zip(words[::2], map(int, words[1::2]))) or self.end_and_tell()

    def echoes(self, message=b"hello"):
        with self.connect(b"e" + message) as peer:
            return receive_exactly(peer, len(message)) == message

    def status_when_idle(self, like):
        """The status, once it holds no more than `like` of all but memory; a timer and what it
        is to the host come and go."""
        end = time.monotonic() + PATIENCE
        while True:
            status = self.status()
            if (status["frames"] <= like["frames"] and status["timers"] <= like["timers"] + 1
                    and status["handles"] <= like["handles"] + 2):
                return status
            if time.monotonic() > end:
                raise AssertionError(f"not idle: {status}, was {like}")
            time.sleep(0.05)

    def switches(self):
        """How often its threads have gone to sleep (Linux)."""
        count = 0
        for status in Path(f"/proc/{self.pid}/task").glob("*/status"):
            with contextlib.suppress(FileNotFoundError):  # a thread that has ended
                fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
                count += int(fields["voluntary_ctxt_switches"])
        return count


class Load:
    """Peers that each do one thing over and over, and check every byte."""

    def __init__(self, server, seed):
        self._server = server
        self._seed = seed
        self._end = 0
        self.errors = []
        self.sessions = {}

    def run(self, seconds, peers):
        """Until `seconds` are over and all sessions with them."""
        self._end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._repeat, args=(kind, number))
                   for number, kind in enumerate(peers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._seed += len(peers)

    def _repeat(self, kind, number):
        chance = random.Random(self._seed + number)
        try:
            while not self._over():
                kind(self, chance)
                self.sessions[kind.__name__] = self.sessions.get(kind.__name__, 0) + 1
        except Exception as error:
            self.errors.append(f"{kind.__name__}, seed {self._seed + number}: {error!r}")
            self._end = 0

    def _over(self):
        return time.monotonic() >= self._end

    def _connect(self, chance, **options):
        return self._server.connect(chance.choice((b"e", b"c")), **options)

    @staticmethod
    def _expect(got, sent):
        if got != sent:
            raise AssertionError(f"{len(got)} bytes for {len(sent)}, equal up to "
                                 f"{len(os.path.commonprefix([got, sent]))}")

    def churner(self, chance):
        """Connects, talks and closes."""
        with self._connect(chance) as peer:
            for _ in range(chance.randrange(5)):
                message = chance.randbytes(chance.randrange(1, 10_000))
                peer.sendall(message)
                self._expect(receive_exactly(peer, len(message)), message)

    def half_closer(self, chance):
        """Sends all, ends its side, and reads to the end."""
        with self._connect(chance) as peer:
            message = chance.randbytes(chance.randrange(50_000))
            peer.sendall(message)
            peer.shutdown(socket.SHUT_WR)
            self._expect(receive_all(peer), message)

    def slow_reader(self, chance):
        """Sends more than the buffers on the way hold, and reads it back in small steps."""
        with self._connect(chance, receive_buffer=4096) as peer:
            message = chance.randbytes(1_000_000)
            sender = threading.Thread(target=peer.sendall, args=(message,))
            sender.start()
            parts, missing = [], len(message)
            while missing > 0:
                part = peer.recv(min(missing, 20_000))
                if not part:
                    break
                parts.append(part)
                missing -= len(part)
                if not self._over():
                    time.sleep(0.001)
            sender.join()
            self._expect(b"".join(parts), message)

    def resetter(self, chance):
        """Resets in the middle of something."""
        peer = self._connect(chance)
        size = chance.choice((0, 1, 1000, 100_000))
        peer.sendall(chance.randbytes(size))
        if size and chance.randrange(2):
            peer.recv(chance.randrange(1, 10_000))
        reset(peer)

    def datagrams(self, chance):
        """A burst of them; those that come back are whole."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(1)
            peer.connect(self._server.udp)
            sent = [chance.randbytes(chance.choice((0, 1, 100, 1400))) for _ in range(20)]
            for datagram in sent:
                peer.send(datagram)
            for number in range(len(sent)):
                try:
                    got = peer.recv(65_535)
                except TimeoutError:  # that is how it is with datagrams
                    self.sessions["lost"] = self.sessions.get("lost", 0) + len(sent) - number
                    break
                if got not in sent:
                    raise AssertionError(f"nobody has sent this datagram of {len(got)} bytes")


PEERS = ([Load.churner] * 8 + [Load.half_closer] * 4 + [Load.slow_reader] * 4 +
         [Load.resetter] * 4 + [Load.datagrams] * 2)


class Test(unittest.TestCase):
    @on_each_host
    def test_1000_idle_connections_take_no_time_and_no_poll(self, host):
        with Server(host) as server, contextlib.ExitStack() as peers:
            for _ in range(1000):
                peer = peers.enter_context(server.connect(b"c"))
                peer.sendall(b"hello")
                self.assertEqual(receive_exactly(peer, 5), b"hello")
            time.sleep(0.5)  # they cool down
            polls = server.status()["polls"]
            time.sleep(0.5)  # so does the connection that asked
            cpu, switches = server.cpu_seconds(), server.switches()
            time.sleep(2)
            self.assertLessEqual(server.cpu_seconds() - cpu, 0.02)
            self.assertLessEqual(server.switches() - switches, 10)
            self.assertLessEqual(server.status()["polls"] - polls, 30)  # of asking and being asked

    @on_each_host
    def test_10000_connections_reset_at_once(self, host):
        self.allow_descriptors(10_100)
        with Server(host) as server:
            self.assertTrue(server.echoes())
            idle = server.status()
            for peer in self.flood(server, 10_000):
                reset(peer)
            self.assertTrue(server.echoes())
            server.status_when_idle(like=idle)
            cpu = server.cpu_seconds()
            time.sleep(0.5)
            self.assertLessEqual(server.cpu_seconds() - cpu, 0.05)

    def allow_descriptors(self, n):
        """To this process, and those that it starts."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < n:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(n, hard), hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def flood(self, server, n):
        """So many connections that have had an echo, and some of them ask for another one. At most
        256 are on their way at a time: more than its backlog a server does not see."""
        peers = []
        with selectors.DefaultSelector() as waiting:
            while len(peers) < n or waiting.get_map():
                while len(peers) < n and len(waiting.get_map()) < 256:
                    peer = socket.socket()
                    peer.setblocking(False)
                    peer.connect_ex(server.tcp)
                    waiting.register(peer, selectors.EVENT_WRITE)
                    peers.append(peer)
                ready = waiting.select(LOADED)
                self.assertTrue(ready, f"{len(peers)} connections, then nothing")
                for key, event in ready:
                    peer = key.fileobj
                    if event & selectors.EVENT_WRITE:
                        peer.send(b"ehello")
                        waiting.modify(peer, selectors.EVENT_READ)
                    else:
                        self.assertEqual(peer.recv(5), b"hello")
                        waiting.unregister(peer)
        for peer in peers[::3]:
            peer.send(b"another")
        return peers

    def test_soak_briefly(self):
        self.soak(10)

    def soak(self, seconds=float(os.environ.get("COPOLL_SOAK_SECONDS", 600))):
        """In all, on all hosts. In rounds, after each of which the server is idle; the first two
        are its warm-up."""
        for host in hosts():
            with self.subTest(host=host), Server(host) as server:
                self.soak_for(server, seconds / len(hosts()))

    def soak_for(self, server, seconds):
        rounds = max(5, int(seconds / 10))
        load = Load(server, seed=random.randrange(1 << 32))
        idle = server.status()
        statuses = []
        for _ in range(rounds):
            load.run(seconds / rounds, PEERS)
            self.assertEqual(load.errors, [])
            statuses.append(server.status_when_idle(like=idle))
        print(f"{load.sessions}; idle at first {idle}, then {statuses}")
        self.assertLess(load.sessions.get("lost", 0), load.sessions["datagrams"])
        # How sessions meet each other varies, and so what they need at most.
        self.assertLessEqual(statuses[-1]["memory"], statuses[1]["memory"] + 512 * 1024)


if __name__ == "__main__":
    unittest.main()
