# SPDX-License-Identifier: MIT OR Apache-2.0
"""The servers that others are measured against must do the whole job: else they are no ceiling."""
import os
import random
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from servers import Server, runner  # noqa: E402

PROGRAM = os.environ["CEILING"]
COMMAND = [*(runner(None) if PROGRAM.endswith(".wasm") else []), PROGRAM]


def read_to_end(connection):
    data = bytearray()
    while part := connection.recv(65536):
        data += part
    return bytes(data)


class Test(unittest.TestCase):
    def serve(self, address="127.0.0.1"):
        server = Server([*COMMAND, "--listen", f"{address}:0"])
        server.__enter__()
        self.addCleanup(server.end)
        host, _, port = server.address.rpartition(":")
        self.assertEqual(host, address)
        self.assertNotEqual(port, "0")
        return host.strip("[]"), int(port)

    def connect(self, address):
        connection = socket.create_connection(address, timeout=30)
        self.addCleanup(connection.close)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def exchange(self, connection, data):
        """Sends everything, half-closes, and returns all that came back before the end."""
        def send():
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        answer = read_to_end(connection)
        sender.join()
        return answer

    def test_messages_of_all_sizes_come_back_one_by_one(self):
        connection = self.connect(self.serve())
        for size in (1, 2, 511, 512, 513, 4096, 65535, 65536, 65537, 200000, 1):
            message = random.randbytes(size)
            connection.sendall(message)
            answer = b""
            while len(answer) < size:
                part = connection.recv(size - len(answer))
                self.assertTrue(part, f"closed within {size} bytes")
                answer += part
            self.assertEqual(answer, message)

    def test_everything_comes_back_before_the_end_of_a_half_closed_connection(self):
        data = random.randbytes(5_000_000)
        self.assertEqual(self.exchange(self.connect(self.serve()), data), data)

    def test_many_connections_get_their_own_bytes(self):
        address = self.serve()
        messages = [random.randbytes(random.randrange(1, 100_000)) for _ in range(150)]
        answers = [None] * len(messages)

        def run(i):
            answers[i] = self.exchange(self.connect(address), messages[i])
        threads = [threading.Thread(target=run, args=(i,)) for i in range(len(messages))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, messages)

    def test_connections_that_end_all_at_once_are_all_closed(self):
        address = self.serve()
        # More than a host reports as ready in one poll.
        connections = [self.connect(address) for _ in range(300)]
        for connection in connections:
            connection.sendall(b"last words")
        for connection in connections:
            connection.shutdown(socket.SHUT_WR)
        self.assertEqual({read_to_end(c) for c in connections}, {b"last words"})

    def test_connections_that_were_quiet_are_all_served_again(self):
        address = self.serve()
        connections = [self.connect(address) for _ in range(300)]
        busy = self.connect(address)
        for round_ in range(3):
            # While one is busy the others fall quiet, then all have something at once.
            for number in range(100):
                message = b"%d %d" % (round_, number)
                busy.sendall(message)
                self.assertEqual(busy.recv(100), message)
            for connection in connections:
                connection.sendall(b"again")
            self.assertEqual({c.recv(100) for c in connections}, {b"again"})

    def test_a_quiet_connection_is_served_while_many_others_are_busy(self):
        address = self.serve()
        quiet = self.connect(address)
        stop = threading.Event()

        def keep_busy(connections):
            while not stop.is_set():
                for connection in connections:
                    connection.sendall(b"x" * 64)
                for connection in connections:
                    self.assertTrue(connection.recv(64))
        # More than are polled at once.
        threads = [threading.Thread(target=keep_busy, args=([self.connect(address)
                                                             for _ in range(50)],))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in range(20):
                stop.wait(0.02)
                quiet.sendall(b"%d" % number)
                self.assertEqual(quiet.recv(100), b"%d" % number)
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_a_peer_that_does_not_read_stops_nobody_else(self):
        address = self.serve()
        stuck = self.connect(address)
        stuck.setblocking(False)
        sent = 0
        try:
            while sent < 100_000_000:
                sent += stuck.send(b"x" * 65536)
        except BlockingIOError:
            pass
        self.assertEqual(self.exchange(self.connect(address), b"still here"), b"still here")
        stuck.setblocking(True)
        self.assertEqual(self.exchange(stuck, b"y"), b"x" * sent + b"y")

    def test_a_peer_that_resets_stops_nobody_else(self):
        address = self.serve()
        for _ in range(20):
            rude = self.connect(address)
            rude.sendall(b"x" * 100_000)
            # Linger of zero seconds: closing sends a reset.
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0] + [0] * 4))
            rude.close()
        self.assertEqual(self.exchange(self.connect(address), b"still here"), b"still here")

    def test_ipv6_works_as_well(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            print(f"SKIPPED: no IPv6 here: {error}")
            return
        data = random.randbytes(300_000)
        self.assertEqual(self.exchange(self.connect(self.serve("[::1]")), data), data)

    def test_an_address_in_use_is_one_clear_line(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            where = "127.0.0.1:%d" % taken.getsockname()[1]
            done = subprocess.run([*COMMAND, "--listen", where], text=True, capture_output=True,
                                  timeout=60)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_wrong_usage_prints_how_to_use_it(self):
        # WASI 0.2 knows no exit codes but 0 and 1.
        code = 1 if PROGRAM.endswith(".wasm") else 2
        for wrong in ([], ["--listen"], ["--listen", "nowhere"], ["--listen", "127.0.0.1:x"],
                      ["--listen", "[::1:80"], ["--listen", "127.0.0.1:1", "more"]):
            with self.subTest(wrong=wrong):
                done = subprocess.run([*COMMAND, *wrong], text=True, capture_output=True,
                                      timeout=60)
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertIn("usage: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
