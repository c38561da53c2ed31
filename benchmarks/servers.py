# SPDX-License-Identifier: MIT OR Apache-2.0
"""Starts the servers to measure, and ends each one, whatever happens."""
import contextlib
import os
import queue
import re
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "libs/host/run"
FLAGS = "COPOLL_WASMTIME_FLAGS"
USERS_FLAGS = os.environ.get(FLAGS, "")  # they come last and win
TOOLS = Path(os.environ.get("COPOLL_TOOLS") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "copoll")
# Nodes of libp2p print a multiaddr, those of tests/interop behind another word.
LISTENING = re.compile(r"(?:listening on .*?|^READY )(/ip[46]/\S+|\S+:\d+)")
LINEAR_MEMORY = re.compile(r"linear memory (\d+)")
VOLUNTARY_WAITS = re.compile(r"^voluntary_ctxt_switches:\s*(\d+)", re.MULTILINE)


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


def allow_open_files(count):
    """Raises the limit on open files for what is started from here on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))
    except (ValueError, OSError) as error:
        raise Failure(f"the limit on open files is {hard}, and {count} are needed") from error


def allow_handles(host, count):
    """Has a host that limits how many handles a component holds allow that many."""
    if not host_name(host).startswith("wasmtime-cli"):
        return
    os.environ[FLAGS] = " ".join([*(f"-S {limit}={count}" for limit in knows_limits()),
                                  USERS_FLAGS]).strip()


def knows_limits():
    """The names of the limits on handles that the command wasmtime has."""
    options = subprocess.run([shutil.which("wasmtime"), "run", "-S", "help"], text=True,
                             capture_output=True).stdout
    return [name for name in ("max-component-handles", "max-resources") if name in options]


@dataclass
class Usage:
    """What a process has used so far, all its threads together."""
    cpu_seconds: float
    waits: int  # times that a thread went to sleep: each wait in a poll is one or more
    resident_bytes: int

    @staticmethod
    def of(pid):
        process = Path(f"/proc/{pid}")
        ticks = process.joinpath("stat").read_text().rpartition(")")[2].split()[11:13]
        resident = int(process.joinpath("statm").read_text().split()[1])
        waits = 0
        for task in process.joinpath("task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                waits += int(VOLUNTARY_WAITS.search(task.joinpath("status").read_text())[1])
        return Usage(sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"), waits,
                     resident * os.sysconf("SC_PAGE_SIZE"))


def exit_on_signals():
    """Makes a kill end the program as Ctrl-C does: through every `with`, so servers end too."""
    def leave(number, _frame):
        sys.exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


class Server:
    """A server process, from its `listening on ADDRESS` line to its end.

    Use it in a `with`; `address` and `pid` are valid inside. `linear_memory` is the size in bytes
    that it told last, by a line `linear memory BYTES`; None if it does not tell.
    """
    def __init__(self, command, cpus=frozenset(), patience=60):
        port = free_port()
        self.command = [word.replace("{port}", str(port)) for word in command]
        self.cpus = cpus
        self.patience = patience
        self.linear_memory = None

    def __enter__(self):
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        try:
            with on_cpus(self.cpus):
                # A session of its own: Ctrl-C reaches this program only, which then ends it. Its
                # input stays open and empty: some servers end with it.
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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
        self.process.stdin.close()
        self.errors.close()

    def usage(self):
        try:
            return Usage.of(self.pid)
        except (FileNotFoundError, ProcessLookupError):
            raise Failure(f"{self._name()} ended: {self.said()}") from None

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
                if found := LINEAR_MEMORY.search(line):
                    self.linear_memory = int(found[1])
                lines.put(line)
        lines.put(None)

    def _name(self):
        return " ".join(self.command)
