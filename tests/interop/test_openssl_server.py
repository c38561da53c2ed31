# SPDX-License-Identifier: MIT OR Apache-2.0
"""Our client against `openssl s_server`."""
import subprocess
import unittest

from ends import (CUT_OFF, IDENTITIES, MIB, ROOT, UNKNOWN, VERSIONS, WRITES_NO_FILES, InteropTest,
                  Peer, Program, identity, needs, negotiated, noise, not_on_jco, on_each_host)

PAGE = "-www"  # answers each GET with what was negotiated


def client_certificate(name):
    cert, key = identity(name)
    return ["--cert", cert, "--key", key]


@needs("openssl")
class Test(InteropTest):
    def openssl(self, *options, identity_of="server_p256", **more):
        """A running s_server, with its port in `port`."""
        cert, key = identity(identity_of)
        peer = Peer("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", cert,
                    "-cert_chain", cert, "-key", key, *options, **more)
        self.addCleanup(peer.__exit__)
        peer.port = int(peer.expect(r"ACCEPT 127\.0\.0\.1:(\d+)\n")[1])
        return peer

    @on_each_host
    def test_gets_a_page(self, host):
        server = self.openssl(PAGE)
        for number in VERSIONS:
            done = self.client(host, server.port, "--tls", number)
            self.assert_done(done)
            self.assertEqual(done.negotiated["protocol"], "TLS " + number)
            self.assertIn(b"TLSv" + number.encode(), done.stdout)
            self.assertTrue(done.stdout.endswith(b"</HTML>\r\n\r\n"), done.stdout[-100:])

    @on_each_host
    def test_every_cipher_suite(self, host):
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                      "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256"):
            done = self.client(host, self.openssl(PAGE, "-ciphersuites", suite).port)
            self.assertEqual(done.negotiated["cipher"], suite)
        for key in "ECDSA", "RSA":
            name = "server_p256" if key == "ECDSA" else "server_rsa"
            for cipher, suite in (("AES128-GCM-SHA256", "AES_128_GCM_SHA256"),
                                  ("AES256-GCM-SHA384", "AES_256_GCM_SHA384"),
                                  ("CHACHA20-POLY1305", "CHACHA20_POLY1305_SHA256")):
                server = self.openssl(PAGE, "-tls1_2", "-cipher", f"ECDHE-{key}-{cipher}",
                                      identity_of=name)
                done = self.client(host, server.port)
                self.assertEqual(done.negotiated["cipher"], f"TLS_ECDHE_{key}_WITH_{suite}")

    @on_each_host
    def test_every_group(self, host):
        for theirs, ours in (("X25519", "x25519"), ("P-256", "secp256r1"), ("P-384", "secp384r1"),
                             ("P-521", "secp521r1")):
            server = self.openssl(PAGE, "-groups", theirs)
            for number in VERSIONS:
                done = self.client(host, server.port, "--tls", number)
                self.assert_done(done)
                self.assertEqual(done.negotiated["group"], ours)

    @on_each_host
    def test_hello_retry_request(self, host):
        server = self.openssl(PAGE, "-groups", "P-384", "-msg")
        done = self.client(host, server.port, "--groups", "x25519,secp384r1")
        self.assertEqual(done.negotiated["group"], "secp384r1")
        self.assertEqual(server.text().count("ServerHello"), 2)

    @on_each_host
    def test_nothing_in_common(self, host):
        for options, server, errors in (
                (["--tls", "1.2"], ["-tls1_3"], "the peer's TLS alert: protocol_version"),
                (["--tls", "1.3"], ["-tls1_2"], "the peer's TLS alert: protocol_version"),
                (["--groups", "x25519"], ["-groups", "P-256"],
                 "the peer's TLS alert: handshake_failure"),
                ([], ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                 "(no TLS version in common|the peer's TLS alert: protocol_version)")):
            done = self.client(host, self.openssl(PAGE, *server).port, *options)
            self.assert_refused(done, errors)

    @on_each_host
    def test_every_certificate(self, host):
        for name in "server_p256", "server_p384", "server_p521", "server_rsa":
            server = self.openssl(PAGE, identity_of=name)
            for number in VERSIONS:
                self.assert_done(self.client(host, server.port, "--tls", number))

    @on_each_host
    def test_certificates_that_are_refused(self, host):
        for name, error, alert in (
                ("server_expired", "certificate expired", "certificate expired"),
                ("server_wrong_name", "certificate for another name", "bad certificate"),
                ("server_unknown_issuer", "certificate without a trusted root", "unknown ca"),
                ("server_wrong_usage", "certificate not for this use",
                 "unsupported certificate")):
            server = self.openssl(PAGE, identity_of=name)
            for number in VERSIONS:
                done = self.client(host, server.port, "--tls", number)
                self.assert_refused(done, error)
                server.expect("alert " + alert)
        server = self.openssl(PAGE)
        done = self.client(host, server.port, ca=UNKNOWN)
        self.assert_refused(done, "certificate without a trusted root")

    @on_each_host
    def test_chains_that_are_not_in_order(self, host):
        def blocks(name):
            text = (IDENTITIES / f"{name}.pem").read_text()
            return [b + "-----END CERTIFICATE-----\n"
                    for b in text.split("-----END CERTIFICATE-----\n")[:-1]]

        long, short = "below_path_ca_8", "below_crossed_ca"
        _, *path = blocks(f"{long}_chain")
        _, crossed = blocks(f"{short}_chain")
        by_other, = blocks("crossed_ca_by_unknown")
        stranger, = blocks("unknown_ca")
        untrusted = "certificate without a trusted root"
        for name, sent, error in (
                (long, path, None),
                (short, [stranger, crossed], None),
                (short, [crossed, by_other], None),
                # a path is followed from one certificate to one behind it, and not back
                (short, [by_other, crossed], untrusted),
                (long, path[::-1], untrusted),
                (long, path[:3] + path[4:], untrusted)):
            chain = self.folder / "chain.pem"
            chain.write_text("".join(sent))
            server = self.openssl(PAGE, "-cert_chain", chain, identity_of=name)
            for number in VERSIONS:
                done = self.client(host, server.port, "--tls", number)
                if error:
                    self.assert_refused(done, error)
                    server.expect("alert unknown ca")
                else:
                    self.assert_done(done)

    @on_each_host
    def test_client_certificates(self, host):
        server = self.openssl(PAGE, "-Verify", "2", "-CAfile", ROOT, "-verify_return_error")
        for number in VERSIONS:
            for name in "one", "two":  # EC and RSA
                done = self.client(host, server.port, "--tls", number,
                                   *client_certificate(f"client_{name}"))
                self.assert_done(done)
                self.assertRegex(done.stdout, b"CN ?= ?copoll client " + name.encode())
            done = self.client(host, server.port, "--tls", number,
                               *client_certificate("client_unknown_issuer"))
            self.assert_refused(done, "the peer's TLS alert: unknown_ca")
        self.assert_refused(self.client(host, server.port, "--tls", "1.3"),
                            "the peer's TLS alert: certificate_required")
        self.assert_refused(self.client(host, server.port, "--tls", "1.2"),
                            "the peer's TLS alert: handshake_failure")

    @on_each_host
    def test_client_certificates_of_choice(self, host):
        server = self.openssl(PAGE, "-Verify", "2", "-CAfile", ROOT, "-verify_return_error")
        both = [identity(name) for name in ("client_unknown_issuer", "client_one")]
        for number in VERSIONS:
            done = self.client(host, server.port, "--tls", number,
                               "--cert", ",".join(str(cert) for cert, _ in both),
                               "--key", ",".join(str(key) for _, key in both))
            self.assert_done(done)
            self.assertEqual(done.negotiated["client"], "CN=copoll client one")

    @on_each_host
    def test_trace(self, host):
        done = self.client(host, self.openssl(PAGE).port, "--trace")
        self.assert_done(done)
        self.assertRegex(done.stderr, "sent record: handshake, [0-9]+ bytes, ClientHello\n")
        for message in "ServerHello", "EncryptedExtensions", "Certificate", "Finished":
            self.assertIn(f"received message: {message}, ", done.stderr)

    @on_each_host
    def test_alpn(self, host):
        server = self.openssl(PAGE, "-alpn", "http/1.1")
        for number in VERSIONS:
            done = self.client(host, server.port, "--tls", number, "--alpn", "h2,http/1.1")
            self.assertEqual(done.negotiated["alpn"], "http/1.1")
            done = self.client(host, server.port, "--tls", number)
            self.assertNotIn("alpn", done.negotiated)
            done = self.client(host, server.port, "--tls", number, "--alpn", "smtp")
            self.assert_refused(done, "the peer's TLS alert: no_application_protocol")

    @on_each_host
    def test_the_name_is_sent(self, host):
        cert, key = identity("other_server")
        server = self.openssl(PAGE, "-servername", "example.org", "-cert2", cert, "-key2", key)
        for number in VERSIONS:
            for name in "example.com", "example.org":
                done = self.client(host, server.port, "--tls", number, name=name,
                                   ca=IDENTITIES / "intermediate_ca.pem")
                self.assert_done(done)
                self.assertEqual(done.negotiated["server"], "CN=" + name)

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_resumption(self, host):
        # the last is resumption by session id
        for number, options in (("1.2", []), ("1.3", []), ("1.3", ["-num_tickets", "1"]),
                                ("1.3", ["-no_ticket"]), ("1.2", ["-no_ticket"])):
            server = self.openssl(PAGE, *options)
            kept = self.folder / f"{host} {number} {options}"
            settings = ["--tls", number, "--session", kept]
            done = self.client(host, server.port, *settings)
            self.assertEqual(done.negotiated["resumed"], "no")
            for _ in range(2):
                done = self.client(host, server.port, *settings)
                self.assertEqual(done.negotiated["resumed"], "yes", (number, options))
                self.assertEqual(done.negotiated["server"], "CN=example.com")
                self.assertIn(b"Reused, TLSv" + number.encode(), done.stdout)

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_early_data(self, host):
        server = self.openssl("-early_data")
        options = ["--session", self.folder / f"{host} early", "--early-data", "--tls", "1.3"]

        def ask(expected):
            client = Program(host, "tls_client", f"127.0.0.1:{server.port}", "--ca", ROOT,
                             "--server-name", "example.com", *options)
            self.addCleanup(client.end)
            server.expect(expected)
            server.type("q\n")  # cuts it off
            client.wait()
            self.assertTrue(client.errors().endswith(CUT_OFF), client.errors())
            return negotiated(client.errors())

        self.assertNotIn("early data", ask("GET / HTTP/1.1"))
        self.assertEqual(ask("End of early data")["early data"], "accepted")
        self.assertEqual(server.text().count("GET / HTTP/1.1"), 2)
        done = self.client(host, self.openssl(PAGE).port, *options)
        self.assertEqual(done.negotiated["early data"], "refused", done.stderr)
        self.assertTrue(done.stdout.endswith(b"</HTML>\r\n\r\n"), done.stdout[-100:])

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_a_session_that_the_server_has_forgotten(self, host):
        for number in VERSIONS:
            settings = ["--tls", number, "--session", self.folder / f"{host} {number}"]
            self.client(host, self.openssl(PAGE).port, *settings)
            done = self.client(host, self.openssl(PAGE).port, *settings)
            self.assert_done(done)
            self.assertEqual(done.negotiated["resumed"], "no")

    def talk(self, host, server, *options):
        """Our client, with its input open."""
        client = Program(host, "tls_client", f"127.0.0.1:{server.port}", "--ca", ROOT, "--stdin",
                         "--server-name", "example.com", *options, stdin=subprocess.PIPE)
        self.addCleanup(client.end)
        return client

    def say(self, client, line):
        client.stdin.write(line.encode() + b"\n")
        client.stdin.flush()

    @on_each_host
    def test_key_update(self, host):
        server = self.openssl("-tls1_3", "-msg")
        client = self.talk(host, server)
        self.say(client, "hello")
        server.expect("hello\n")
        for letter in "kKkK":
            server.type(letter + "\n")
            server.expect(">>> .*KeyUpdate")
            server.type(f"after the letter {letter}\n")
            self.assertEqual(client.line(), f"after the letter {letter}")
            self.say(client, f"answer to {letter}")
            server.expect(f"answer to {letter}\n")
        self.assertEqual(server.text().count("<<< TLS 1.3, Handshake [length 0005], KeyUpdate"), 2)
        client.stdin.close()
        self.assertEqual(client.wait(), 0, client.errors())

    @on_each_host
    def test_our_key_update(self, host):
        server = self.openssl("-tls1_3", "-msg")
        client = self.talk(host, server, "--update-keys")
        server.expect("<<< .*KeyUpdate")
        self.say(client, "hello")
        server.expect("hello\n")
        server.type("answer\n")
        server.expect(">>> .*KeyUpdate")
        self.assertEqual(client.line(), "answer")
        client.stdin.close()
        self.assertEqual(client.wait(), 0, client.errors())

    @on_each_host
    def test_a_renegotiation_asks_who_we_are(self, host):
        server = self.openssl("-tls1_2", "-verify", "2", "-CAfile", ROOT, "-verify_return_error",
                              "-state")
        client = self.talk(host, server, "--renegotiate", *client_certificate("client_one"))
        self.say(client, "hello")
        server.expect("hello\n")
        server.type("R\n")
        server.expect("CN = copoll client one")
        self.say(client, "hello again")
        server.expect("hello again\n")
        server.type("answer\n")
        self.assertEqual(client.line(), "answer")

    @on_each_host
    def test_a_renegotiation_is_declined(self, host):
        server = self.openssl("-tls1_2")
        client = self.talk(host, server)
        self.say(client, "hello")
        server.expect("hello\n")
        server.type("r\n")
        server.expect("no renegotiation")  # which s_server takes for the end

    @on_each_host
    def test_the_server_closes(self, host):
        for number in VERSIONS:
            client = self.talk(host, self.openssl("-rev"), "--tls", number)
            self.say(client, "hello")
            self.assertEqual(client.line(), "olleh")
            self.say(client, "CLOSE")
            self.assertEqual(client.wait(), 0, client.errors())

    @on_each_host
    def test_a_connection_that_is_cut_off(self, host):
        for number in VERSIONS:
            server = self.openssl()
            client = self.talk(host, server, "--tls", number)
            self.say(client, "hello")
            server.expect("hello\n")
            server.kill()
            self.assertEqual(client.wait(), 1, client.errors())
            self.assertTrue(client.errors().endswith(CUT_OFF), client.errors())

    @on_each_host
    def test_64_mib(self, host):
        self.download(host, 64 * MIB, "--tls", "1.3")

    @on_each_host
    def test_some_mib_of_tls_1_2(self, host):
        self.download(host, 8 * MIB, "--tls", "1.2")

    def download(self, host, size, *options):
        (self.folder / "file").write_bytes(noise(size))
        # -HTTP: the file holds the answer with its head
        server = self.openssl("-HTTP", cwd=self.folder)
        done = self.client(host, server.port, "--path", "/file", *options, timeout=100)
        self.assert_done(done)
        self.assertEqual(len(done.stdout), size)
        self.assertTrue(done.stdout == noise(size))

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_both_log_the_same_keys(self, host):
        ours, theirs = self.folder / f"{host} ours", self.folder / f"{host} theirs"
        server = self.openssl(PAGE, "-keylogfile", theirs)
        for number in VERSIONS:
            self.client(host, server.port, "--tls", number, "--keylog", ours)
        logs = [{line for line in log.read_text().splitlines() if not line.startswith("#")}
                for log in (ours, theirs)]
        self.assertGreaterEqual(len(logs[0]), 5)
        self.assertLessEqual(logs[0], logs[1])


if __name__ == "__main__":
    unittest.main()
