# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs under test: as components on each host of this machine, or native."""
import functools
import os
import queue
import re
import signal
import subprocess
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "libs/host/run"
BIN = Path(os.environ.get("COPOLL_BIN", ROOT / "build/wasi/bin"))
NATIVE = os.environ.get("COPOLL_PLATFORM") == "native"
# Components that native programs are tested with are those that were built last.
COMPONENTS = ROOT / "build/wasi/bin" if NATIVE else BIN


# The hosts to test with. jco is asked for in tests of its own, so that it can be skipped by name.
WANTED = os.environ.get("COPOLL_TEST_HOSTS", "wasmtime embedded").split()
# The certificates and keys of make_identities.py.
IDENTITIES = Path(os.environ.get("COPOLL_IDENTITIES", BIN.parent / "tests/tls/identities"))
PATIENCE = 60 if "jco" in WANTED else 20  # seconds, for what should take milliseconds


@functools.cache
def why_not(host):
    """The reason why a host can't run a component here; empty if it can."""
    asked = subprocess.run([RUN, "--host", host, "--print-host"], capture_output=True, text=True)
    return asked.stderr.strip().removeprefix("run: ") if asked.returncode else ""


@functools.cache
def hosts():
    """The hosts that can run a component here; `native` when the programs are none. Hosts that are
    not there are named in the output."""
    if NATIVE:
        return ["native"]
    for host in WANTED:
        if why_not(host):
            print(f"not tried on this machine: host {host}: {why_not(host)}")
    found = [host for host in WANTED if not why_not(host)]
    if not found:
        print(f"SKIPPED: {why_not(WANTED[0])}")
    return found


def on_each_host(test):
    """Runs a test method once for each host, which it is given. With jco it is a test of its own
    for ctest, see copoll_add_script_tests."""
    @functools.wraps(test)
    def run(self):
        for host in hosts():
            with self.subTest(host=host):
                test(self, host)
    return run


def not_on_jco(why):
    """For a test of what jco does not do, under `on_each_host`."""
    def decorate(test):
        @functools.wraps(test)
        def run(self, host):
            if host == "jco":
                print(f"SKIPPED: jco: {why}")
            else:
                test(self, host)
        return run
    return decorate


folders = []  # that components may see


def command(host, name, *args):
    """What starts the program of that name."""
    seen = [part for folder in folders for part in ("--dir", folder)]
    component = COMPONENTS / f"{name}.wasm"
    start = [BIN / name] if host == "native" else [RUN, "--host", host, *seen, component]
    return [str(part) for part in [*start, *args]]


def run(host, name, *args, stdin=b"", timeout=PATIENCE):
    """Runs a program to its end."""
    return subprocess.run(command(host, name, *args), input=stdin, capture_output=True,
                          timeout=timeout)


class Program:
    """A running program. Ended by its process id at the latest when the `with` block ends.

    Its standard output is read by lines, or raw from `stdout` if that is asked for."""

    def __init__(self, host, name, *args, stdin=subprocess.DEVNULL, raw=False, **env):
        self._process = subprocess.Popen(
            command(host, name, *args), stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0 if raw else -1, env={**os.environ, **env})
        self.pid = self._process.pid
        self.stdin = self._process.stdin
        self.stdout = self._process.stdout
        self._lines = queue.Queue()
        self._errors = []
        self._error_reader = threading.Thread(target=self._read_errors, daemon=True)
        self._readers = [self._error_reader]
        if not raw:
            self._readers.append(threading.Thread(target=self._read_lines, daemon=True))
        for reader in self._readers:
            reader.start()

    def _read_lines(self):
        for line in self._process.stdout:
            self._lines.put(line.decode(errors="replace").rstrip("\n"))
        self._lines.put(None)

    def _read_errors(self):
        self._errors.append(self._process.stderr.read().decode(errors="replace"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def line(self, timeout=PATIENCE):
        """The next line of standard output; None at its end."""
        try:
            return self._lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"nothing printed in {timeout} s; {self.end_and_tell()}") from None

    def rest(self):
        """All lines that are still to come, after the end."""
        lines = []
        while (line := self.line()) is not None:
            lines.append(line)
        return lines

    def endpoint(self):
        """(address, port) of the line `listening on ADDRESS:PORT`."""
        line = self.line()
        match = re.fullmatch(r"listening on \[?([0-9a-f.:]+?)\]?:(\d+)", line or "")
        if not match:
            raise AssertionError(f"not a line `listening on …`: {line!r}; {self.end_and_tell()}")
        return match[1], int(match[2])

    def wait(self, timeout=PATIENCE):
        """The exit code."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end in {timeout} s; {self.end_and_tell()}") from None

    def errors(self):
        """What it wrote to standard error; after its end."""
        self._error_reader.join(PATIENCE)
        return "".join(self._errors)

    def send_signal(self, number):
        self._process.send_signal(number)

    def end(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        for reader in self._readers:
            reader.join(PATIENCE)
        for pipe in self._process.stdin, self._process.stdout, self._process.stderr:
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass

    def end_and_tell(self):
        self.end()
        return f"exit code {self._process.returncode}, stderr: {self.errors()!r}"

    def cpu_seconds(self):
        """Used so far, by all threads (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def receive_exactly(peer, n):
    parts = []
    while n > 0:
        part = peer.recv(n)
        if not part:
            break
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def receive_all(peer):
    return b"".join(iter(lambda: peer.recv(65536), b""))
