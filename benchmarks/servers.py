# SPDX-License-Identifier: MIT OR Apache-2.0
"""Starts the servers to measure, and ends each one, whatever happens."""
import contextlib
import os
import queue
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "libs/host/run"
LISTENING = re.compile(r"listening on .*?(\S+:\d+)")


class Failure(Exception):
    """Something that ends the program with one line and exit code 1."""


def runner(host):
    """The command that runs a component in a host; None: the host at hand."""
    return [str(RUN), *(["--host", host] if host else [])]


def host_name(host):
    """The name and version of the host that runs components."""
    answer = subprocess.run([*runner(host), "--print-host"], text=True, capture_output=True)
    if answer.returncode != 0:
        raise Failure(answer.stderr.strip() or "no host to run components")
    return answer.stdout.strip()


def peer_command(text, host):
    """The command line of a peer; {run} is the host runner, {port} a free port."""
    words = []
    for word in shlex.split(text):
        words += runner(host) if word == "{run}" else [word]
    return words


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def on_cpus(cpus):
    """What is started inside runs on these CPUs only; an empty set changes nothing."""
    if not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def exit_on_signals():
    """Makes a kill end the program as Ctrl-C does: through every `with`, so servers end too."""
    def leave(number, _frame):
        sys.exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


class Server:
    """A server process, from its `listening on ADDR:PORT` line to its end.

    Use it in a `with`; `address` and `pid` are valid inside.
    """
    def __init__(self, command, cpus=frozenset(), patience=60):
        port = free_port()
        self.command = [word.replace("{port}", str(port)) for word in command]
        self.cpus = cpus
        self.patience = patience

    def __enter__(self):
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        try:
            with on_cpus(self.cpus):
                # A session of its own: Ctrl-C reaches this program only, which then ends it.
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=self.errors, text=True, errors="replace", start_new_session=True)
        except OSError as error:
            self.errors.close()
            raise Failure(f"{self.command[0]}: {error.strerror}") from error
        self.pid = self.process.pid
        try:
            self.address = self._wait_for_address()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        # The group is the session started above: the server, and what a wrapper started for it.
        for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
                break
        self.errors.close()

    def cpu_seconds(self):
        """CPU time used so far, by all threads, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def said(self):
        """The last line it wrote on stderr."""
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def _wait_for_address(self):
        lines = queue.SimpleQueue()
        # Reads on to the end: a server that prints more must not block on a full pipe.
        threading.Thread(target=self._read_lines, args=(lines,), daemon=True).start()
        try:
            while (line := lines.get(timeout=self.patience)) is not None:
                if found := LISTENING.search(line):
                    return found[1]
        except queue.Empty:
            raise Failure(f"{self._name()}: not listening after {self.patience} s") from None
        self.process.wait()
        raise Failure(f"{self._name()} ended before it listened: {self.said()}")

    def _read_lines(self, lines):
        with self.process.stdout as output:
            for line in output:
                lines.put(line)
        lines.put(None)

    def _name(self):
        return " ".join(self.command)
