# SPDX-License-Identifier: MIT OR Apache-2.0
"""The TLS server: its command line, its files, and what it answers."""
import random
import socket
import ssl
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from command_line import CommandLine
from programs import (IDENTITIES, PATIENCE, Program, folders, on_each_host, receive_all,
                      receive_exactly, run)

folders.append(IDENTITIES)
CHAIN, KEY = IDENTITIES / "server_p256_chain.pem", IDENTITIES / "server_p256_key.pem"
SERVER = ["tls_server", "--listen", "127.0.0.1:0", "--cert", CHAIN, "--key", KEY]


class Test(CommandLine, unittest.TestCase):
    def connect(self, server, client=None, alpn=(), name="example.com"):
        """A TLS connection of Python's; as the client whose certificate that is."""
        context = ssl.create_default_context(cafile=IDENTITIES / "root_ca.pem")
        if alpn:
            context.set_alpn_protocols(alpn)
        if client:
            context.load_cert_chain(IDENTITIES / f"{client}_chain.pem",
                                    IDENTITIES / f"{client}_key.pem")
        tcp = socket.create_connection(server.endpoint(), PATIENCE)
        self.addCleanup(tcp.close)
        tls = context.wrap_socket(tcp, server_hostname=name, suppress_ragged_eofs=False)
        self.addCleanup(tls.close)
        return tls

    def get(self, server, **options):
        peer = self.connect(server, **options)
        peer.sendall(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        return receive_all(peer).decode()

    @on_each_host
    def test_help(self, host):
        self.assert_help(run(host, "tls_server", "--help"), "tls_server")

    @on_each_host
    def test_wrong_arguments(self, host):
        both = ["--cert", CHAIN, "--key", KEY]
        for wrong in ([], ["--frobnicate"], ["--cert", CHAIN], ["--key", KEY],
                      ["--cert", f"{CHAIN},{CHAIN}", "--key", KEY], [*both, "--listen", "here"],
                      [*both, "--tls", "1.1"], [*both, "--groups", "x25519,x448"],
                      [*both, "--alpn", ""], [*both, "more"]):
            self.assert_wrong_usage(run(host, "tls_server", *wrong), "tls_server")

    @on_each_host
    def test_files_that_are_missing(self, host):
        nowhere = IDENTITIES / "nowhere.pem"
        for cert, key, more in ((nowhere, KEY, []), (CHAIN, nowhere, []),
                                (CHAIN, KEY, ["--client-ca", nowhere])):
            result = run(host, "tls_server", "--cert", cert, "--key", key, *more)
            self.assert_fails(result, r"tls_server: /.*nowhere\.pem: No such file")

    @on_each_host
    def test_a_folder_in_the_place_of_a_file(self, host):
        result = run(host, "tls_server", "--cert", IDENTITIES, "--key", KEY)
        self.assert_fails(result, "tls_server: /.*identities: ")

    @on_each_host
    def test_files_that_hold_something_else(self, host):
        for cert, key, error in (
                (KEY, KEY, r"server_p256_key\.pem: malformed certificate"),
                (CHAIN, CHAIN, r"server_p256_chain\.pem: malformed private key"),
                (CHAIN, IDENTITIES / "server_rsa_key.pem",
                 r"server_rsa_key\.pem: private key of another certificate"),
                (CHAIN, IDENTITIES / "p256_key_pkcs8_aes.pem",
                 r"p256_key_pkcs8_aes\.pem: wrong passphrase")):
            result = run(host, "tls_server", "--cert", cert, "--key", key)
            self.assert_fails(result, "tls_server: /.*" + error)
        result = run(host, *SERVER, "--client-ca", KEY)
        self.assert_fails(result, r"tls_server: /.*server_p256_key\.pem: malformed certificate")

    @on_each_host
    def test_port_in_use(self, host):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            result = run(host, *SERVER, "--listen", f"127.0.0.1:{port}")
        self.assert_fails(result, "tls_server: .*in use")

    @on_each_host
    def test_answers_with_what_was_negotiated(self, host):
        with Program(host, *SERVER) as server:
            answer = self.get(server)
        head, body = answer.split("\r\n\r\n")
        self.assertEqual(head.splitlines()[0], "HTTP/1.1 200 OK")
        self.assertIn(f"Content-Length: {len(body)}", head)
        self.assertEqual(body.splitlines(), [
            "protocol: TLS 1.3", "cipher: TLS_CHACHA20_POLY1305_SHA256", "group: x25519",
            "resumed: no", "server name: example.com", "server: CN=example.com"])

    @on_each_host
    def test_what_is_no_get_is_not_allowed(self, host):
        with Program(host, *SERVER) as server:
            peer = self.connect(server)
            peer.sendall(b"POST / HTTP/1.1\r\n\r\n")
            self.assertTrue(receive_all(peer).startswith(b"HTTP/1.1 405 "))

    @on_each_host
    def test_alpn(self, host):
        with Program(host, *SERVER, "--alpn", "h2,http/1.1") as server:
            self.assertIn("\nalpn: h2\n", self.get(server, alpn=["http/1.1", "h2"]))

    @on_each_host
    def test_client_certificates(self, host):
        ca = IDENTITIES / "root_ca.pem"
        with Program(host, *SERVER, "--client-ca", ca) as server:
            self.assertIn("\nclient: CN=copoll client one\n", self.get(server, client="client_one"))
        for other, alert in ("client_unknown_issuer", "unknown ca"), (None, "required"):
            with Program(host, *SERVER, "--client-ca", ca) as server:
                with self.assertRaisesRegex(ssl.SSLError, alert):
                    self.get(server, client=other)
        with Program(host, *SERVER, "--client-ca", ca, "--client-optional") as server:
            self.assertNotIn("\nclient: ", self.get(server))

    @on_each_host
    def test_echo_of_a_megabyte(self, host):
        sent = random.Random(1).randbytes(1_000_000)
        with Program(host, *SERVER, "--echo") as server:
            peer = self.connect(server)
            for at in range(0, len(sent), 50_000):
                peer.sendall(sent[at:at + 50_000])
                self.assertEqual(receive_exactly(peer, 50_000), sent[at:at + 50_000])
            peer.unwrap().close()

    @on_each_host
    def test_what_is_no_tls_harms_nobody_else(self, host):
        with Program(host, *SERVER, "--verbose") as server:
            endpoint = server.endpoint()
            with socket.create_connection(endpoint, PATIENCE) as stranger:
                stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
                self.assertEqual(receive_all(stranger)[:1], b"\x15")  # an alert
            server.endpoint = lambda: endpoint
            self.assertIn("200 OK", self.get(server))
            server.end()
            self.assertEqual(server.errors(), "tls_server: malformed TLS message\n")


if __name__ == "__main__":
    unittest.main()
