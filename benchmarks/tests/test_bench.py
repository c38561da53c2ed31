# SPDX-License-Identifier: MIT OR Apache-2.0
"""What bench.py and demo.py are made of: starting and ending servers, sums, the report."""
import contextlib
import io
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
from dataclasses import replace
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCHMARKS))
import bench  # noqa: E402
import contenders  # noqa: E402
import machine  # noqa: E402
import measure as measuring  # noqa: E402
import p2p_programs  # noqa: E402
import report  # noqa: E402
import scenario_accept  # noqa: E402
import scenario_p2p  # noqa: E402
import scenario_tls  # noqa: E402
import scenarios  # noqa: E402
import servers  # noqa: E402
import tables  # noqa: E402
import tls_programs  # noqa: E402
from component_size import leb128_size, stripped_size  # noqa: E402
from measure import Case, Contender, Rounds, measure, run_load  # noqa: E402
from servers import Failure, Server, peer_command  # noqa: E402


measuring.ECHO_LOAD = Path(os.environ["ECHO_LOAD"])  # of the build under test


def python_server(code):
    return [sys.executable, "-u", "-c", code]


WAITING = python_server("import time; print('noise'); print('listening on 127.0.0.1:81');"
                        "time.sleep(60)")


def alive(pid):
    """Whether the process runs; one that has ended but was not waited for does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def result(rate):
    return {"messages_per_second": rate, "megabytes_per_second": rate / 1e4,
            "latency_us": {"p50": 10.0, "p90": 15.0, "p99": 20.0, "p99_9": 25.0, "max": 30.0},
            "server_cpu_us_per_message": 3.0, "others_cpu_share": 0.25, "load_cpu_share": 0.5,
            "suite": "TLS_A"}


# An echo server as a contender: `broken` makes it lose what it is sent, `takes` is in seconds, for
# `most` bytes.
def echo_server(broken=False, takes=0, most=65536):
    return python_server(
        "import socket, threading, time\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "print('linear memory 65536\\nlistening on 127.0.0.1:%d' % s.getsockname()[1])\n"
        "def serve(c):\n"
        f"    while data := c.recv({most}):\n"
        f"        time.sleep({takes})\n"
        f"        c.sendall(data[{int(broken)}:])\n"
        "    c.close()\n"
        "while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()\n")


def module(*sections):
    return b"\0asm\x01\0\0\0" + b"".join(sections)


def component(*sections):
    return b"\0asm\x0d\0\x01\0" + b"".join(sections)


def section(kind, body):
    length, encoded = len(body), b""
    while True:
        low, length = length & 0x7F, length >> 7
        encoded += bytes([low | (0x80 if length else 0)])
        if not length:
            return bytes([kind]) + encoded + body


class Test(unittest.TestCase):
    def test_a_server_runs_from_its_address_to_the_end_of_the_with(self):
        with Server(WAITING) as server:
            self.assertEqual(server.address, "127.0.0.1:81")
            self.assertTrue(alive(server.pid))
            used = server.usage()
            self.assertGreaterEqual(used.cpu_seconds, 0)
            self.assertGreaterEqual(used.waits, 0)
            self.assertGreater(used.resident_bytes, 1_000_000)
        self.assertFalse(alive(server.pid))

    def test_a_server_ends_when_something_goes_wrong(self):
        with self.assertRaises(ZeroDivisionError):
            with Server(WAITING) as server:
                1 / 0
        self.assertFalse(alive(server.pid))

    def test_a_server_that_ignores_the_polite_signal_ends_as_well(self):
        stubborn = python_server(
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "print('listening on [::1]:82'); time.sleep(60)")
        with Server(stubborn) as server:
            self.assertEqual(server.address, "[::1]:82")
        self.assertFalse(alive(server.pid))

    def test_what_a_wrapper_started_ends_with_it(self):
        with tempfile.NamedTemporaryFile("r") as note:
            script = f"sleep 60 & echo $! >{note.name}; echo listening on 127.0.0.1:83; wait"
            with Server(["sh", "-c", script]):
                child = int(note.read())
                self.assertTrue(alive(child))
            deadline = time.monotonic() + 5
            while alive(child) and time.monotonic() < deadline:
                time.sleep(0.02)
            self.assertFalse(alive(child))

    def test_killing_the_program_ends_its_server(self):
        code = (f"import sys, time; sys.path.insert(0, {str(BENCHMARKS)!r}); import servers\n"
                f"servers.exit_on_signals()\n"
                f"with servers.Server({WAITING!r}) as s: print(s.pid, flush=True); time.sleep(60)")
        program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        with program.stdout:
            pid = int(program.stdout.readline())
        self.assertTrue(alive(pid))
        program.send_signal(signal.SIGTERM)
        self.assertEqual(program.wait(20), 128 + signal.SIGTERM)
        self.assertFalse(alive(pid))

    def test_a_server_that_ends_early_is_a_failure_with_its_last_words(self):
        with self.assertRaisesRegex(Failure, "ended before it listened: no port for me"):
            with Server(python_server("import sys; sys.exit('no port for me')")):
                self.fail("not reached")

    def test_a_server_that_stays_silent_is_a_failure(self):
        with self.assertRaisesRegex(Failure, "not listening after"):
            with Server(["sleep", "60"], patience=0.2):
                self.fail("not reached")

    def test_a_command_that_is_missing_is_a_failure(self):
        with self.assertRaisesRegex(Failure, "no/such/program"):
            with Server(["no/such/program"]):
                self.fail("not reached")

    def test_a_peer_may_ask_for_a_port_and_for_the_host(self):
        command = peer_command("{run} 'a b.wasm' {port}", "embedded")
        self.assertTrue(command[0].endswith("libs/host/run"))
        self.assertEqual(command[1:], ["--host", "embedded", "a b.wasm", "{port}"])
        asks = python_server("import sys, time; print('listening on 127.0.0.1:' + sys.argv[1]);"
                             "time.sleep(60)")
        with Server([*asks, "{port}"]) as server:
            self.assertRegex(server.address, r"^127\.0\.0\.1:[1-9]\d+$")

    def test_custom_sections_are_not_counted(self):
        custom, types = section(0, b"\x04name" + b"x" * 300), section(1, b"\0" * 200)
        plain = module(types)
        self.assertEqual(stripped_size(plain), len(plain))
        self.assertEqual(stripped_size(module(types, custom)), len(plain))

    def test_custom_sections_inside_a_component_are_not_counted(self):
        custom, types = section(0, b"\x04name" + b"x" * 300), section(1, b"\0" * 100)
        # In a core module section 4 is the table section and holds no module.
        inner, inner_plain = module(types, section(4, b"\1"), custom), \
            module(types, section(4, b"\1"))
        full = component(custom, section(1, inner), section(4, component(section(1, inner))))
        plain = component(section(1, inner_plain),
                          section(4, component(section(1, inner_plain))))
        self.assertEqual(stripped_size(full), len(plain))
        self.assertEqual([leb128_size(n) for n in (0, 127, 128, 16383, 16384)], [1, 1, 2, 2, 3])
        with self.assertRaises(ValueError):
            stripped_size(b"#!/bin/sh")

    def test_ratios_are_taken_pair_by_pair(self):
        base = Rounds([result(100), result(10), None, result(50)])
        mine = Rounds([result(50), result(10), result(7), None])
        self.assertEqual(mine.ratios_to(base), [0.5, 1.0])
        self.assertEqual(mine.median("messages_per_second"), 10)
        self.assertIsNone(Rounds([None]).median("latency_us", "p50"))

    def test_ratios_by_processor_time_are_those_of_what_a_message_costs(self):
        base = Rounds([result(100), result(100), None])
        mine = Rounds([{**result(1), "server_cpu_us_per_message": 1.5}, result(1), result(1)])
        self.assertEqual(mine.cpu_ratios_to(base), [2.0, 1.0])
        self.assertEqual(mine.cpu_ratios_to(Rounds([None], ["lost"])), [])
        idle = {key: value for key, value in result(1).items() if "cpu_us" not in key}
        self.assertEqual(mine.cpu_ratios_to(Rounds([idle])), [])

    def test_a_failed_round_leaves_no_figures(self):
        base = Rounds([result(100), result(100)])
        mine = Rounds([result(50), None], ["a byte was lost"])
        self.assertEqual(mine.ratios_to(base), [])
        self.assertIsNone(mine.median("messages_per_second"))

    def case(self, *load, **more):
        return Case("a case", ["--patience", "5", *load], "good", **more)

    def test_a_turn_tells_what_the_server_used(self):
        table = measure([Contender("good", echo_server())], [self.case("--idle", "20")], 1, 0.5,
                        False, lambda text: None)
        turn, = table["a case"]["good"].results
        self.assertEqual((turn["idle"], turn["errors"]), (20, 0))
        for key in ("server_cpu_us_per_message", "server_cpu_share", "server_waits_per_second",
                    "resident_bytes_per_connection", "messages_max_to_min", "p99_to_p50"):
            self.assertGreater(turn[key], 0, key)
        self.assertEqual(turn["linear_memory_bytes"], 65536)
        self.assertEqual(turn["linear_memory_bytes_per_connection"], 0)

    def test_a_server_with_nothing_but_idle_connections_is_seen_to_rest(self):
        table = measure([Contender("good", echo_server())],
                        [self.case("--connections", "0", "--idle", "20")], 1, 1, False,
                        lambda text: None)
        turn, = table["a case"]["good"].results
        self.assertEqual((turn["server_cpu_share"], turn["server_waits_per_second"]), (0, 0))

    def test_a_server_that_loses_bytes_gets_no_figures(self):
        table = measure([Contender("good", echo_server()), Contender("bad", echo_server(True))],
                        [self.case("--connections", "2")], 1, 0.3, False, lambda text: None)
        self.assertEqual(table["a case"]["bad"].results, [None])
        self.assertEqual(len(table["a case"]["bad"].failures), 1)
        self.assertEqual(len(table["a case"]["good"].results), 1)

    def test_a_peer_that_failed_is_not_asked_again(self):
        table = measure([Contender("good", echo_server()),
                         Contender("bad", ["no/such/program"], peer=True)],
                        [self.case()], 3, 0.2, False, lambda text: None)
        self.assertEqual(len(table["a case"]["good"].results), 3)
        self.assertEqual(len(table["a case"]["bad"].failures), 1)

    def test_a_case_has_the_contenders_it_names(self):
        table = measure([Contender("good", echo_server()), Contender("other", ["nothing"])],
                        [self.case(contenders=("good",), rounds=1)], 5, 0.2, False,
                        lambda text: None)
        self.assertEqual({name: len(rounds.results) for name, rounds in table["a case"].items()},
                         {"good": 1})

    def test_an_open_loop_has_a_share_of_the_rate_that_the_base_had(self):
        busy = Case("busy", ["--connections", "8", "--patience", "5"], "good")
        opened = Case("open", busy.load, "good", view="open loop", rate_of=busy, share=0.25)
        # takes much longer than the load is late, whatever else runs
        server = [Contender("good", echo_server(takes=0.02))]
        after = measure(server, [busy, opened], 1, 0.5, False, lambda text: None)
        rate = after["busy"]["good"].results[0]["messages_per_second"]
        self.assertEqual(after["open"]["good"].results[0]["offered_per_second"], round(rate / 4))
        alone = measure(server, [opened], 1, 0.5, False, lambda text: None)
        self.assertEqual(list(alone), ["open"])
        self.assertGreater(alone["open"]["good"].results[0]["offered_per_second"], 0)
        case, = report.summarize_cases(server, [opened], alone)
        shown = dict(report.columns(case))
        row, = case["servers"]
        for title in "offered/s", "messages/s", "p50 us", "p99.99 us", "load late p99 us":
            self.assertNotEqual(shown[title](row), "-", title)

    def test_open_loops_of_one_run_have_shares_of_the_same_rate(self):
        busy = Case("busy", ["--connections", "8", "--patience", "5"], "good")
        half, quarter = (Case(f"{share}", busy.load, "good", rate_of=busy, share=share)
                         for share in (0.5, 0.25))
        table = measure([Contender("good", echo_server(takes=0.02))], [half, quarter], 1, 0.5,
                        False, lambda text: None)
        rates = [table[case.name]["good"].results[0]["offered_per_second"]
                 for case in (half, quarter)]
        self.assertAlmostEqual(rates[0], 2 * rates[1], delta=1.5)

    def test_latency_that_is_the_load_s_own_is_told(self):
        row = {"name": "server", "p99_us": 100.0, "load_lateness_p99_us": 50.0}
        self.assertEqual(report.late_loads([row]), [])
        late = {**row, "name": "another", "load_lateness_p99_us": 51.0}
        closed = {"name": "closed", "p99_us": 100.0, "load_lateness_p99_us": None}
        self.assertEqual(report.late_loads([row, late, closed]),
                         ["over half of p99 is that the load was late: another"])

    def test_a_server_that_cannot_keep_up_in_open_loop_has_not_failed(self):
        case = Case("open", ["--rate", "100", "--patience", "1"], "slow", view="open loop")
        slow = [Contender("slow", echo_server(takes=0.1, most=64))]
        table = measure(slow, [case], 1, 1, False, lambda text: None)
        shown, = report.summarize_cases(slow, [case], table)
        row, = shown["servers"]
        self.assertEqual((row["failures"], row["not_measurable"]), ([], []))
        self.assertGreater(row["unanswered"], 0)
        self.assertIsNone(row["p99_us"])
        self.assertRegex("\n".join(report.case_table(shown).as_lines()),
                         r"slow cannot keep up: \d+ of \d+ messages had no answer")
        self.assertFalse(bench.has_failures({"failures": [], "scenarios": [{"cases": [shown]}]}))

    def test_a_load_that_falls_behind_is_no_failure_of_the_server(self):
        case = Case("open", ["--rate", "1e9", "--patience", "0.5"], "good", view="open loop")
        good = [Contender("good", echo_server())]
        table = measure(good, [case], 1, 0.3, False, lambda text: None)
        shown, = report.summarize_cases(good, [case], table)
        row, = shown["servers"]
        self.assertEqual((row["failures"], len(row["not_measurable"])), ([], 1))
        self.assertIsNone(row["messages_per_second"])
        self.assertIn("good was not measurable: echo_load: the load fell behind",
                      "\n".join(report.case_table(shown).as_lines()))
        self.assertFalse(bench.has_failures({"failures": [], "scenarios": [{"cases": [shown]}]}))

    def test_a_figure_that_a_round_lacks_has_no_median(self):
        lacking = {**result(1), "latency_us": {"p50": 10.0}}
        rounds = Rounds([result(1), lacking])
        self.assertEqual(rounds.median("latency_us", "p50"), 10)
        self.assertIsNone(rounds.median("latency_us", "p99"))

    def test_an_open_loop_needs_a_base_that_works(self):
        busy = Case("busy", ["--patience", "5"], "bad")
        opened = Case("open", [], "bad", rate_of=busy, share=0.5)
        servers_ = [Contender("bad", echo_server(True)), Contender("good", echo_server())]
        row = measure(servers_, [opened], 1, 0.3, False, lambda text: None)["open"]
        self.assertEqual(row["bad"].failures, ["it has no rate in busy"])
        self.assertEqual((row["good"].results, row["good"].failures), ([], []))

    def test_the_phases_of_a_load_are_told(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(65536):
                    connection.sendall(data)
        threading.Thread(target=serve, daemon=True).start()
        phases = []
        run_load("127.0.0.1:%d" % listener.getsockname()[1], [], 0.2, on_phase=phases.append)
        self.assertEqual(phases, ["counting", "finishing"])

    def test_a_load_ends_when_who_watches_it_fails(self):
        def fail(_phase):
            raise Failure("the server is gone")
        with Server(echo_server()) as server:
            with self.assertRaisesRegex(Failure, "the server is gone"):
                run_load(server.address, [], 30, on_phase=fail)

    def test_the_limit_on_open_files_is_raised_for_what_is_started_later(self):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
        servers.allow_open_files(300)
        with Server(["sh", "-c", "echo listening on 127.0.0.1:$(ulimit -Sn); sleep 60"]) as server:
            self.assertEqual(server.address, "127.0.0.1:300")

    def test_the_limit_on_handles_is_that_of_the_last_scenario_and_the_users_flags_win(self):
        before = os.environ.get(servers.FLAGS)
        self.addCleanup(os.environ.pop, servers.FLAGS, None)
        if before is not None:
            self.addCleanup(os.environ.__setitem__, servers.FLAGS, before)
        for name in "host_name", "knows_limits", "USERS_FLAGS":
            self.addCleanup(setattr, servers, name, getattr(servers, name))
        servers.host_name = lambda host: "wasmtime-cli 48"
        servers.knows_limits = lambda: ["max-resources"]
        servers.USERS_FLAGS = "-S theirs=1"
        for count in 100, 5000:
            servers.allow_handles(None, count)
        self.assertEqual(os.environ[servers.FLAGS], "-S max-resources=5000 -S theirs=1")

    def test_peers_come_from_a_folder_or_are_said_to_be_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "tokio-echo.wasm").touch()
            (Path(folder) / "native").mkdir()
            (Path(folder) / "native/tokio-echo-native").touch()
            tokio, wstd, native = contenders.from_folder(Path(folder), "embedded")
        self.assertEqual((tokio.name, tokio.missing, tokio.peer), ("tokio", "", True))
        self.assertEqual(tokio.command[1:3], ["--host", "embedded"])
        self.assertIn("no wstd-echo-rw.wasm in", wstd.missing)
        self.assertTrue(native.command[0].endswith("native/tokio-echo-native"))

    def test_short_connections_are_measured_one_and_many_at_once(self):
        cases = [replace(case, base="good", contenders=())
                 for case in scenario_accept.cases(["a peer"])]
        table = measure([Contender("good", echo_server())], cases, 1, 0.5, False,
                        lambda text: None)
        for case, at_once in zip(cases, (1, 64)):
            turn, = table[case.name]["good"].results
            self.assertEqual((turn["connections"], turn["errors"]), (at_once, 0))
            self.assertGreater(turn["messages"], 0)
        for case in report.summarize_cases([Contender("good", [])], cases, table):
            self.assertNotIn("-", [text(case["servers"][0]) for _, text in report.columns(case)])

    def test_peers_of_tls_are_others(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "rustls-echo-ring.wasm").touch()
            found = scenario_tls.peers(Path(folder), "embedded")
        self.assertEqual([peer.name for peer in found], list(contenders.TLS_PEERS.values()))
        self.assertEqual([bool(peer.missing) for peer in found], [False, True, True])

    def test_every_case_of_tls_names_contenders_that_there_are(self):
        known = {"copoll", "copoll, with tickets", "native copoll", "native copoll, with tickets",
                 "native OpenSSL", "native OpenSSL, with tickets"}
        ring = contenders.TLS_PEERS["rustls-echo-ring.wasm"]
        for peers, base in ([], "native OpenSSL"), ([ring], ring):
            cases = scenario_tls.cases(peers)
            for case in cases:
                self.assertLessEqual({case.base, *case.also, *case.contenders}, known | set(peers))
                self.assertIn(case.reference, ["", *(other.name for other in cases)])
                self.assertIsInstance(case.also, tuple)
            self.assertEqual(cases[0].base, base)

    def test_tls_servers_are_measured_by_handshakes_and_by_streams(self):
        if "OPENSSL_ECHO" not in os.environ:
            print("SKIPPED: no headers of OpenSSL here; ./dev setup --peers gets them")
            return
        server = [os.environ["OPENSSL_ECHO"], "--listen", "127.0.0.1:0"]
        good = [Contender("good", server), Contender("never resumes", [*server, "--no-tickets"])]
        handshakes, resumed, stream = scenario_tls.cases([])[0], *scenario_tls.cases([])[2:4]
        cases = [Case(case.name, case.load, "good", view=case.view)
                 for case in (handshakes, resumed, stream)]
        table = measure(good, cases, 1, 0.5, False, lambda text: None)
        for case in handshakes, stream:
            for name in table[case.name]:
                turn, = table[case.name][name].results
                self.assertGreater(turn["messages"], 0)
                self.assertGreater(turn["load_cpu_share"], 0)
        self.assertEqual(table[resumed.name]["never resumes"].results, [None])
        self.assertEqual(len(table[resumed.name]["good"].failures), 0)
        summed_up = report.summarize_cases(good, cases, table)
        self.assertTrue(summed_up[0]["servers"][0]["suite"].startswith("TLS_"))

    def test_without_openssl_the_tls_servers_are_said_not_to_be_measured(self):
        with_tls = "OPENSSL_ECHO" in os.environ
        self.assertEqual(scenario_tls.lacks() == "", with_tls)
        self.addCleanup(setattr, measuring, "ECHO_LOAD", measuring.ECHO_LOAD)
        measuring.ECHO_LOAD = Path(sys.executable)  # knows no --tls
        self.assertIn("without OpenSSL's headers", scenario_tls.lacks())
        measuring.ECHO_LOAD = scenario_tls.ROOT / "no/such/program"
        self.assertIn("is missing", scenario_tls.lacks())

    def test_what_tls_programs_measured_is_shown_as_ratios(self):
        measured = {"raw full handshake us": [1000, 500], "engine full handshake us": [2000, 500],
                    "stock full handshake us": [4000, 1000],
                    "engine resumed handshake us": [500, 250]}
        measured |= {f"{side} {suite} MB/s": [10, 20] for side in ("raw", "engine", "stock")
                     for suite in ("chacha20", "aes_128_gcm")}
        clients = {"copoll": {"full": [100], "resumed": [300]},
                   "native OpenSSL": {"full": [200], "resumed": [400]}}
        text = tables.as_text(tls_programs.tables(
            {"in memory": {"copoll": measured}, "client": clients}))
        rows = {line[:30].strip(): line[30:].split() for line in text.splitlines()}
        self.assertEqual(rows["full handshakes/s, server"][:3], ["1,250", "1,500", "0.75"])
        self.assertEqual(rows["full handshakes/s, server"][4:6], ["625", "3.00"])
        self.assertEqual(rows["resumed / full"][0], "3.00")
        ours, = (line.split() for line in text.splitlines() if line.startswith("copoll  "))
        self.assertEqual(ours[1:], ["100", "0.50", "300", "0.75", "3.00"])

    def test_what_p2p_programs_measured_is_shown_as_ratios(self):
        measured = {"raw handshake us": [900, 400], "engine handshake us": [1000, 500],
                    "raw stream MB/s": [100, 200], "engine stream MB/s": [90, 190]}
        trips = {"copoll to js-libp2p": {"near": [0.31, 0.32, 0.33], "far": [0.61, 0.63, 0.73]}}
        text = tables.as_text(p2p_programs.tables(
            {"in memory": {"copoll": measured}, "round trips": trips}))
        rows = {line[:28].strip(): line[28:].split() for line in text.splitlines()}
        self.assertEqual(rows["handshakes/s, listener"][:4], ["1,500", "1,806", "0.85",
                                                              "(0.80-0.90)"])
        self.assertEqual(rows["one stream MB/s, both ends"][:3], ["140", "150", "0.93"])
        trip, = (line.split() for line in text.splitlines() if line.startswith("copoll to"))
        self.assertEqual(trip[3:], ["3.10", "(3.00-4.00)", "10", "320", "630"])

    def test_a_node_of_libp2p_that_is_not_there_is_missing_with_the_reason(self):
        with tempfile.TemporaryDirectory() as folder:
            self.addCleanup(setattr, p2p_programs, "FOLDER", p2p_programs.FOLDER)
            self.addCleanup(p2p_programs.NODES.update, dict(p2p_programs.NODES))
            p2p_programs.FOLDER = Path(folder)
            p2p_programs.NODES["go-libp2p"] = [Path(folder) / "go_peer"]
            self.assertIn("setup --peers", p2p_programs.node("go-libp2p")[1])
            (Path(folder) / "go.absent").write_text("no go here\n")
            self.assertEqual(p2p_programs.node("go-libp2p")[1], "no go here")
            (Path(folder) / "go_peer").touch()
            self.assertEqual(p2p_programs.node("go-libp2p")[1], "")

    def test_a_way_to_a_node_that_fails_is_tried_once_and_told_with_the_reason(self):
        self.addCleanup(setattr, p2p_programs, "ways", p2p_programs.ways)
        serve = python_server("print('READY /ip4/127.0.0.1/tcp/7/p2p/x', flush=True); input()")
        fail = python_server("import sys; sys.exit('no such stream')")
        p2p_programs.ways = lambda host: {"a to b": (serve, fail, [], "OK byte")}
        tried = []
        found, missing = p2p_programs.count_round_trips(
            types.SimpleNamespace(rounds=2, host=None), tried.append)
        self.assertEqual((found, len(tried)), ({}, 1))
        self.assertIn("no such stream", missing["round trips: a to b"])

    def test_versions_are_of_what_is_there(self):
        self.addCleanup(setattr, machine, "FOLDER", machine.FOLDER)
        self.addCleanup(setattr, machine, "node", machine.node)
        with tempfile.TemporaryDirectory() as folder:
            machine.FOLDER = Path(folder)
            self.assertEqual(machine.versions_of_peers(machine.FOLDER), {})
            (machine.FOLDER / "tokio-echo.wasm").touch()
            (machine.FOLDER / "wstd-echo-rw.wasm.absent").touch()
            self.assertEqual(list(machine.versions_of_peers(machine.FOLDER)), ["tokio"])
            self.assertEqual(machine.versions_of_peers(machine.FOLDER.parent), {})
        machine.node = lambda name: ([], "" if name == "go-libp2p" else "not built")
        self.assertEqual(list(machine.versions_of_nodes()), ["go-libp2p"])
        machine.node = lambda name: ([], "")
        self.assertRegex(machine.versions_of_nodes()["js-libp2p"], r"^\d+\.\d+")

    def test_a_client_that_has_no_server_to_talk_to_is_missing(self):
        self.addCleanup(setattr, tls_programs, "OPENSSL_SERVER", tls_programs.OPENSSL_SERVER)
        tls_programs.OPENSSL_SERVER = Path("/nowhere/openssl_echo")
        figures, missing = tls_programs.run(types.SimpleNamespace(case="client"), None)
        self.assertEqual((figures, list(missing)), ({}, ["client"]))

    def test_a_node_of_libp2p_says_where_it_listens_in_its_own_way(self):
        at = "/ip4/127.0.0.1/tcp/7/p2p/12D3K"
        for line in f"listening on {at}", f"READY {at}":
            with Server(python_server(f"import sys; print('{line}'); sys.stdin.read()")) as server:
                self.assertEqual(server.address, at)
                self.assertTrue(alive(server.pid))  # its input has not ended

    def test_every_case_of_p2p_names_contenders_that_there_are(self):
        seed = scenario_p2p.WASI_SOCKETS
        known = {contenders.COPOLL, contenders.NATIVE_COPOLL, scenario_p2p.CEILING,
                 *p2p_programs.NODES, seed}
        for peers in [], [seed]:
            for case in scenario_p2p.cases(peers):
                self.assertLessEqual({case.base, *case.also, *case.contenders}, known)
                self.assertEqual(seed in case.contenders, bool(peers))
                self.assertIsInstance(case.also, tuple)

    def test_every_case_names_contenders_that_there_are(self):
        natives = (contenders.NATIVE_COPOLL, contenders.NATIVE_EPOLL)
        known = {contenders.COPOLL, contenders.FLAT, contenders.TWO_TIER, contenders.PLAIN,
                 contenders.SPLICE, "a peer", *natives, *map(contenders.buffer_name, (4, 16, 64))}
        for scenario in map(scenarios.ALL.get, ("echo", "idle", "accept")):
            cases = scenario.cases(["a peer"])
            names = [case.name for case in cases]
            for case in cases:
                self.assertLessEqual({case.base, *case.also, *case.contenders}, known)
                self.assertIn(case.reference, ["", *names])
                self.assertIsInstance(case.also, tuple)

    def test_wrong_options_end_with_code_two(self):
        for wrong in (["no-such-scenario"], ["--peer", "nameless"], ["--rounds", "0"],
                      ["--seconds", "0"], ["--host", "none"], ["--peers", "/no/such/folder"],
                      ["--compare", "/no/such/file"]):
            with self.subTest(wrong=wrong), contextlib.redirect_stderr(io.StringIO()):
                with self.assertRaises(SystemExit) as exit_:
                    bench.parse_arguments(wrong)
                self.assertEqual(exit_.exception.code, 2)

    def test_quick_means_fewer_rounds_unless_said_otherwise(self):
        self.assertEqual(bench.parse_arguments(["--quick"]).rounds, 3)
        self.assertEqual(bench.parse_arguments(["--quick", "--rounds", "5"]).rounds, 5)
        self.assertEqual(bench.parse_arguments([]).scenarios, list(scenarios.ALL))


if __name__ == "__main__":
    unittest.main()
