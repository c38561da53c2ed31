# SPDX-License-Identifier: MIT OR Apache-2.0
"""echo_load must notice each way in which a server can lose, change or mix up bytes."""
import functools
import json
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

ECHO_LOAD = os.environ["ECHO_LOAD"]
OPENSSL_ECHO = os.environ.get("OPENSSL_ECHO")  # not without OpenSSL's headers
IDENTITY = Path(__file__).resolve().parent.parent / "tls"
CHACHA20, AES_128 = "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"


class EchoServer:
    """An echo server on a free port; `serve(index, connection)` echoes one connection."""
    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        index = 0
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(index, connection), daemon=True).start()
            index += 1

    def _run(self, index, connection):
        try:
            self.serve(index, connection)
        except OSError:
            pass  # the other side gave up, as it should after a fault
        finally:
            connection.close()


def echo_changed(change, most=65536):
    """A serve function: `change(data, number)` says what goes back for the number-th read."""
    def serve(_index, connection):
        number = 0
        while data := connection.recv(most):
            connection.sendall(change(data, number))
            number += 1
    return serve


def honest(data, _number):
    return data


def by_tls(serve, configure=lambda context: None):
    """A serve function over TLS, by Python's ssl."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(IDENTITY / "certificate.pem", IDENTITY / "key.pem")
    configure(context)

    def serve_by_tls(index, connection):
        with context.wrap_socket(connection, server_side=True) as peer:
            serve(index, peer)
            peer.unwrap()
    return serve_by_tls


def needs_tls(test):
    """Without OpenSSL's headers the load knows no TLS, and the test is skipped."""
    @functools.wraps(test)
    def run(self):
        if OPENSSL_ECHO:
            test(self)
        else:
            print("SKIPPED: no headers of OpenSSL here; ./dev setup --peers gets them")
    return run


class Test(unittest.TestCase):
    def load(self, serve, *arguments):
        server = EchoServer(serve)
        self.addCleanup(server.listener.close)
        return self.run_load("--connect", server.address, "--seconds", "0.4", "--patience", "2",
                             *arguments)

    def run_load(self, *arguments):
        return subprocess.run([ECHO_LOAD, *arguments], text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    def assert_fails(self, done, *parts, code=1):
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    def figures(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_an_honest_server_gets_figures(self):
        f = self.figures(self.load(echo_changed(honest), "--connections", "3", "--json"))
        self.assertEqual(f["errors"], 0)
        self.assertGreater(f["messages_per_second"], 0)
        self.assertGreater(f["bytes_sent"], 0)
        self.assertEqual(f["bytes_sent"], f["bytes_received"])
        self.assertGreater(f["messages_per_connection"]["min"], 0)
        latency = f["latency_us"]
        self.assertGreater(latency["p50"], 0)
        ascending = [latency[key] for key in ("p50", "p90", "p99", "p99_9", "p99_99", "max")]
        self.assertEqual(ascending, sorted(ascending))

    def test_the_histogram_holds_each_message_in_ranges_of_ascending_latency(self):
        f = self.figures(self.load(echo_changed(honest), "--connections", "3", "--json"))
        edges, counts = zip(*f["latency_histogram_us"])
        self.assertEqual(sum(counts), f["messages"])
        self.assertGreater(min(counts), 0)
        self.assertEqual(list(edges), sorted(set(edges)))
        self.assertLessEqual(len(edges), 200)
        for key, percent in ("p50", 50), ("p99", 99):
            rank = max(1, int(percent / 100 * sum(counts) + 0.5))
            up_to = next(edge for i, edge in enumerate(edges) if sum(counts[:i + 1]) >= rank)
            self.assertLessEqual(f["latency_us"][key], up_to * 1.01)
            self.assertGreaterEqual(f["latency_us"][key], up_to / 1.13)
        self.assertLessEqual(f["latency_us"]["max"], edges[-1] * 1.01)

    def test_large_pipelined_messages_come_back_whole(self):
        f = self.figures(self.load(echo_changed(honest), "--size", "300001", "--pipeline", "4",
                                   "--connections", "2", "--json"))
        self.assertEqual(f["bytes_sent"], f["bytes_received"])
        self.assertEqual(f["bytes_sent"] % 300001, 0)

    def test_idle_connections_are_opened_and_stay_quiet(self):
        opened = []

        def serve(index, connection):
            opened.append(index)
            echo_changed(honest)(index, connection)

        f = self.figures(self.load(serve, "--idle", "5", "--json"))
        self.assertEqual((f["idle"], f["connections"]), (5, 1))
        self.assertEqual(len(opened), 6)

    def test_idle_connections_send_one_message_at_the_end(self):
        received = {}

        def serve(index, connection):
            received[index] = b""
            while data := connection.recv(65536):
                received[index] += data
                connection.sendall(data)

        f = self.figures(self.load(serve, "--idle", "3", "--connections", "0", "--json",
                                   "--size", "100"))
        self.assertEqual([len(data) for data in received.values()], [100, 100, 100])
        self.assertEqual((f["messages"], f["bytes_received"]), (0, 300))

    def test_an_idle_connection_that_the_server_drops_is_found(self):
        def serve(index, connection):
            if index != 2:
                echo_changed(honest)(index, connection)
        self.assert_fails(self.load(serve, "--idle", "4"), "1 of 5 connections failed",
                          "connection 2: closed by the server")

    def test_an_idle_connection_that_the_server_forgot_is_found(self):
        def serve(index, connection):
            if index != 2:
                return echo_changed(honest)(index, connection)
            threading.Event().wait(30)
        self.assert_fails(self.load(serve, "--idle", "4", "--patience", "0.3"),
                          "1 of 5 connections failed", "connection 2: no end of stream")

    def test_an_idle_connection_that_answers_wrongly_is_found(self):
        def serve(index, connection):
            change = honest if index != 3 else lambda data, _: data[::-1]
            echo_changed(change)(index, connection)
        self.assert_fails(self.load(serve, "--idle", "4"), "connection 3: wrong byte")

    def test_more_connections_than_one_address_has_ports_for_come_from_several(self):
        sources = []

        def serve(index, connection):
            sources.append(connection.getpeername()[0])
            echo_changed(honest)(index, connection)
        f = self.figures(self.load(serve, "--connections", "0", "--idle", "50",
                                   "--per-address", "20", "--json"))
        self.assertEqual(f["idle"], 50)
        counts = [sources.count(f"127.0.0.{last}") for last in (1, 2, 3, 4)]
        self.assertEqual(counts, [1, 19, 20, 10])

    def test_more_connections_than_the_backlog_holds_are_all_accepted(self):
        def accept_slowly(server):
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=echo, args=(connection,), daemon=True).start()

        def echo(connection):
            with connection:
                echo_changed(honest)(0, connection)

        server = socket.create_server(("127.0.0.1", 0), backlog=80)
        self.addCleanup(server.close)
        threading.Thread(target=accept_slowly, args=(server,), daemon=True).start()
        f = self.figures(self.run_load(
            "--connect", "127.0.0.1:%d" % server.getsockname()[1], "--seconds", "0.2",
            "--connections", "0", "--idle", "400", "--json"))
        self.assertEqual(f["errors"], 0)

    def test_a_server_that_stops_accepting_is_found(self):
        server = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.addCleanup(server.close)
        done = self.run_load("--connect", "127.0.0.1:%d" % server.getsockname()[1],
                             "--connections", "100", "--patience", "0.3")
        self.assert_fails(done, "got no answer")

    def test_phases_are_told_as_they_begin(self):
        done = self.load(echo_changed(honest), "--phases", "--json")
        self.assertEqual(done.stderr.splitlines(), ["phase counting", "phase finishing"])
        self.assertEqual(self.figures(done)["errors"], 0)

    def test_finishing_waits_for_who_watches(self):
        server = EchoServer(echo_changed(honest))
        self.addCleanup(server.listener.close)
        load = subprocess.Popen(
            [ECHO_LOAD, "--connect", server.address, "--seconds", "0.2", "--phases"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with load:
            self.assertEqual([load.stderr.readline() for _ in range(2)],
                             ["phase counting\n", "phase finishing\n"])
            with self.assertRaises(subprocess.TimeoutExpired):
                load.wait(0.5)
            load.communicate("\n", timeout=30)
        self.assertEqual(load.returncode, 0)

    def test_the_text_form_names_every_figure(self):
        done = self.load(echo_changed(honest))
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("messages/s", "MB/s", "p50", "p90", "p99", "p99.9", "p99.99", "max",
                     "fairness", "errors"):
            self.assertIn(word, done.stdout)

    def test_a_wrong_byte_in_the_middle_is_found(self):
        def flip(data, number):
            if number != 50 or len(data) < 3:
                return data
            middle = len(data) // 2
            return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]
        self.assert_fails(self.load(echo_changed(flip)), "wrong byte")

    def test_verifying_edges_sees_the_first_byte_but_not_the_middle(self):
        def flip_at(where):
            def flip(data, _number):
                at = where(data)
                return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
            return echo_changed(flip)
        middle = self.load(flip_at(lambda data: len(data) // 2), "--verify", "edges")
        self.assertEqual(middle.returncode, 0, middle.stderr)
        self.assert_fails(self.load(flip_at(lambda data: 0), "--verify", "edges"), "wrong byte")

    def test_verifying_nothing_still_counts_bytes(self):
        zeros = self.load(echo_changed(lambda data, _: bytes(len(data))), "--verify", "none")
        self.assertEqual(zeros.returncode, 0, zeros.stderr)
        self.assert_fails(self.load(echo_changed(lambda data, _: data + b"x"), "--verify", "none"),
                          "more bytes")

    def test_a_repeated_packet_is_found(self):
        def repeat(data, number):
            return data + data if number == 20 else data
        self.assert_fails(self.load(echo_changed(repeat), "--pipeline", "4"))

    def test_a_lost_packet_is_found(self):
        def lose(data, number):
            return b"" if number == 20 else data
        self.assert_fails(self.load(echo_changed(lose, most=1000), "--size", "4096",
                                    "--pipeline", "8"), "wrong byte")

    def test_bytes_lost_at_the_end_are_found(self):
        def serve(_index, connection):
            held = b""
            while data := connection.recv(65536):
                connection.sendall(held + data[:-1])  # always one byte late, the last one never
                held = data[-1:]
        self.assert_fails(self.load(serve, "--pipeline", "2"), "missing")

    def test_bytes_of_another_connection_are_found(self):
        both = threading.Barrier(2)
        seen = [b"", b""]

        def serve(index, connection):
            seen[index] = connection.recv(64)
            both.wait(10)
            connection.sendall(seen[1 - index])
            echo_changed(honest)(index, connection)
        self.assert_fails(self.load(serve, "--connections", "2"), "wrong byte")

    def test_a_connection_that_the_server_closes_is_found(self):
        def serve(_index, connection):
            connection.sendall(connection.recv(64))
        self.assert_fails(self.load(serve), "connection 0")

    def test_a_connection_that_the_server_never_closes_is_found(self):
        def serve(_index, connection):
            while data := connection.recv(65536):
                connection.sendall(data)
            threading.Event().wait(30)
        self.assert_fails(self.load(serve, "--patience", "0.3"), "no end of stream")

    def test_a_server_that_answers_nothing_is_found(self):
        def serve(_index, connection):
            while connection.recv(65536):
                pass
        self.assert_fails(self.load(serve), "64 bytes missing")

    def test_one_bad_connection_among_many_fails_the_run(self):
        def serve(index, connection):
            change = honest if index != 7 else lambda data, _: data[::-1]
            echo_changed(change)(index, connection)
        self.assert_fails(self.load(serve, "--connections", "20"), "1 of 20 connections failed",
                          "connection 7")

    def test_a_server_that_starts_late_is_waited_for(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]

        def start():
            server = socket.create_server(("127.0.0.1", port))
            self.addCleanup(server.close)
            connection, _ = server.accept()
            echo_changed(honest)(0, connection)
            connection.close()
        threading.Timer(0.5, start).start()
        done = self.run_load("--connect", f"127.0.0.1:{port}", "--seconds", "0.3")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_no_server_at_all_fails(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        done = self.run_load("--connect", f"127.0.0.1:{port}", "--patience", "0.2")
        self.assert_fails(done, "Connection refused")

    def test_help_names_the_options(self):
        done = self.run_load("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--connect", "--idle", "--size", "--pipeline", "--verify", "--json"):
            self.assertIn(option, done.stdout)

    def test_wrong_usage_is_told_apart_from_failure(self):
        address = ("--connect", "127.0.0.1:1")
        for wrong in ((), ("--connect", "nowhere"), ("--connect", ":80"),
                      ("--connect", "127.0.0.1:70000"), (*address, "--size", "0"),
                      (*address, "--connections", "0"), (*address, "--per-address", "0"),
                      (*address, "--size", "64k"), (*address, "--seconds", "-1"),
                      (*address, "--verify", "some"), (*address, "--no-such-option"),
                      (*address, "--connections"), (*address, "left over")):
            with self.subTest(wrong=wrong):
                self.assert_fails(self.run_load(*wrong), "echo_load: ", code=2)


    # -- open loop

    def test_in_open_loop_each_message_that_was_due_counts(self):
        def serve(_index, connection):
            while data := connection.recv(65536):
                time.sleep(0.02)  # much more than the load itself is late
                connection.sendall(data)
        f = self.figures(self.load(serve, "--rate", "100", "--connections", "4", "--idle", "2",
                                   "--seconds", "1", "--json"))
        self.assertEqual((f["offered_per_second"], f["errors"], f["idle"]), (100, 0, 2))
        self.assertGreater(f["messages"], 0)
        self.assertEqual(sum(count for _, count in f["latency_histogram_us"]), f["messages"])
        self.assertEqual(f["bytes_sent"], f["bytes_received"])
        self.assertGreaterEqual(f["latency_us"]["p50"], 20_000)
        self.assertLessEqual(f["lateness_us"]["p50"], f["lateness_us"]["max"])

    def stalling_server(self):
        def serve(_index, connection):
            stall = time.monotonic() + 0.5
            while data := connection.recv(65536):
                if time.monotonic() > stall:
                    stall = float("inf")
                    time.sleep(0.2)
                connection.sendall(data)
        return serve

    def slow_messages(self, figures):
        return sum(count for up_to, count in figures["latency_histogram_us"] if up_to > 50_000)

    def test_a_stall_is_seen_by_all_messages_due_meanwhile_but_by_one_of_a_closed_loop(self):
        closed, opened = (
            self.figures(self.load(self.stalling_server(), "--seconds", "1.2", "--json", *rate))
            for rate in ((), ("--rate", "500")))
        self.assertGreater(self.slow_messages(opened), 30)  # about 75 were due in 150 ms
        self.assertGreater(self.slow_messages(opened), self.slow_messages(closed))
        self.assertGreater(opened["latency_us"]["p99"], 50_000)
        self.assertGreater(opened["latency_us"]["p99"], closed["latency_us"]["p99"])

    def test_what_was_due_counts_even_if_it_comes_back_after_the_end(self):
        def serve(_index, connection):
            held = connection.recv(65536)
            while len(held) < 64 * 50:  # the last of these is due after 0.5 s
                held += connection.recv(65536)
            time.sleep(1)
            connection.sendall(held)
            echo_changed(honest)(0, connection)
        f = self.figures(self.load(serve, "--rate", "100", "--seconds", "0.8", "--warmup", "0",
                                   "--json"))
        self.assertEqual(f["messages_per_second"], 0)
        self.assertGreaterEqual(f["messages"], 50)
        self.assertEqual(f["messages"] * 64, f["bytes_received"])

    def test_a_load_that_falls_behind_its_rate_gives_no_figures(self):
        done = self.load(echo_changed(honest), "--rate", "1e9", "--patience", "0.5")
        self.assert_fails(done, "fell behind the rate", code=3)

    def slow_server(self, *slow):
        """Takes 0.1 s for each message of those connections."""
        def serve(index, connection):
            while data := connection.recv(64, socket.MSG_WAITALL):
                if index in slow:
                    time.sleep(0.1)
                connection.sendall(data)
        return serve

    def test_what_a_server_that_cannot_keep_up_leaves_unanswered_is_told(self):
        f = self.figures(self.load(self.slow_server(0), "--rate", "100", "--seconds", "1",
                                   "--patience", "1", "--json"))
        self.assertGreater(f["unanswered"], 0)
        self.assertEqual(f["errors"], 0)
        self.assertGreater(f["messages_per_second"], 0)
        self.assertLess(f["messages_per_second"], f["offered_per_second"])
        self.assertEqual(sum(count for _, count in f["latency_histogram_us"]),
                         f["messages"] + f["unanswered"])
        for unknown in "p90", "p99", "max":
            self.assertNotIn(unknown, f["latency_us"])

    def test_percentiles_that_unanswered_messages_cannot_change_are_told(self):
        load = self.slow_server(0), "--rate", "200", "--connections", "4", "--seconds", "1", \
            "--patience", "1"
        f = self.figures(self.load(*load, "--json"))
        self.assertGreater(f["unanswered"], 0)
        self.assertLess(f["latency_us"]["p50"], 1e6)
        self.assertNotIn("p99", f["latency_us"])
        done = self.load(*load)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r" p50 \d.* p99 >= \d.* max >= \d")

    def test_a_server_that_keeps_up_leaves_nothing_unanswered(self):
        f = self.figures(self.load(echo_changed(honest), "--rate", "200", "--json"))
        self.assertEqual(f["unanswered"], 0)
        self.assertIn("max", f["latency_us"])

    def test_what_a_server_that_falls_silent_in_open_loop_owes_is_lost(self):
        def serve(_index, connection):
            for _ in range(10):
                connection.sendall(connection.recv(64))
            while connection.recv(65536):
                pass
        self.assert_fails(self.load(serve, "--rate", "200", "--patience", "0.5"),
                          "connection 0: ", "did not come back")

    def test_an_open_loop_ends_when_an_active_connection_fails_beside_idle_ones(self):
        def serve(index, connection):
            if index >= 2:
                return connection.sendall(connection.recv(64))
            echo_changed(honest)(index, connection)
        for count in "1", "3":
            self.assert_fails(self.load(serve, "--rate", "200", "--idle", "2", "--connections",
                                        count, "--seconds", "10000"), "connections failed")

    def test_a_wrong_byte_in_open_loop_is_found(self):
        def flip(data, number):
            return data if number != 10 else bytes(b ^ 1 for b in data)
        self.assert_fails(self.load(echo_changed(flip), "--rate", "200"), "wrong byte")

    def test_a_rate_goes_with_no_other_kind_of_load(self):
        for wrong in ["--pipeline", "1"], ["--connections", "0", "--idle", "1"], \
                ["--tls", "--handshakes", "full"]:
            done = self.run_load("--connect", "127.0.0.1:1", "--rate", "10", *wrong)
            self.assertEqual(done.returncode, 2)

    # -- visits

    def test_visits_are_short_connections_of_one_byte(self):
        received, sources = [], set()

        def serve(_index, connection):
            sources.add(connection.getpeername()[0])
            while data := connection.recv(65536):
                received.append(data)
                connection.sendall(data)
        f = self.figures(self.load(serve, "--visits", "--connections", "3", "--per-address", "20",
                                   "--json"))
        self.assertGreater(f["messages"], 2)
        self.assertEqual({len(data) for data in received}, {1})
        self.assertEqual(f["bytes_sent"], len(received))
        self.assertEqual(f["bytes_sent"], f["bytes_received"])
        wanted = {f"127.0.0.{2 + i}" for i in range((f["bytes_sent"] - 1) // 20 + 1)}
        self.assertEqual(sources - {"127.0.0.1"}, wanted)

    def test_visits_that_go_wrong_are_found(self):
        def wrong_byte(_index, connection):
            connection.sendall(bytes(b ^ 1 for b in connection.recv(1)))

        def no_answer(_index, connection):
            connection.recv(1)

        def too_much(_index, connection):
            connection.sendall(2 * connection.recv(1))

        def never_closes(_index, connection):
            connection.sendall(connection.recv(1))
            threading.Event().wait(30)
        for serve, said in ((wrong_byte, "a wrong byte came back"), (no_answer, "closed by"),
                            (too_much, "more bytes came back"), (never_closes, "did not end")):
            with self.subTest(serve=serve.__name__):
                self.assert_fails(self.load(serve, "--visits", "--patience", "0.3"),
                                  "connection 0: ", said)

    def test_what_does_not_go_with_visits_is_wrong(self):
        for wrong in ["--tls"], ["--idle", "1"], ["--rate", "10"]:
            done = self.run_load("--connect", "127.0.0.1:1", "--visits", *wrong)
            self.assertEqual(done.returncode, 2)

    # -- TLS

    @needs_tls
    def test_an_open_loop_by_tls(self):
        f = self.figures(self.load(by_tls(self.stalling_server()), "--tls", "--rate", "500",
                                   "--seconds", "1.2", "--json"))
        self.assertGreater(self.slow_messages(f), 30)
        self.assertEqual(f["bytes_sent"], f["bytes_received"])

    def openssl_server(self, *options):
        server = subprocess.Popen([OPENSSL_ECHO, "--listen", "127.0.0.1:0", *options], text=True,
                                  stdout=subprocess.PIPE)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        return server.stdout.readline().split()[-1]

    def load_tls(self, address, *arguments):
        return self.run_load("--connect", address, "--seconds", "0.5", "--patience", "5", "--tls",
                             *arguments)

    @needs_tls
    def test_every_byte_comes_back_by_tls(self):
        for suite in CHACHA20, AES_128:
            f = self.figures(self.load_tls(
                self.openssl_server(), "--suite", suite, "--size", "100001", "--pipeline", "4",
                "--connections", "2", "--idle", "3", "--json"))
            self.assertEqual((f["suite"], f["idle"], f["errors"]), (suite, 3, 0))
            self.assertEqual(f["bytes_sent"], f["bytes_received"])
            self.assertGreater(f["messages"], 0)

    @needs_tls
    def test_handshakes_are_counted_full_and_resumed(self):
        reused = []

        def serve(_index, peer):
            reused.append(peer.session_reused)
            echo_changed(honest)(_index, peer)

        for kind in "full", "resumed":
            reused.clear()
            server = EchoServer(by_tls(serve))
            self.addCleanup(server.listener.close)
            f = self.figures(self.load_tls(server.address, "--handshakes", kind,
                                           "--connections", "2", "--json"))
            self.assertGreater(f["messages"], 2)
            self.assertEqual(f["bytes_sent"], len(reused))
            self.assertEqual(reused.count(False), 2 if kind == "resumed" else len(reused))

    @needs_tls
    def test_openssl_echo_lets_clients_resume_unless_it_has_no_tickets(self):
        f = self.figures(self.load_tls(self.openssl_server(), "--handshakes", "resumed", "--json"))
        self.assertGreater(f["messages"], 0)
        self.assert_fails(self.load_tls(self.openssl_server("--no-tickets"), "--handshakes",
                                        "resumed"), "no message came back")

    @needs_tls
    def test_a_wrong_byte_by_tls_is_found(self):
        wrong = by_tls(echo_changed(lambda data, _: bytes(b ^ 1 for b in data)))
        self.assert_fails(self.load(wrong, "--tls"), "connection 0: wrong byte")
        self.assert_fails(self.load(wrong, "--tls", "--handshakes", "full"),
                          "connection 0: a wrong byte came back")

    @needs_tls
    def test_a_server_that_is_silent_after_the_handshake_is_found(self):
        silent = by_tls(lambda _index, _peer: threading.Event().wait(30))
        self.assert_fails(self.load(silent, "--tls", "--handshakes", "full", "--patience", "0.3"),
                          "a visit did not end in time")

    @needs_tls
    def test_a_connection_that_is_cut_without_a_close_is_found(self):
        def cut(_index, peer):
            echo = peer.recv(100)
            peer.sendall(echo)
            raise OSError
        self.assert_fails(self.load(by_tls(cut), "--tls", "--handshakes", "full"),
                          "connection 0: receive: ")

    @needs_tls
    def test_a_key_exchange_other_than_asked_for_is_found(self):
        p384 = by_tls(echo_changed(honest), lambda context: context.set_ecdh_curve("secp384r1"))
        self.assert_fails(self.load(p384, "--tls"), "handshake")

    def other_identity(self, folder):
        """(certificate, key), made in the folder"""
        certificate, key = f"{folder}/cert.pem", f"{folder}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other", "-out",
                        certificate, "-keyout", key], check=True, capture_output=True)
        return certificate, key

    @needs_tls
    def test_another_certificate_than_the_first_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            other = self.other_identity(folder)
            second = by_tls(echo_changed(honest),
                            lambda context: context.load_cert_chain(*other))
            first = by_tls(echo_changed(honest))
            self.assert_fails(
                self.load(lambda i, c: (second if i == 3 else first)(i, c), "--tls",
                          "--handshakes", "full"), "another certificate than before")

    @needs_tls
    def test_a_server_is_verified_up_to_the_roots_that_are_given_and_by_name(self):
        certificate = str(IDENTITY / "certificate.pem")
        good = ["--ca-file", certificate, "--server-name", "bench.example"]
        for kind in "full", "resumed":
            f = self.figures(self.load_tls(self.openssl_server(), *good, "--handshakes", kind,
                                           "--json"))
            self.assertGreater(f["messages"], 0)
        self.assert_fails(self.load_tls(self.openssl_server(), *good[:3], "another.example"),
                          "certificate verify failed")
        with tempfile.TemporaryDirectory() as folder:
            other, key = self.other_identity(folder)
            self.assert_fails(self.load_tls(self.openssl_server(), "--ca-file", other, *good[2:]),
                              "certificate verify failed")
            self.assert_fails(self.load_tls(self.openssl_server(), "--ca-file", key, *good[2:]),
                              f"{key}: ")
        missing = str(IDENTITY / "no_such.pem")
        self.assert_fails(self.load_tls(self.openssl_server(), "--ca-file", missing, *good[2:]),
                          f"{missing}: ")

    @needs_tls
    def test_a_record_holds_no_more_than_a_message(self):
        read = []

        def serve(_index, peer):
            while data := peer.recv(65536):  # one record at most
                read.append(len(data))
                peer.sendall(data)
        for size in 1024, 5000:
            read.clear()
            f = self.figures(self.load(by_tls(serve), "--tls", "--size", str(size), "--pipeline",
                                       "4", "--json"))
            self.assertGreater(f["messages"], 0)
            self.assertEqual(set(read), {size})

    @needs_tls
    def test_a_cipher_suite_that_openssl_does_not_know_is_said(self):
        self.assert_fails(self.load_tls(self.openssl_server(), "--suite", "NONE"),
                          "no cipher suite NONE")

    def test_what_goes_with_tls_alone_is_wrong_without(self):
        for wrong in ["--handshakes", "full"], ["--suite", CHACHA20], \
                ["--ca-file", "x", "--server-name", "y"], ["--tls", "--ca-file", "x"], \
                ["--tls", "--handshakes", "half"], ["--tls", "--handshakes", "full", "--idle", "1"]:
            self.assertEqual(self.run_load("--connect", "127.0.0.1:1", *wrong).returncode, 2)


if __name__ == "__main__":
    unittest.main()
