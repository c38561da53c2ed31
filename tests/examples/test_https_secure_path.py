# SPDX-License-Identifier: MIT OR Apache-2.0
"""The server that asks for a certificate when it knows the path, against `openssl s_client`, which
can say who it is after the handshake."""
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from command_line import CommandLine
from programs import IDENTITIES, PATIENCE, Program, folders, on_each_host, run

folders.append(IDENTITIES)
CHAIN, KEY = IDENTITIES / "server_p256_chain.pem", IDENTITIES / "server_p256_key.pem"
ROOT = IDENTITIES / "root_ca.pem"
SERVER = ["https_secure_path", "--cert", CHAIN, "--key", KEY, "--client-ca", ROOT]


class Test(CommandLine, unittest.TestCase):
    def serve(self, host):
        server = Program(host, *SERVER, "--listen", "127.0.0.1:0")
        self.addCleanup(server.end)
        return "%s:%d" % server.endpoint()

    def get(self, at, *paths, client=None, options=()):
        """The answers, in words, to requests on one connection: (status, body)."""
        if client:
            chain = IDENTITIES / f"{client}_chain.pem"
            options = [*options, "-cert", chain, "-cert_chain", chain,
                       "-key", IDENTITIES / f"{client}_key.pem"]
        command = ["openssl", "s_client", "-connect", at, "-CAfile", ROOT, "-servername",
                   "example.com", "-quiet", "-no_ign_eof", "-verify_quiet", *options]
        with subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            answers = []
            try:
                for path in paths:
                    process.stdin.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                    process.stdin.flush()
                    answers.append(self.answer(process.stdout))
            finally:
                process.stdin.close()
                self.errors = process.stderr.read().decode()
            process.wait(PATIENCE)
        return answers

    def answer(self, stream):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return None
            head += line
        size = int(re.search(rb"Content-Length: (\d+)", head)[1])
        return int(head.split()[1]), stream.read(size).decode().strip()

    @on_each_host
    def test_help(self, host):
        self.assert_help(run(host, "https_secure_path", "--help"), "https_secure_path")

    @on_each_host
    def test_wrong_arguments(self, host):
        for wrong in ([], SERVER[1:5], [*SERVER[1:], "--listen", "x"], [*SERVER[1:], "more"]):
            self.assert_wrong_usage(run(host, "https_secure_path", *wrong), "https_secure_path")

    @on_each_host
    def test_files_that_are_missing(self, host):
        result = run(host, *SERVER, "--client-ca", IDENTITIES / "nowhere.pem")
        self.assert_fails(result, r"https_secure_path: /.*nowhere\.pem: No such file")

    @on_each_host
    def test_everybody_is_served_without_being_asked(self, host):
        at = self.serve(host)
        for options in [], ["-tls1_2"]:
            self.assertEqual(self.get(at, "/", "/", options=options),
                             [(200, "hello, whoever you are")] * 2)

    @on_each_host
    def test_the_client_is_asked_once_for_the_secure_path(self, host):
        at = self.serve(host)
        for options in ["-enable_pha"], ["-tls1_2"]:
            for name in "one", "two":
                answers = self.get(at, "/", "/secure", "/", "/secure", client=f"client_{name}",
                                   options=options)
                nobody = (200, "hello, whoever you are")
                somebody = (200, f"hello, CN=copoll client {name}")
                self.assertEqual(answers, [nobody, somebody, nobody, somebody], self.errors)

    @on_each_host
    def test_a_client_without_a_certificate(self, host):
        at = self.serve(host)
        for options in ["-enable_pha"], ["-tls1_2"]:
            self.assertEqual(self.get(at, "/secure", "/", options=options),
                             [(403, "you have no certificate"), (200, "hello, whoever you are")],
                             self.errors)

    @on_each_host
    def test_a_client_that_cannot_be_asked(self, host):
        at = self.serve(host)
        for options in ["-tls1_3"], ["-tls1_2", "-no_renegotiation"]:
            self.assertEqual(self.get(at, "/secure", "/", client="client_one", options=options),
                             [(403, "your client cannot say who you are"),
                              (200, "hello, whoever you are")], self.errors)

    @on_each_host
    def test_a_client_that_is_not_trusted(self, host):
        at = self.serve(host)
        for options in ["-enable_pha"], ["-tls1_2"]:
            self.assertEqual(self.get(at, "/secure", client="client_unknown_issuer",
                                      options=options), [None])
            self.assertIn("alert unknown ca", self.errors)


if __name__ == "__main__":
    unittest.main()
