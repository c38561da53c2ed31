# SPDX-License-Identifier: MIT OR Apache-2.0
"""What scenario tls runs beside echo_load: that each program does its work, on a small scale."""
import json
import socket
import ssl
import subprocess
import sys
import threading
import unittest
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS.parent / "tests/support")]
from programs import NATIVE, PATIENCE, Program, command, folders, hosts  # noqa: E402

IDENTITY = BENCHMARKS / "tls"
CERTIFICATE, KEY = IDENTITY / "certificate.pem", IDENTITY / "key.pem"
folders.append(IDENTITY)


def figures(program, *arguments):
    """What it prints, on the first host."""
    done = subprocess.run(command(hosts()[0], program, *arguments), text=True, capture_output=True,
                          timeout=PATIENCE)
    return done.returncode, done.stderr, json.loads(done.stdout) if done.stdout else None


class TlsServer:
    """A TLS echo server of Python's. `kinds` says of each connection whether it was resumed."""
    def __init__(self, broken=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
        self.kinds = []
        self.broken = broken
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(context,), daemon=True).start()

    def _accept(self, context):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(context, connection), daemon=True).start()

    def _serve(self, context, connection):
        try:
            with context.wrap_socket(connection, server_side=True) as peer:
                self.kinds.append(peer.session_reused)
                while data := peer.recv(65536):
                    peer.sendall(bytes(b ^ self.broken for b in data))
                peer.unwrap()
        except OSError:
            pass


class Test(unittest.TestCase):
    def server(self, **options):
        server = TlsServer(**options)
        self.addCleanup(server.listener.close)
        return server

    def test_the_engine_and_bare_calls_are_measured_in_turns(self):
        if not hosts():
            return
        code, said, found = figures("tls_cost", "--quick")
        self.assertEqual(code, 0, said)
        for side in "raw", "engine":
            for what in "full handshake us", "chacha20 MB/s", "aes_128_gcm MB/s":
                self.assertGreater(found[f"{side} {what}"], 0)
        self.assertGreater(found["engine resumed handshake us"], 0)

    def test_bare_calls_of_mbedtls_as_it_comes_are_measured(self):
        if not hosts():
            return
        code, said, found = figures("tls_cost_stock", "--quick")
        self.assertEqual(code, 0, said)
        self.assertEqual(set(found), {"stock full handshake us", "stock chacha20 MB/s",
                                      "stock aes_128_gcm MB/s"})
        self.assertGreater(min(found.values()), 0)

    def test_our_client_makes_handshakes_full_and_resumed(self):
        if not hosts():
            return
        for resume in [], ["--resume"]:
            server = self.server()
            code, said, found = figures("tls_dial", server.address, "--connections", "2",
                                        "--milliseconds", "1500", *resume)
            self.assertEqual(code, 0, said)
            self.assertGreater(found["handshakes/s"], 0)
            self.assertEqual(any(server.kinds), bool(resume))

    def test_our_client_gives_up_on_a_server_that_changes_a_byte(self):
        if not hosts():
            return
        code, said, found = figures("tls_dial", self.server(broken=True).address)
        self.assertEqual((code, found), (1, None), said)

    def test_the_server_that_tells_its_memory_echoes_by_chacha20(self):
        if NATIVE:
            print("SKIPPED: linear memory is what a component has")
            return
        if not hosts():
            return
        with Program(hosts()[0], "tls_memory", "--listen", "127.0.0.1:0", "--cert", CERTIFICATE,
                     "--key", KEY, "--echo") as server:
            self.assertRegex(server.line(), r"^linear memory \d+$")
            _, port = server.endpoint()
            context = ssl.create_default_context(cafile=CERTIFICATE)
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as tcp:
                with context.wrap_socket(tcp, server_hostname="localhost") as peer:
                    peer.sendall(b"hello")
                    self.assertEqual(peer.recv(100), b"hello")
                    self.assertEqual(peer.cipher()[0], "TLS_CHACHA20_POLY1305_SHA256")


if __name__ == "__main__":
    unittest.main()
