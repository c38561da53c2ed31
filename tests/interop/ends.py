# SPDX-License-Identifier: MIT OR Apache-2.0
"""Both ends of an interop test: our programs, and the commands of other TLS implementations."""
import functools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from programs import (BIN, IDENTITIES, PATIENCE, Program, folders, not_on_jco, on_each_host,
                      run)

MIB = 1024 * 1024
ROOT = IDENTITIES / "root_ca.pem"
UNKNOWN = IDENTITIES / "unknown_ca.pem"
REQUEST = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
WRITES_NO_FILES = "it lets components create no files"
CUT_OFF = "tls_client: the connection ended without a TLS close\n"
VERSIONS = "1.2", "1.3"
folders.append(IDENTITIES)


def identity(name):
    """The files of a certificate chain and its key."""
    return IDENTITIES / f"{name}_chain.pem", IDENTITIES / f"{name}_key.pem"


def needs(command):
    """For a test class: without the command each test is skipped, and says so."""
    def decorate(cls):
        if shutil.which(command):
            return cls
        for name in [n for n in vars(cls) if n.startswith("test_")]:
            setattr(cls, name, lambda self: print(
                f"SKIPPED: no {command} here; ./dev setup --peers gets what Debian has"))
        return cls
    return decorate


@functools.cache
def noise(size):
    """Bytes that neither compress nor look like anything."""
    return random.Random(size).randbytes(size)


def negotiated(text):
    """What our programs say of a connection, by the names of the lines."""
    text = text.decode() if isinstance(text, bytes) else text
    return dict(re.findall(r"^([a-z ]+): (.*)$", text.split("\r\n\r\n")[-1], re.MULTILINE))


class Peer:
    """A command that runs beside the test: what it printed, on both streams, and its input.
    Ended by its process id at the latest when the `with` block ends."""

    def __init__(self, *args, cwd=None, **env):
        self._process = subprocess.Popen(
            [str(arg) for arg in args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, bufsize=0, cwd=cwd, env={**os.environ, **env})
        self._output = bytearray()
        self._expected = 0  # up to there
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while part := self._process.stdout.read(1 << 16):
            with self._changed:
                self._output += part
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._reader.join(PATIENCE)
        for pipe in self._process.stdin, self._process.stdout:
            try:
                pipe.close()
            except BrokenPipeError:
                pass

    def kill(self):
        """At once: its connections end without another byte of TLS."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def output(self):
        with self._changed:
            return bytes(self._output)

    def text(self):
        return self.output().decode(errors="replace")

    def expect(self, pattern):
        """Waits until it has printed that, behind what was expected before; gives the match."""
        wanted = re.compile(pattern.encode())
        with self._changed:
            self._changed.wait_for(
                lambda: wanted.search(self._output, self._expected) or self._ended, PATIENCE)
            if found := wanted.search(bytes(self._output), self._expected):
                self._expected = found.end()
                return found
        raise AssertionError(f"not found: {pattern!r} in {self.text()[-3000:]!r}")

    def expect_bytes(self, n):
        """Waits until it has printed that many."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while len(self._output) < n and not self._ended and time.monotonic() < deadline:
                self._changed.wait(1)
        return self.output()

    def type(self, line):
        self._process.stdin.write(line if isinstance(line, bytes) else line.encode())

    def feed(self, data):
        """Types all of it, in a thread: it may take a while to be read."""
        def write():
            view = memoryview(data)
            while view:
                view = view[self._process.stdin.write(view):]
        threading.Thread(target=write, daemon=True).start()

    def end_input(self):
        self._process.stdin.close()

    def wait(self):
        """The exit code."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code


class InteropTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        folders.append(self.folder)
        self.addCleanup(folders.remove, self.folder)

    def server(self, host, *options, identity_of=("server_p256",)):
        """Our server, with its address in `at`."""
        certs, keys = zip(*map(identity, identity_of))
        server = Program(host, "tls_server", "--listen", "127.0.0.1:0", "--verbose",
                         "--cert", ",".join(map(str, certs)), "--key", ",".join(map(str, keys)),
                         *options)
        self.addCleanup(server.end)
        server.at = "%s:%d" % server.endpoint()
        return server

    def client(self, host, port, *options, ca=ROOT, name="example.com", **more):
        """Runs our client to its end; `negotiated` has what it says of the connection."""
        done = run(host, "tls_client", f"127.0.0.1:{port}", "--ca", ca, "--server-name", name,
                   *options, **more)
        done.stderr = done.stderr.decode()
        done.negotiated = negotiated(done.stderr)
        return done

    def assert_done(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)

    def assert_refused(self, done, error):
        """Our client ended with that on the last line."""
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], f"^tls_client: {error}$")

    def assert_noted(self, server, error):
        """Our server, ended now, has seen that."""
        deadline = time.monotonic() + PATIENCE
        time.sleep(0.2)  # for what comes at the end of a connection
        server.end()
        self.assertLess(time.monotonic(), deadline)
        self.assertRegex(server.errors(), f"(?m)^tls_server: {error}$")
