# SPDX-License-Identifier: MIT OR Apache-2.0
"""Both ends against gnutls-cli and gnutls-serv."""
import socket
import subprocess
import time
import unittest

from ends import (CUT_OFF, MIB, PATIENCE, REQUEST, ROOT, UNKNOWN, VERSIONS, WRITES_NO_FILES,
                  InteropTest, Peer, Program, identity, needs, negotiated, noise, not_on_jco,
                  on_each_host)


def only(version):
    return f"NORMAL:-VERS-ALL:+VERS-TLS{version}"


def with_identity(name):
    cert, key = identity(name)
    return ["--x509certfile", cert, "--x509keyfile", key]


def free_port():
    """gnutls-serv does not say which port it got when it is given none."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@needs("gnutls-cli")
class Test(InteropTest):
    def cli(self, server, *options, ca=ROOT, name="example.com", stdin=REQUEST):
        """Runs gnutls-cli to its end; what it says apart from the data is in `log`."""
        log = self.folder / "log"
        host, port = server.at.rsplit(":", 1)
        done = subprocess.run(
            ["gnutls-cli", "--logfile", log, "--x509cafile", ca, "--sni-hostname", name,
             "--verify-hostname", name, "--port", port, *options, host],
            input=stdin, capture_output=True, timeout=PATIENCE)
        done.log = (log.read_text() if log.exists() else "") + done.stderr.decode()
        done.facts = negotiated(done.stdout.decode(errors="replace"))
        return done

    def gnutls_server(self, *options, identity_of="server_p256"):
        port = free_port()
        peer = Peer("gnutls-serv", "--port", port, *with_identity(identity_of), *options)
        self.addCleanup(peer.__exit__)
        peer.expect(r"listening on IPv4 .*done\n")
        peer.port = port
        return peer

    # -- our server

    @on_each_host
    def test_a_client_of_gnutls(self, host):
        for name in "server_p256", "server_p384", "server_p521", "server_rsa":
            server = self.server(host, identity_of=[name])
            for version in VERSIONS:
                done = self.cli(server, "--priority", only(version))
                self.assertEqual(done.facts["protocol"], "TLS " + version, done.log)
                self.assertIn("CHACHA20", done.facts["cipher"])
                self.assertEqual(done.facts["server name"], "example.com")

    @on_each_host
    def test_a_client_of_gnutls_that_knows_one_group(self, host):
        server = self.server(host)
        for version in VERSIONS:
            for theirs, ours in (("X25519", "x25519"), ("SECP256R1", "secp256r1"),
                                 ("SECP384R1", "secp384r1"), ("SECP521R1", "secp521r1")):
                done = self.cli(server, "--priority",
                                f"{only(version)}:-GROUP-ALL:+GROUP-{theirs}")
                self.assertEqual(done.facts["group"], ours, done.log)

    @on_each_host
    def test_a_client_of_gnutls_is_asked_for_another_group(self, host):
        server = self.server(host, "--groups", "x25519")
        done = self.cli(server, "--single-key-share", "--priority",
                        only("1.3") + ":-GROUP-ALL:+GROUP-SECP384R1:+GROUP-X25519")
        self.assertEqual(done.facts["group"], "x25519", done.log)

    @on_each_host
    def test_a_client_of_gnutls_resumes(self, host):
        server = self.server(host, "--echo")
        for version in VERSIONS:
            with Peer("gnutls-cli", "--x509cafile", ROOT, "--sni-hostname", "example.com",
                      "--verify-hostname", "example.com", "--port", server.at.rsplit(":", 1)[1],
                      "--priority", only(version), "--resume", "--waitresumption",
                      "127.0.0.1") as client:
                client.expect("This is a resumed session")
                client.type("hello\n")
                client.expect("hello\n")

    @on_each_host
    def test_a_client_of_gnutls_sends_early_data(self, host):
        server = self.server(host, "--early-data", "1000")
        ahead = self.folder / "ahead"
        ahead.write_bytes(REQUEST)
        done = self.cli(server, "--resume", "--waitresumption", "--earlydata", ahead,
                        "--priority", only("1.3"))
        self.assertEqual(done.facts["early data"], "accepted", done.log)

    @on_each_host
    def test_a_client_of_gnutls_proves_who_it_is(self, host):
        server = self.server(host, "--client-ca", ROOT)
        for version in VERSIONS:
            for name in "one", "two":
                done = self.cli(server, "--priority", only(version),
                                *with_identity(f"client_{name}"))
                self.assertEqual(done.facts["client"], f"CN=copoll client {name}", done.log)
            done = self.cli(server, "--priority", only(version))
            self.assertNotIn(b"200 OK", done.stdout)
            self.assertRegex(done.log, "(Certificate is required|Handshake failed)")

    @on_each_host
    def test_a_client_of_gnutls_says_later_who_it_is(self, host):
        cert, key = identity("server_p256")
        server = Program(host, "https_secure_path", "--listen", "127.0.0.1:0", "--cert", cert,
                         "--key", key, "--client-ca", ROOT)
        self.addCleanup(server.end)
        port = server.endpoint()[1]
        for options in [only("1.3"), "--post-handshake-auth"], [only("1.2")]:
            with Peer("gnutls-cli", "--x509cafile", ROOT, "--sni-hostname", "example.com",
                      "--verify-hostname", "example.com", "--port", port,
                      *with_identity("client_one"), "--priority", *options, "127.0.0.1") as client:
                client.expect("Simple Client Mode")
                client.type("GET /secure HTTP/1.1\r\n\r\n")
                client.expect("hello, CN=copoll client one")

    @on_each_host
    def test_a_client_of_gnutls_and_alpn(self, host):
        server = self.server(host, "--alpn", "h2,http/1.1")
        self.assertEqual(self.cli(server, "--alpn", "http/1.1", "--alpn", "h2").facts["alpn"], "h2")
        self.assertIn("No supported application protocol",
                      self.cli(server, "--alpn", "smtp").log)

    @on_each_host
    def test_a_client_of_gnutls_refuses_certificates(self, host):
        for name, error in (("server_expired", "expired"),
                            ("server_wrong_name", "name in the certificate does not match"),
                            ("server_unknown_issuer", "issuer is unknown")):
            done = self.cli(self.server(host, identity_of=[name]))
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.log, error)

    @on_each_host
    def test_a_client_of_gnutls_that_takes_small_records(self, host):
        server = self.server(host, "--client-ca", ROOT)
        done = self.cli(server, "--recordsize", "512", "--priority", only("1.3"),
                        *with_identity("client_one"))
        self.assertEqual(done.facts["client"], "CN=copoll client one", done.log)

    @on_each_host
    def test_a_client_of_gnutls_changes_keys(self, host):
        server = self.server(host, "--echo")
        with Peer("gnutls-cli", "--x509cafile", ROOT, "--sni-hostname", "example.com",
                  "--verify-hostname", "example.com", "--port", server.at.rsplit(":", 1)[1],
                  "--inline-commands", "--priority", only("1.3"), "127.0.0.1") as client:
            client.expect("Simple Client Mode")
            for i in range(3):
                client.type(f"line {i}\n")
                client.expect(f"line {i}\n")
                client.type("^rekey^\n")
                client.expect("Rekey was completed")

    @on_each_host
    def test_some_mib_of_a_client_of_gnutls(self, host):
        server = self.server(host, "--echo")
        # with records of less than 4096 bytes gnutls-cli itself leaves some out
        for options in ["--priority", only("1.2")], [], ["--recordsize", "4096"]:
            done = self.cli(server, *options, stdin=noise(2 * MIB))
            self.assertEqual(len(done.stdout), 2 * MIB, done.log)
            self.assertTrue(done.stdout == noise(2 * MIB), done.log)

    # -- our client

    @on_each_host
    def test_a_server_of_gnutls(self, host):
        for name in "server_p256", "server_p384", "server_p521", "server_rsa":
            server = self.gnutls_server("--http", identity_of=name)
            for version in VERSIONS:
                done = self.client(host, server.port, "--tls", version)
                self.assert_done(done)
                self.assertIn(b"HTTP/1.0 200 OK", done.stdout)
                self.assertEqual(done.negotiated["protocol"], "TLS " + version)

    @on_each_host
    def test_a_server_of_gnutls_that_knows_one_group(self, host):
        for theirs, ours in (("X25519", "x25519"), ("SECP256R1", "secp256r1"),
                             ("SECP384R1", "secp384r1"), ("SECP521R1", "secp521r1")):
            server = self.gnutls_server("--http", "--priority",
                                        f"NORMAL:-GROUP-ALL:+GROUP-{theirs}")
            for version in VERSIONS:
                done = self.client(host, server.port, "--tls", version)
                self.assertEqual(done.negotiated["group"], ours, done.stderr)

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_a_server_of_gnutls_resumes(self, host):
        for version in VERSIONS:
            server = self.gnutls_server("--http")
            kept = ["--tls", version, "--session", self.folder / f"{host} {version}"]
            self.assertEqual(self.client(host, server.port, *kept).negotiated["resumed"], "no")
            for _ in range(2):
                done = self.client(host, server.port, *kept)
                self.assertEqual(done.negotiated["resumed"], "yes", done.stderr)
                self.assertIn(b"HTTP/1.0 200 OK", done.stdout)

    @on_each_host
    def test_a_server_of_gnutls_asks_who_we_are(self, host):
        server = self.gnutls_server("--http", "--x509cafile", ROOT, "--require-client-cert")
        for version in VERSIONS:
            for name in "one", "two":
                cert, key = identity(f"client_{name}")
                done = self.client(host, server.port, "--tls", version, "--cert", cert,
                                   "--key", key)
                self.assert_done(done)
                self.assertIn(b"CN=copoll client " + name.encode(), done.stdout)
            self.assert_refused(self.client(host, server.port, "--tls", version), ".*alert.*")

    @on_each_host
    def test_a_server_of_gnutls_and_alpn(self, host):
        server = self.gnutls_server("--http", "--alpn", "h2", "--alpn-fatal")
        for version in VERSIONS:
            done = self.client(host, server.port, "--tls", version, "--alpn", "http/1.1,h2")
            self.assertEqual(done.negotiated["alpn"], "h2", done.stderr)
            done = self.client(host, server.port, "--tls", version, "--alpn", "smtp")
            self.assert_refused(done, "the peer's TLS alert: no_application_protocol")

    @on_each_host
    def test_a_server_of_gnutls_gets_the_name(self, host):
        server = self.gnutls_server("--http", "--sni-hostname", "example.com",
                                    "--sni-hostname-fatal")
        self.assert_done(self.client(host, server.port))
        self.assert_refused(self.client(host, server.port, name="www.example.com"),
                            "the peer's TLS alert: unrecognized_name")

    @on_each_host
    def test_servers_of_gnutls_that_are_refused(self, host):
        for name, error in (("server_expired", "certificate expired"),
                            ("server_wrong_name", "certificate for another name"),
                            ("server_unknown_issuer", "certificate without a trusted root")):
            server = self.gnutls_server("--http", identity_of=name)
            for version in VERSIONS:
                self.assert_refused(self.client(host, server.port, "--tls", version), error)
        self.assert_refused(self.client(host, self.gnutls_server("--http").port, ca=UNKNOWN),
                            "certificate without a trusted root")

    @on_each_host
    def test_a_server_of_gnutls_is_cut_off(self, host):
        server = self.gnutls_server("--echo")
        client = Program(host, "tls_client", f"127.0.0.1:{server.port}", "--ca", ROOT, "--stdin",
                         "--server-name", "example.com", stdin=subprocess.PIPE)
        self.addCleanup(client.end)
        client.stdin.write(b"hello\n")
        client.stdin.flush()
        self.assertEqual(client.line(), "hello")
        time.sleep(0.1)
        server.kill()
        self.assertEqual(client.wait(), 1, client.errors())
        self.assertTrue(client.errors().endswith(CUT_OFF), client.errors())

    @on_each_host
    def test_64_mib_of_a_server_of_gnutls(self, host):
        (self.folder / "file").write_bytes(noise(64 * MIB))
        server = self.gnutls_server("--http", "--httpdata", self.folder / "file")
        done = self.client(host, server.port, timeout=100)
        self.assert_done(done)
        self.assertTrue(done.stdout.endswith(noise(64 * MIB)), done.stdout[:200])


if __name__ == "__main__":
    unittest.main()
