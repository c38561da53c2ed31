# SPDX-License-Identifier: MIT OR Apache-2.0
"""Both ends against Node's tls: the programs in node/."""
import json
import subprocess
import unittest
from pathlib import Path

from ends import (CUT_OFF, MIB, PATIENCE, ROOT, UNKNOWN, VERSIONS, WRITES_NO_FILES, InteropTest,
                  Peer, identity, needs, noise, not_on_jco, on_each_host)

PROGRAMS = Path(__file__).parent / "node"


def with_identity(name):
    cert, key = identity(name)
    return {"cert": str(cert), "key": str(key)}


def only(version):
    return {"minVersion": "TLSv" + version, "maxVersion": "TLSv" + version}


@needs("node")
class Test(InteropTest):
    def node_server(self, identity_of="server_p256", **options):
        peer = Peer("node", PROGRAMS / "server.mjs",
                    json.dumps(with_identity(identity_of) | options))
        self.addCleanup(peer.__exit__)
        peer.port = int(peer.expect(r"listening on (\d+)\n")[1])
        return peer

    def connect(self, server, stdin=b"hello", **options):
        host, port = server.at.rsplit(":", 1)
        options = {"host": host, "port": int(port), "servername": "example.com",
                   "ca": str(ROOT)} | options
        done = subprocess.run(["node", PROGRAMS / "client.mjs", json.dumps(options)], input=stdin,
                              capture_output=True, timeout=PATIENCE)
        done.stderr = done.stderr.decode()
        done.facts = [json.loads(line) for line in done.stderr.splitlines() if line[:1] == "{"]
        return done

    # -- our server

    @on_each_host
    def test_a_client_of_node(self, host):
        server = self.server(host, "--echo")
        for version in VERSIONS:
            done = self.connect(server, **only(version))
            self.assertEqual(done.stdout, b"hello", done.stderr)
            self.assertEqual(done.facts[0]["version"], "TLSv" + version)
            self.assertEqual(done.facts[0]["group"], "X25519")
            self.assertIn("CHACHA20", done.facts[0]["cipher"])

    @on_each_host
    def test_a_client_of_node_resumes(self, host):
        for version in VERSIONS:
            server = self.server(host, "--echo")
            done = self.connect(server, times=3, **only(version))
            self.assertEqual([f["resumed"] for f in done.facts], [False, True, True], done.stderr)
            self.assertEqual(done.stdout, b"hello" * 3)

    @on_each_host
    def test_a_client_of_node_is_asked_for_another_group(self, host):
        server = self.server(host, "--echo", "--groups", "x25519")
        done = self.connect(server, ecdhCurve="P-384:X25519")
        self.assertEqual(done.stdout, b"hello", done.stderr)

    @on_each_host
    def test_a_client_of_node_proves_who_it_is(self, host):
        server = self.server(host, "--echo", "--client-ca", ROOT)
        for version in VERSIONS:
            done = self.connect(server, **with_identity("client_one"), **only(version))
            self.assertEqual(done.stdout, b"hello", done.stderr)
            for options in {}, with_identity("client_unknown_issuer"):
                done = self.connect(server, **options, **only(version))
                self.assertIn("failed: ERR_SSL", done.stderr)

    @on_each_host
    def test_a_client_of_node_and_alpn(self, host):
        server = self.server(host, "--echo", "--alpn", "h2,http/1.1")
        done = self.connect(server, ALPNProtocols=["http/1.1", "h2"])
        self.assertEqual(done.facts[0]["alpn"], "h2")
        self.assertIn("failed: ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
                      self.connect(server, ALPNProtocols=["smtp"]).stderr)

    @on_each_host
    def test_a_client_of_node_refuses_certificates(self, host):
        for name, error in (("server_expired", "CERT_HAS_EXPIRED"),
                            ("server_wrong_name", "ERR_TLS_CERT_ALTNAME_INVALID"),
                            ("server_unknown_issuer", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY|"
                                                      "UNABLE_TO_VERIFY_LEAF_SIGNATURE")):
            server = self.server(host, "--echo", identity_of=[name])
            self.assertRegex(self.connect(server).stderr, f"failed: ({error})")

    @on_each_host
    def test_some_mib_of_a_client_of_node(self, host):
        for version in VERSIONS:
            done = self.connect(self.server(host, "--echo"), stdin=noise(8 * MIB), **only(version))
            self.assertTrue(done.stdout == noise(8 * MIB), done.stderr)

    # -- our client

    def echo(self, host, server, *options, data=b"hello", **more):
        return self.client(host, server.port, "--stdin", *options, stdin=data, **more)

    @on_each_host
    def test_a_server_of_node(self, host):
        for name in "server_p256", "server_rsa":
            server = self.node_server(name)
            for version in VERSIONS:
                done = self.echo(host, server, "--tls", version)
                self.assert_done(done)
                self.assertEqual(done.stdout, b"hello")
                server.expect(f'"version":"TLSv{version}".*"name":"example.com"')

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_a_server_of_node_resumes(self, host):
        for version in VERSIONS:
            server = self.node_server()
            kept = ["--tls", version, "--session", self.folder / f"{host} {version}"]
            self.assertEqual(self.echo(host, server, *kept).negotiated["resumed"], "no")
            for _ in range(2):
                done = self.echo(host, server, *kept)
                self.assertEqual(done.negotiated["resumed"], "yes")
                self.assertEqual(done.stdout, b"hello")
                server.expect('"resumed":true')

    @on_each_host
    def test_a_server_of_node_asks_who_we_are(self, host):
        server = self.node_server(ca=str(ROOT), requestCert=True, rejectUnauthorized=True)
        for version in VERSIONS:
            cert, key = identity("client_one")
            done = self.echo(host, server, "--tls", version, "--cert", cert, "--key", key)
            self.assertEqual(done.stdout, b"hello", done.stderr)
            server.expect('"peer":"copoll client one"')
            self.assertEqual(self.echo(host, server, "--tls", version).returncode, 1)

    @on_each_host
    def test_a_server_of_node_and_alpn(self, host):
        server = self.node_server(ALPNProtocols=["h2"])
        self.assertEqual(self.echo(host, server, "--alpn", "http/1.1,h2").negotiated["alpn"], "h2")
        self.assert_refused(self.echo(host, server, "--alpn", "smtp"),
                            "the peer's TLS alert: no_application_protocol")

    @on_each_host
    def test_servers_of_node_that_are_refused(self, host):
        for name, error in (("server_expired", "certificate expired"),
                            ("server_wrong_name", "certificate for another name")):
            server = self.node_server(name)
            self.assert_refused(self.echo(host, server), error)
            server.expect("failed: ERR_SSL")
        self.assert_refused(self.echo(host, self.node_server(), ca=UNKNOWN),
                            "certificate without a trusted root")

    @on_each_host
    def test_a_server_of_node_that_cuts_off(self, host):
        done = self.echo(host, self.node_server(cut=True))
        self.assertEqual(done.stdout, b"not all of it")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.endswith(CUT_OFF), done.stderr)

    @on_each_host
    def test_some_mib_to_a_server_of_node_and_back(self, host):
        for options in [], ["--tls", "1.2"], ["--update-keys"]:
            done = self.echo(host, self.node_server(), *options, data=noise(8 * MIB))
            self.assert_done(done)
            self.assertTrue(done.stdout == noise(8 * MIB))


if __name__ == "__main__":
    unittest.main()
