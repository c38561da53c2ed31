# SPDX-License-Identifier: MIT OR Apache-2.0
"""http_fetch: wasi:http awaited beside a timer, against a server of this test's own."""
import http.server
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from command_line import CommandLine
from programs import PATIENCE, command, on_each_host, run

PIECES = [letter * 5000 for letter in (b"a", b"b", b"c", b"d")]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/never":
            return self.server.go_on.wait(PATIENCE)
        if self.path not in ("/pieces?x=1", "/cut"):
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(sum(map(len, PIECES))))
        self.end_headers()
        self.wfile.write(PIECES[0])
        self.wfile.flush()
        if self.path == "/cut":
            return self.connection.shutdown(socket.SHUT_RDWR)
        self.server.go_on.wait(PATIENCE)
        self.wfile.write(b"".join(PIECES[1:]))


class Test(CommandLine, unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.go_on = threading.Event()
        self.address = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.server.go_on.set)

    @on_each_host
    def test_help(self, host):
        self.assert_help(run(host, "http_fetch", "--help"), "http_fetch")

    @on_each_host
    def test_wrong_arguments(self, host):
        for wrong in ([], ["--frobnicate"], ["ftp://127.0.0.1/"], ["http://"],
                      ["--timeout", "soon", self.address], [self.address, self.address]):
            self.assert_wrong_usage(run(host, "http_fetch", *wrong), "http_fetch")

    @on_each_host
    def test_body_comes_in_pieces_while_a_timer_runs(self, host):
        self.server.go_on.clear()
        with subprocess.Popen(command(host, "http_fetch", self.address + "/pieces?x=1"), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
            self.addCleanup(client.kill)
            for line in client.stderr:  # the rest is sent when the timer has told of the first
                if line.startswith("5000 bytes after "):
                    break
                self.assertRegex(line, r"^(status 200|0 bytes after \d+ ms)\n$")
            self.server.go_on.set()
            body, lines = client.communicate(timeout=PATIENCE)
        self.assertEqual(client.returncode, 0, lines)
        self.assertEqual(body, b"".join(PIECES).decode())
        self.assertEqual(lines.splitlines()[-1], "20000 bytes")

    @on_each_host
    def test_status_of_what_is_not_there(self, host):
        result = run(host, "http_fetch", self.address + "/nothing")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"status 404\n", result.stderr)
        self.assertIn(b"404", result.stdout)

    @on_each_host
    def test_nobody_listens(self, host):
        with socket.create_server(("127.0.0.1", 0)) as closing:
            port = closing.getsockname()[1]
        self.assert_fails(run(host, "http_fetch", f"http://127.0.0.1:{port}/"),
                          "http_fetch: .*refused")

    @on_each_host
    def test_server_that_never_answers_is_given_up(self, host):
        result = run(host, "http_fetch", "--timeout", "1", self.address + "/never")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, rb"http_fetch: .*timed out\n\Z")

    @on_each_host
    def test_body_that_is_cut_off_is_an_error(self, host):
        result = run(host, "http_fetch", self.address + "/cut")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, rb"http_fetch: [^\n]+\n\Z")


if __name__ == "__main__":
    unittest.main()
