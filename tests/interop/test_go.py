# SPDX-License-Identifier: MIT OR Apache-2.0
"""Both ends against Go's crypto/tls: the program in go/."""
import subprocess
import unittest

from ends import (BIN, CUT_OFF, MIB, PATIENCE, ROOT, UNKNOWN, VERSIONS, WRITES_NO_FILES,
                  InteropTest, Peer, identity, needs, noise, not_on_jco, on_each_host)


PROGRAM = BIN.parent / "tests/interop/go_peer"  # built with the tests, if there is a go


def with_identity(name):
    cert, key = identity(name)
    return ["-cert", cert, "-key", key]


@needs(PROGRAM)
class Test(InteropTest):
    def go_server(self, *options, identity_of="server_p256"):
        peer = Peer(PROGRAM, "serve", *with_identity(identity_of), *options)
        self.addCleanup(peer.__exit__)
        peer.port = int(peer.expect(r"listening on 127\.0\.0\.1:(\d+)\n")[1])
        return peer

    def dial(self, server, *options, ca=ROOT, stdin=b"hello"):
        done = subprocess.run([PROGRAM, "dial", server.at, "-ca", ca, *options],
                              input=stdin, capture_output=True, timeout=PATIENCE)
        done.stderr = done.stderr.decode()
        return done

    # -- our server

    @on_each_host
    def test_a_client_of_go(self, host):
        server = self.server(host, "--echo")
        for version in VERSIONS:
            for curve in "X25519", "P256", "P384", "P521":
                done = self.dial(server, "-tls", version, "-curves", f"{curve},X25519,P256")
                self.assertEqual(done.stdout, b"hello", done.stderr)
                self.assertIn("TLS " + version, done.stderr)
            self.assertEqual(self.dial(server, "-tls", version).stdout, b"hello")  # with ML-KEM

    @on_each_host
    def test_a_client_of_go_resumes(self, host):
        for version in VERSIONS:
            server = self.server(host, "--echo")
            done = self.dial(server, "-tls", version, "-times", "3")
            self.assertEqual(done.stderr.count("resumed=true"), 2, done.stderr)
            self.assertEqual(done.stdout, b"hello" * 3)

    @on_each_host
    def test_a_client_of_go_is_asked_for_another_group(self, host):
        server = self.server(host, "--echo", "--groups", "secp384r1")
        self.assertEqual(self.dial(server, "-curves", "X25519,P384").stdout, b"hello")

    @on_each_host
    def test_a_client_of_go_proves_who_it_is(self, host):
        server = self.server(host, "--echo", "--client-ca", ROOT)
        for version in VERSIONS:
            for name in "client_one", "client_two":
                done = self.dial(server, "-tls", version, *with_identity(name))
                self.assertEqual(done.stdout, b"hello", done.stderr)
            done = self.dial(server, "-tls", version)
            self.assertRegex(done.stderr, "remote error: tls: (certificate req|handshake fail)")
            done = self.dial(server, "-tls", version, *with_identity("client_unknown_issuer"))
            self.assertEqual(done.returncode, 1, done.stderr)

    @on_each_host
    def test_a_client_of_go_and_alpn(self, host):
        server = self.server(host, "--echo", "--alpn", "h2,http/1.1")
        for version in VERSIONS:
            self.assertIn('alpn="h2"', self.dial(server, "-tls", version, "-alpn",
                                                 "http/1.1,h2").stderr)
            self.assertIn("no application protocol",
                          self.dial(server, "-tls", version, "-alpn", "smtp").stderr)

    @on_each_host
    def test_a_client_of_go_refuses_certificates(self, host):
        for name, error in (("server_expired", "expired"), ("server_wrong_name", "example.net"),
                            ("server_unknown_issuer", "unknown authority")):
            server = self.server(host, "--echo", identity_of=[name])
            self.assertRegex(self.dial(server).stderr, "x509: .*" + error)
            self.assert_noted(server, "the peer's TLS alert: .*")

    @on_each_host
    def test_some_mib_of_a_client_of_go(self, host):
        for options in ["-tls", "1.2"], ["-tls", "1.3"]:
            done = self.dial(self.server(host, "--echo"), *options, stdin=noise(8 * MIB))
            self.assertTrue(done.stdout == noise(8 * MIB), done.stderr)

    # -- our client

    def echo(self, host, server, *options, data=b"hello", **more):
        return self.client(host, server.port, "--stdin", *options, stdin=data, **more)

    @on_each_host
    def test_a_server_of_go(self, host):
        for name in "server_p256", "server_p384", "server_rsa":
            server = self.go_server(identity_of=name)
            for version in VERSIONS:
                done = self.echo(host, server, "--tls", version)
                self.assert_done(done)
                self.assertEqual(done.stdout, b"hello")
                server.expect(f'TLS {version} .* name="example.com" peer="nobody"')

    @on_each_host
    def test_a_server_of_go_that_knows_one_group(self, host):
        for curve, group in (("X25519", "x25519"), ("P256", "secp256r1"), ("P384", "secp384r1"),
                             ("P521", "secp521r1")):
            server = self.go_server("-curves", curve)
            for version in VERSIONS:
                done = self.echo(host, server, "--tls", version)
                self.assertEqual(done.negotiated["group"], group, done.stderr)

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_a_server_of_go_resumes(self, host):
        for version in VERSIONS:
            server = self.go_server()
            kept = ["--tls", version, "--session", self.folder / f"{host} {version}"]
            self.assertEqual(self.echo(host, server, *kept).negotiated["resumed"], "no")
            for _ in range(2):
                done = self.echo(host, server, *kept)
                self.assertEqual(done.negotiated["resumed"], "yes")
                self.assertEqual(done.stdout, b"hello")
                server.expect("resumed=true")

    @on_each_host
    def test_a_server_of_go_asks_who_we_are(self, host):
        server = self.go_server("-ca", ROOT)
        for version in VERSIONS:
            for name in "one", "two":
                cert, key = identity(f"client_{name}")
                done = self.echo(host, server, "--tls", version, "--cert", cert, "--key", key)
                self.assertEqual(done.stdout, b"hello", done.stderr)
                server.expect(f'peer="copoll client {name}"')
            self.assert_refused(self.echo(host, server, "--tls", version),
                                "the peer's TLS alert: (certificate_required|handshake_failure)")

    @on_each_host
    def test_a_server_of_go_and_alpn(self, host):
        server = self.go_server("-alpn", "h2")
        done = self.echo(host, server, "--alpn", "http/1.1,h2")
        self.assertEqual(done.negotiated["alpn"], "h2")
        self.assert_refused(self.echo(host, server, "--alpn", "smtp"),
                            "the peer's TLS alert: no_application_protocol")

    @on_each_host
    def test_servers_of_go_that_are_refused(self, host):
        for name, error in (("server_expired", "certificate expired"),
                            ("server_wrong_name", "certificate for another name"),
                            ("server_unknown_issuer", "certificate without a trusted root")):
            server = self.go_server(identity_of=name)
            self.assert_refused(self.echo(host, server), error)
            server.expect("failed: remote error: tls: ")
        self.assert_refused(self.echo(host, self.go_server(), ca=UNKNOWN),
                            "certificate without a trusted root")

    @on_each_host
    def test_a_server_of_go_that_cuts_off(self, host):
        for version in VERSIONS:
            done = self.echo(host, self.go_server("-cut", "-tls", version))
            self.assertEqual(done.stdout, b"not all of it")
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.endswith(CUT_OFF), done.stderr)

    @on_each_host
    def test_64_mib_to_a_server_of_go_and_back(self, host):
        done = self.echo(host, self.go_server(), data=noise(64 * MIB), timeout=100)
        self.assert_done(done)
        self.assertTrue(done.stdout == noise(64 * MIB))

    @on_each_host
    def test_some_mib_to_a_server_of_go_with_new_keys_and_in_1_2(self, host):
        for options in ["--update-keys"], ["--tls", "1.2"]:
            done = self.echo(host, self.go_server(), *options, data=noise(4 * MIB))
            self.assert_done(done)
            self.assertTrue(done.stdout == noise(4 * MIB))

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_both_log_the_same_keys(self, host):
        ours, theirs = self.folder / f"{host} ours", self.folder / f"{host} theirs"
        server = self.go_server("-keylog", theirs)
        for version in VERSIONS:
            self.assert_done(self.echo(host, server, "--tls", version, "--keylog", ours))
        logs = [set(log.read_text().splitlines()) for log in (ours, theirs)]
        self.assertLessEqual(logs[1], logs[0])  # Go leaves the exporter's out


if __name__ == "__main__":
    unittest.main()
