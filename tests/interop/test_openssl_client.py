# SPDX-License-Identifier: MIT OR Apache-2.0
"""Our server against `openssl s_client`."""
import re
import subprocess
import unittest

from ends import (MIB, PATIENCE, REQUEST, ROOT, VERSIONS, WRITES_NO_FILES, InteropTest, Peer,
                  identity, needs, negotiated, noise, not_on_jco, on_each_host)


def command(server, *options, ca=ROOT, name="example.com"):
    return [str(part) for part in (
        "openssl", "s_client", "-connect", server.at, "-CAfile", ca, "-servername", name,
        "-verify_hostname", name, "-verify_return_error", *options)]


def version(number):
    return "-tls" + number.replace(".", "_")


def as_client(name):
    cert, key = identity(name)
    return ["-cert", cert, "-cert_chain", cert, "-key", key]


@needs("openssl")
class Test(InteropTest):
    def get(self, server, *options, **more):
        """What s_client prints, and after that what the server says of the connection."""
        done = subprocess.run(command(server, "-ign_eof", *options, **more), input=REQUEST,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        text = done.stdout.decode(errors="replace")
        return text, negotiated(text)

    @on_each_host
    def test_gets_a_page(self, host):
        server = self.server(host)
        for number in VERSIONS:
            text, facts = self.get(server, version(number))
            self.assertIn("Verify return code: 0 (ok)", text)
            self.assertIn("HTTP/1.1 200 OK", text)
            self.assertEqual(facts["protocol"], "TLS " + number)
            self.assertEqual(facts["server name"], "example.com")
            self.assertEqual(facts["group"], "x25519")

    @on_each_host
    def test_chacha20_is_chosen_though_the_client_prefers_aes(self, host):
        server = self.server(host)
        for options in (["-tls1_3", "-ciphersuites",
                         "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:"
                         "TLS_CHACHA20_POLY1305_SHA256"],
                        ["-tls1_2", "-cipher",
                         "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"]):
            self.assertIn("CHACHA20", self.get(server, *options)[1]["cipher"])

    @on_each_host
    def test_every_cipher_suite(self, host):
        server = self.server(host, identity_of=["server_p256", "server_rsa"])
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                      "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256"):
            _, facts = self.get(server, "-tls1_3", "-ciphersuites", suite)
            self.assertEqual(facts["cipher"], suite)
        for key in "ECDSA", "RSA":
            for cipher, name in (("AES128-GCM-SHA256", "AES_128_GCM_SHA256"),
                                 ("AES256-GCM-SHA384", "AES_256_GCM_SHA384"),
                                 ("CHACHA20-POLY1305", "CHACHA20_POLY1305_SHA256")):
                _, facts = self.get(server, "-tls1_2", "-cipher", f"ECDHE-{key}-{cipher}")
                self.assertEqual(facts["cipher"], f"TLS_ECDHE_{key}_WITH_{name}")

    @on_each_host
    def test_nothing_in_common(self, host):
        server = self.server(host, "--tls", "1.3")
        self.assertIn("alert protocol version", self.get(server, "-tls1_2")[0])
        server = self.server(host, "--tls", "1.2")
        self.assertIn("alert protocol version", self.get(server, "-tls1_3")[0])
        server = self.server(host, "--groups", "secp521r1")
        self.assertIn("alert handshake failure", self.get(server, "-groups", "X25519")[0])

    @on_each_host
    def test_rsa_and_ecdsa_certificates(self, host):
        for name, kind in ("server_p256", "ECDSA"), ("server_p384", "ECDSA"), (
                "server_p521", "ECDSA"), ("server_rsa", "RSA"):
            server = self.server(host, identity_of=[name])
            for number in VERSIONS:
                text, _ = self.get(server, version(number))
                self.assertRegex(text, f"Peer signature type: {kind}(-PSS)?\n")
                self.assertIn("Verify return code: 0 (ok)", text)

    @on_each_host
    def test_the_certificate_that_fits_the_client(self, host):
        server = self.server(host, identity_of=["server_p256", "server_rsa", "other_server"])
        for number, scheme, kind in (("1.2", "rsa_pkcs1_sha256", "RSA"),
                                     ("1.3", "rsa_pss_rsae_sha256", "RSA-PSS")):
            text, _ = self.get(server, version(number), "-sigalgs", scheme)
            self.assertIn(f"Peer signature type: {kind}\n", text)
            self.assertIn("200 OK", text)
            text, facts = self.get(server, version(number), name="example.org")
            self.assertEqual(facts["server"], "CN=example.org")
            self.assertIn("Verify return code: 0 (ok)", text)

    @on_each_host
    def test_certificates_that_the_client_refuses(self, host):
        for name, error in (("server_expired", "certificate has expired"),
                            ("server_wrong_name", "hostname mismatch"),
                            ("server_unknown_issuer", "unable to get local issuer certificate")):
            server = self.server(host, identity_of=[name])
            for number in VERSIONS:
                self.assertRegex(self.get(server, version(number))[0], f"(?i){error}")
            self.assert_noted(server, "the peer's TLS alert: .*")

    @on_each_host
    def test_client_certificates(self, host):
        server = self.server(host, "--client-ca", ROOT)
        for number in VERSIONS:
            for name in "one", "two":  # EC and RSA
                _, facts = self.get(server, version(number), *as_client(f"client_{name}"))
                self.assertEqual(facts["client"], f"CN=copoll client {name}")
            text, _ = self.get(server, version(number), *as_client("client_unknown_issuer"))
            self.assertIn("alert unknown ca", text)
            self.assertNotIn("200 OK", text)
        self.assertIn("alert certificate required", self.get(server, "-tls1_3")[0])
        self.assertIn("alert handshake failure", self.get(server, "-tls1_2")[0])

    @on_each_host
    def test_client_certificates_of_choice(self, host):
        server = self.server(host, "--client-ca", ROOT, "--client-optional")
        for number in VERSIONS:
            self.assertNotIn("client", self.get(server, version(number))[1])
            _, facts = self.get(server, version(number), *as_client("client_one"))
            self.assertEqual(facts["client"], "CN=copoll client one")

    @on_each_host
    def test_alpn(self, host):
        server = self.server(host, "--alpn", "h2,http/1.1")
        for number in VERSIONS:
            text, facts = self.get(server, version(number), "-alpn", "http/1.1,h2")
            self.assertEqual(facts["alpn"], "h2")
            self.assertIn("ALPN protocol: h2", text)
            self.assertNotIn("alpn", self.get(server, version(number))[1])
            self.assertIn("alert no application protocol",
                          self.get(server, version(number), "-alpn", "smtp")[0])

    @on_each_host
    def test_resumption(self, host):
        server = self.server(host, "--client-ca", ROOT)
        for number in VERSIONS:
            kept = self.folder / f"{host} {number}"
            mine = [version(number), *as_client("client_one")]
            text, facts = self.get(server, *mine, "-sess_out", kept)
            self.assertEqual(facts["resumed"], "no", text)
            text, facts = self.get(server, *mine, "-sess_in", kept)
            self.assertIn("Reused, TLSv" + number, text)
            self.assertEqual(facts["resumed"], "yes", text)
            self.assertEqual(facts["client"], "CN=copoll client one")

    @on_each_host
    def test_early_data(self, host):
        ahead = self.folder / f"{host} ahead"
        ahead.write_bytes(REQUEST)
        for most, early in ("1000", "accepted"), ("10", "refused"):
            server = self.server(host, "--early-data", "1000")
            kept = self.folder / f"{host} {most}"
            self.get(server, "-sess_out", kept)
            if early == "refused":  # by a server that does not know the session
                server = self.server(host, "--early-data", "1000")
            done = subprocess.run(
                command(server, "-ign_eof", "-sess_in", kept, "-early_data", ahead),
                input=REQUEST if early == "refused" else b"", stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=PATIENCE)
            text = done.stdout.decode(errors="replace")
            self.assertEqual(negotiated(text)["early data"], early, text)
            self.assertIn("HTTP/1.1 200 OK", text)
            self.assertIn("Early data was " + ("accepted" if early == "accepted" else "rejected"),
                          text)

    @on_each_host
    def test_a_session_of_another_server_is_not_resumed(self, host):
        for number in VERSIONS:
            kept = self.folder / f"{host} {number}"
            self.get(self.server(host), version(number), "-sess_out", kept)
            text, facts = self.get(self.server(host), version(number), "-sess_in", kept)
            self.assertEqual(facts["resumed"], "no", text)

    @on_each_host
    def test_without_tickets(self, host):
        server = self.server(host, "--no-tickets")
        for number in VERSIONS:
            kept = self.folder / f"{host} {number}"
            self.get(server, version(number), "-sess_out", kept)
            if kept.exists():
                text, facts = self.get(server, version(number), "-sess_in", kept)
                self.assertEqual(facts["resumed"], "no", text)

    @on_each_host
    def test_hello_retry_request(self, host):
        server = self.server(host, "--groups", "x25519,secp256r1")
        text, facts = self.get(server, "-tls1_3", "-groups", "P-384:X25519", "-msg")
        self.assertEqual(text.count("ServerHello"), 2, text)
        self.assertEqual(facts["group"], "x25519")

    @on_each_host
    def test_every_group(self, host):
        server = self.server(host, identity_of=["server_rsa"])  # 1.2 means groups of keys, too
        for theirs, ours in (("X25519", "x25519"), ("P-256", "secp256r1"), ("P-384", "secp384r1"),
                             ("P-521", "secp521r1")):
            for number in VERSIONS:
                _, facts = self.get(server, version(number), "-groups", theirs)
                self.assertEqual(facts["group"], ours)

    @on_each_host
    def test_small_fragments(self, host):
        # TLS 1.3 has another extension for this, which s_client does not know
        text, facts = self.get(self.server(host), "-tls1_2", "-maxfraglen", "512", "-msg")
        self.assertEqual(facts["protocol"], "TLS 1.2", text)
        records = [int(high + low, 16) for high, low in re.findall(
            r"<<< .*RecordHeader .*\n    16 03 03 (..) (..)", text)]
        self.assertEqual(max(records), 512)

    @on_each_host
    def test_key_update(self, host):
        server = self.server(host, "--echo")
        with Peer(*command(server, "-tls1_3")) as client:
            client.expect("Verify return code: 0")
            for letter in "KkKK":
                client.type(letter + "\n")
                client.expect("KEYUPDATE")
                client.type(f"after the letter {letter}\n")
                client.expect(f"after the letter {letter}\r?\n")
            client.type("Q\n")
            self.assertEqual(client.wait(), 0, client.text())
        server.end()
        self.assertEqual(server.errors(), "")

    @on_each_host
    def test_a_connection_that_is_cut_off(self, host):
        server = self.server(host, "--echo")
        with Peer(*command(server, "-quiet")) as client:
            client.type("hello\n")
            client.expect("hello\n")
            client.kill()
        self.assert_noted(server, "the connection ended without a TLS close")

    @on_each_host
    def test_64_mib_there_and_back(self, host):
        self.echo(host, 64 * MIB, "-tls1_3")

    @on_each_host
    def test_some_mib_with_each_kind_of_cipher(self, host):
        for options in (["-tls1_2", "-cipher", "ECDHE+CHACHA20"], ["-tls1_2", "-cipher", "AES128"],
                        ["-ciphersuites", "TLS_AES_256_GCM_SHA384"],
                        ["-ciphersuites", "TLS_AES_128_CCM_SHA256"],
                        ["-tls1_3", "-split_send_frag", "512", "-max_send_frag", "512"]):
            self.echo(host, 2 * MIB, *options)

    def echo(self, host, size, *options):
        server = self.server(host, "--echo")
        data = noise(size)
        with Peer(*command(server, "-quiet", "-verify_quiet", *options)) as client:
            client.feed(data)
            echoed = client.expect_bytes(size)
            self.assertEqual(len(echoed), size)
            self.assertTrue(echoed == data)

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_both_log_the_same_keys(self, host):
        ours, theirs = self.folder / f"{host} ours", self.folder / f"{host} theirs"
        server = self.server(host, "--keylog", ours)
        for number in VERSIONS:
            self.get(server, version(number), "-keylogfile", theirs)
        logs = [{line for line in log.read_text().splitlines() if not line.startswith("#")}
                for log in (ours, theirs)]
        self.assertGreaterEqual(len(logs[0]), 5)
        self.assertLessEqual(logs[0], logs[1])


if __name__ == "__main__":
    unittest.main()
