# SPDX-License-Identifier: MIT OR Apache-2.0
"""The TLS client: its command line, its files, and what it says of its servers."""
import random
import socket
import ssl
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from command_line import CommandLine
from programs import (IDENTITIES, PATIENCE, folders, not_on_jco, on_each_host, receive_all,
                      run)

folders.append(IDENTITIES)
ROOT = IDENTITIES / "root_ca.pem"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"


class Server:
    """A TLS server of Python's. Each connection is given to `talk`, whose results are kept."""

    def __init__(self, talk, identity="server_p256", **settings):
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ROOT)
        self._context.load_cert_chain(IDENTITIES / f"{identity}_chain.pem",
                                      IDENTITIES / f"{identity}_key.pem")
        for name, value in settings.items():
            setattr(self._context, name, value)
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.results = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self):
        while True:
            try:
                tcp, _ = self._listener.accept()
            except OSError:
                return
            tcp.settimeout(PATIENCE)
            try:
                with self._context.wrap_socket(tcp, server_side=True) as tls:
                    self.results.append(self._talk(tls))
            except OSError as error:
                self.results.append(error)
                tcp.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)


def answer(tls):
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += tls.recv(4096)
    tls.sendall(ANSWER)
    tls.unwrap().close()
    return request


class Test(CommandLine, unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        folders.append(self.folder)
        self.addCleanup(folders.remove, self.folder)

    @on_each_host
    def test_help(self, host):
        self.assert_help(run(host, "tls_client", "--help"), "tls_client")

    @on_each_host
    def test_wrong_arguments(self, host):
        for wrong in ([], ["localhost"], ["localhost:1", "localhost:2"], ["--frobnicate"],
                      ["localhost:1", "--tls", "1.4"], ["localhost:1", "--groups", "none"],
                      ["localhost:1", "--cert", ROOT], ["localhost:1", "--key", ROOT]):
            self.assert_wrong_usage(run(host, "tls_client", *wrong), "tls_client")

    @on_each_host
    def test_files_that_are_missing_or_hold_something_else(self, host):
        nowhere, key = IDENTITIES / "nowhere.pem", IDENTITIES / "server_p256_key.pem"
        for options, error in (
                (["--ca", nowhere], r"nowhere\.pem: No such file"),
                (["--ca", key], r"server_p256_key\.pem: malformed certificate"),
                (["--cert", nowhere, "--key", key], r"nowhere\.pem: No such file"),
                (["--cert", ROOT, "--key", key], r"key\.pem: private key of another certificate"),
                (["--session", ROOT], r"root_ca\.pem: malformed TLS session")):
            result = run(host, "tls_client", "127.0.0.1:1", *options)
            self.assert_fails(result, "tls_client: /.*" + error)

    @on_each_host
    def test_nobody_listens(self, host):
        with socket.create_server(("127.0.0.1", 0)) as closing:
            address = "127.0.0.1:%d" % closing.getsockname()[1]
        self.assert_fails(run(host, "tls_client", address, "--ca", ROOT), "tls_client: .*refused")

    @on_each_host
    def test_gets_a_page(self, host):
        with Server(answer) as server:
            result = run(host, "tls_client", f"127.0.0.1:{server.port}", "--ca", ROOT,
                         "--path", "/page", "--server-name", "example.com")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, ANSWER)
        self.assertEqual(result.stderr.decode().splitlines()[::3],
                         ["protocol: TLS 1.3", "resumed: no"])
        self.assertIn(b"GET /page HTTP/1.1\r\nHost: example.com\r\n", server.results[0])

    @on_each_host
    def test_the_name_of_the_address_is_what_the_server_must_prove(self, host):
        for name in "localhost", "127.0.0.1":
            with Server(answer) as server:
                result = run(host, "tls_client", f"{name}:{server.port}", "--ca", ROOT)
            self.assertEqual(result.stdout, ANSWER, result.stderr)

    @on_each_host
    def test_servers_that_are_not_to_be_trusted(self, host):
        for identity, error in (
                ("server_expired", "certificate expired"),
                ("server_not_yet_valid", "certificate not yet valid"),
                ("server_wrong_name", "certificate for another name"),
                ("server_self_signed", "certificate without a trusted root"),
                ("server_unknown_issuer", "certificate without a trusted root"),
                ("server_wrong_usage", "certificate not for this use")):
            with Server(answer, identity) as server:
                to = f"localhost:{server.port}"
                self.assert_fails(run(host, "tls_client", to, "--ca", ROOT), "tls_client: " + error)
                result = run(host, "tls_client", to, "--ca", ROOT, "--insecure")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"not verified: {error}\n", result.stderr.decode())

    @on_each_host
    def test_alpn(self, host):
        def protocol(tls):
            selected = tls.selected_alpn_protocol()
            answer(tls)
            return selected
        with Server(protocol) as server:
            server._context.set_alpn_protocols(["http/1.1"])
            result = run(host, "tls_client", f"localhost:{server.port}", "--ca", ROOT,
                         "--alpn", "h2,http/1.1")
        self.assertIn(b"\nalpn: http/1.1\n", result.stderr)
        self.assertEqual(server.results, ["http/1.1"])

    @on_each_host
    def test_a_client_certificate(self, host):
        def name(tls):
            subject = tls.getpeercert()["subject"]
            answer(tls)
            return dict(part[0] for part in subject)["commonName"]
        mine = ["--cert", IDENTITIES / "client_one_chain.pem",
                "--key", IDENTITIES / "client_one_key.pem"]
        with Server(name, verify_mode=ssl.CERT_REQUIRED) as server:
            to = ["tls_client", f"localhost:{server.port}", "--ca", ROOT]
            self.assertEqual(run(host, *to, *mine).stdout, ANSWER)
            refused = run(host, *to)
        self.assertEqual(server.results[0], "copoll client one")
        self.assertEqual(refused.returncode, 1)
        if host != "jco":  # where what came before a reset can be lost
            self.assertIn(b"tls_client: the peer's TLS alert: certificate_required\n",
                          refused.stderr)

    @on_each_host
    def test_a_megabyte_each_way(self, host):
        sent = random.Random(1).randbytes(1_000_000)

        def echo(tls):
            while part := tls.recv(16384):
                tls.sendall(part)
            tls.unwrap().close()
        with Server(echo) as server:
            result = run(host, "tls_client", f"localhost:{server.port}", "--ca", ROOT, "--stdin",
                         stdin=sent)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout == sent)

    @on_each_host
    @not_on_jco("it lets components create no files")
    def test_a_session_is_kept_and_resumed(self, host):
        kept = self.folder / f"session of {host}"
        for version in "1.2", "1.3":
            with Server(answer) as server:
                to = [f"localhost:{server.port}", "--ca", ROOT, "--session", kept, "--tls", version]
                first = run(host, "tls_client", *to)
                self.assertIn(b"\nresumed: no\n", first.stderr)
                for _ in range(2):
                    result = run(host, "tls_client", *to)
                    self.assertIn(b"\nresumed: yes\n", result.stderr)
                    self.assertEqual(result.stdout, ANSWER)
            kept.unlink()

    @on_each_host
    @not_on_jco("it lets components create no files")
    def test_a_key_log(self, host):
        log = self.folder / f"keys of {host}"
        with Server(answer) as server:
            run(host, "tls_client", f"localhost:{server.port}", "--ca", ROOT, "--keylog", log)
        names = {line.split()[0] for line in log.read_text().splitlines()}
        self.assertLessEqual({"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
                              "SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"}, names)

    @on_each_host
    def test_an_answer_that_is_cut_off(self, host):
        def cut(tls):
            tls.recv(4096)
            tls.sendall(ANSWER[:-6])  # and no close_notify, as `close` sends none
        with Server(cut) as server:
            result = run(host, "tls_client", f"localhost:{server.port}", "--ca", ROOT)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout, ANSWER[:-6])
        self.assertTrue(result.stderr.endswith(
            b"tls_client: the connection ended without a TLS close\n"), result.stderr)

    @on_each_host
    def test_what_is_no_tls(self, host):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def hang_up():
            peer, _ = listener.accept()
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            receive_all(peer)
            peer.close()
        threading.Thread(target=hang_up, daemon=True).start()
        result = run(host, "tls_client", "localhost:%d" % listener.getsockname()[1], "--ca", ROOT)
        self.assert_fails(result, "tls_client: malformed TLS message")


if __name__ == "__main__":
    unittest.main()
