# SPDX-License-Identifier: MIT OR Apache-2.0
"""Our server against curl."""
import subprocess
import unittest

from ends import (PATIENCE, ROOT, UNKNOWN, VERSIONS, InteropTest, identity, needs, negotiated,
                  on_each_host)


@needs("curl")
class Test(InteropTest):
    def curl(self, server, *options, ca=ROOT, name="example.com"):
        port = server.at.rsplit(":", 1)[1]
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--http1.1", "--cacert", ca,
             "--resolve", f"{name}:{port}:127.0.0.1", *options, f"https://{name}:{port}/"],
            capture_output=True, timeout=PATIENCE)
        done.stderr = done.stderr.decode()
        done.facts = negotiated(done.stdout)
        return done

    @on_each_host
    def test_gets_a_page(self, host):
        server = self.server(host, "--alpn", "http/1.1")
        for version in VERSIONS:
            done = self.curl(server, "--tlsv" + version, "--tls-max", version)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.facts["protocol"], "TLS " + version)
            self.assertEqual(done.facts["alpn"], "http/1.1")
            self.assertEqual(done.facts["server name"], "example.com")

    @on_each_host
    def test_resumes(self, host):
        server = self.server(host)
        url = f"https://example.com:{server.at.rsplit(':', 1)[1]}/again"
        # in TLS 1.2 it knows session ids only, and our server tickets only
        done = self.curl(server, "--tlsv1.3", url)
        self.assertEqual(done.stdout.count(b"resumed: yes"), 1, done.stdout)

    @on_each_host
    def test_certificates_that_it_refuses(self, host):
        for name, error in (("server_expired", "expired"), ("server_wrong_name", "subject name"),
                            ("server_unknown_issuer", "issuer")):
            done = self.curl(self.server(host, identity_of=[name]))
            self.assertIn(error, done.stderr)
            self.assertIn(done.returncode, (51, 60))
        self.assertEqual(self.curl(self.server(host), ca=UNKNOWN).returncode, 60)

    @on_each_host
    def test_client_certificates(self, host):
        server = self.server(host, "--client-ca", ROOT)
        cert, key = identity("client_two")
        done = self.curl(server, "--cert", cert, "--key", key)
        self.assertEqual(done.facts["client"], "CN=copoll client two", done.stderr)
        self.assertIn("alert", self.curl(server).stderr)

    @on_each_host
    def test_alpn_without_one_in_common(self, host):
        done = self.curl(self.server(host, "--alpn", "h3"))
        self.assertIn("no application protocol", done.stderr)


if __name__ == "__main__":
    unittest.main()
