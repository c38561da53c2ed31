# SPDX-License-Identifier: MIT OR Apache-2.0
"""What becomes of figures: tables, JSON, targets, comparisons, and the page."""
import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
import types
import unittest
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCHMARKS))
import bench  # noqa: E402
import compare  # noqa: E402
import contenders  # noqa: E402
import report  # noqa: E402
import scenarios  # noqa: E402
import targets  # noqa: E402
from measure import Case, Contender, Rounds  # noqa: E402
from servers import TOOLS, Failure  # noqa: E402
from targets import Target, verdict  # noqa: E402

MACHINE = {"host": "some-host 1.2", "kernel": "Linux 6", "machine": "x86_64", "cpus": 4,
           "processor": "Fast & Co", "system": "Some Linux", "memory_bytes": 8 << 30,
           "load_cpus": [3], "server_cpus": [0, 1, 2], "rounds": 3, "seconds": 1.0,
           "revision": "abc1234", "versions": {"tokio": "1.2.3"}}
PYTHON = TOOLS / "plots/bin/python"


def result(rate):
    return {"messages_per_second": rate, "megabytes_per_second": rate / 1e4,
            "latency_us": {"p50": 10.0, "p90": 15.0, "p99": 20.0, "p99_9": 25.0, "max": 30.0},
            "latency_histogram_us": [[10.0, 6000], [20.0, 3950], [30.0, 50]],
            "server_cpu_us_per_message": 3.0, "others_cpu_share": 0.25, "load_cpu_share": 0.5,
            "suite": "TLS_A"}


def rounds_with_all():
    """Rounds that have every figure that targets ask for."""
    return Rounds([{**result(100), "messages_max_to_min": 1, "p99_to_p50": 1, "idle": 1,
                    "server_cpu_share": 0, "server_waits_per_second": 0,
                    "linear_memory_bytes_per_connection": 1}])


def rounds(*rates):
    return Rounds([result(rate) for rate in rates])


def scenario(view="rate", copoll=(80, 90, 99)):
    servers = [Contender("copoll", []), Contender("ceiling", []),
                  Contender("<peer>", [], peer=True),
                  Contender("absent", [], missing="it is <nowhere>")]
    table = {
        "1 alone": {"copoll": rounds(180)},
        "64 B x 1": {"copoll": rounds(*copoll), "ceiling": rounds(100, 100, 100),
                     "<peer>": Rounds([None, None, None], ["lost & found"] * 3),
                     "absent": Rounds()}}
    cases = [Case("1 alone", [], "ceiling"),
             Case("64 B x 1", [], "ceiling", view=view, reference="1 alone")]
    return {"scenario": "echo", "cases": report.summarize_cases(servers, cases, table),
            "programs": {}, "lacks": "", "missing": {"also absent": "not built"},
            "others_cpu_share": None,
            "component": {"name": "x.wasm", "bytes": 2000, "stripped_bytes": 1000}}


def offer(row, rate):
    """Makes a row of an open loop of it, all of which was answered."""
    row["offered_per_second"] = rate
    for turn in row["rounds"]:
        turn |= {"offered_per_second": rate, "unanswered": 0, "messages": 1000}


def timers(*nanoseconds):
    figures = {"set_ns": [40], "cancel_and_set_ns": list(nanoseconds),
               "host_calls_per_sleep": [1]}
    return {"scenario": "timers", "cases": [], "programs": {"copoll": figures}, "lacks": "",
            "missing": {}, "component": None, "others_cpu_share": 0.5}


def run(*scenarios, **machine):
    """As it is after a way through a file."""
    return json.loads(report.as_json({
        "format": report.FORMAT, "made": "2026-01-02T03:04:05+00:00", "seconds_taken": 60,
        "machine": {**MACHINE, **machine}, "scenarios": list(scenarios), "failures": []}))


class Test(unittest.TestCase):
    def test_the_table_shows_ratios_conditions_and_failures(self):
        text = report.scenario_text(scenario(), MACHINE)
        for part in ("some-host 1.2", "Linux 6", "Fast & Co", "4 CPUs", "server on CPUs 0-2",
                     "3 rounds of 1 s", "x ceiling", "1,000 without",
                     "other programs used 25%", "<peer> FAILED 3 times: lost & found",
                     "absent is missing: it is <nowhere>",
                     "also absent is missing: not built", "x 1 alone"):
            self.assertIn(part, text)
        row = [line for line in text.splitlines() if line.startswith("copoll")][-1]
        self.assertEqual(row.split()[:5], ["copoll", "0.90", "0.80-0.99", "0.50", "90"])

    def test_a_case_shows_the_columns_of_its_view(self):
        for view, title in (("rate", "MB/s"), ("fairness", "max/min"), ("rest", "waits/s"),
                            ("held", "all echoed s"), ("memory", "linear memory B/conn"),
                            ("handshakes", "cipher suite"), ("stream", "load CPU %")):
            with self.subTest(view=view):
                self.assertIn(title, report.scenario_text(scenario(view), MACHINE))
                self.assertIn(title, report.as_markdown(run(scenario(view))))

    def test_a_server_that_does_less_than_it_is_offered_is_named(self):
        _, case = scenario("open loop")["cases"]
        copoll = case["servers"][0]  # does 90 messages/s
        for rate, said in (95, []), (101, ["copoll cannot keep up: 90 messages/s of 101 offered"]):
            offer(copoll, rate)
            self.assertEqual(report.remarks([copoll]), said)
        copoll["rounds"][0]["unanswered"] = 500
        self.assertEqual(report.remarks([copoll]), [
            "copoll cannot keep up: 500 of 3,500 messages had no answer when the load ended"])

    def test_what_could_not_be_measured_is_said(self):
        summary = {**scenario(), "cases": [], "component": None, "lacks": "no headers"}
        self.assertIn("not measured: no headers", report.scenario_text(summary, MACHINE))

    def test_the_json_holds_every_round(self):
        _, case = run(scenario())["scenarios"][0]["cases"]
        copoll, ceiling, peer, _ = case["servers"]
        self.assertEqual([r["messages_per_second"] for r in copoll["rounds"]], [80, 90, 99])
        self.assertEqual((copoll["ratio"], ceiling["ratio"], peer["ratio"]), (0.9, 1.0, None))

    def test_a_file_that_is_no_report_is_refused(self):
        with tempfile.NamedTemporaryFile("w") as file:
            for text in ("[]", "{}", '{"format": 999}', "no JSON"):
                with self.subTest(text=text), self.assertRaises(ValueError):
                    Path(file.name).write_text(text)
                    report.read_json(Path(file.name))

    # ---- Targets

    def test_a_target_is_met_or_missed_by_a_share_with_a_reason(self):
        least = Target("x", "echo", None, 0.9, why="because")
        self.assertEqual(verdict(least, [0.8, 0.95, 1.0]).verdict, "met")
        missed = verdict(least, [0.4, 0.45, 1.0])
        self.assertEqual((missed.reached, missed.verdict, missed.why),
                         ("0.45 (0.40-1.00)", "MISSED by 50%", "because"))
        self.assertEqual(verdict(least, [0.8951]).verdict, "met")  # it reads 0.90
        self.assertEqual(verdict(least, []).verdict, "not measured")
        most = Target("x", "echo", None, 1000, at_most=True, form=",.0f")
        self.assertEqual(verdict(most, [1000]).verdict, "met")
        self.assertEqual(verdict(most, [1500]).verdict, "MISSED by 50%")
        self.assertEqual(verdict(Target("x", "echo", None, 0, at_most=True), [1]).verdict, "MISSED")

    def test_every_target_can_be_asked_of_a_scenario_that_measured_nothing(self):
        for target in targets.TARGETS:
            empty = {"cases": [], "programs": {}, "component": None}
            self.assertEqual(target.values(empty), [], target.name)

    def test_every_target_of_servers_names_a_case_and_servers_that_there_are(self):
        peers = [*contenders.PEERS.values(), *contenders.TLS_PEERS.values(),
                 *contenders.P2P_PEERS.values()]
        everything = []
        for name, scenario_ in scenarios.ALL.items():
            if not hasattr(scenario_, "cases"):
                continue
            cases = scenario_.cases(peers)
            servers = {server for case in cases for server in case.contenders}
            table = {case.name: {server: rounds_with_all() for server in case.contenders}
                     for case in cases}
            found = report.summarize_cases([Contender(server, []) for server in servers], cases,
                                           table)
            everything.append({**scenario(), "scenario": name, "cases": found})
        unknown = {v.target.name for v in targets.judge(run(*everything))
                   if v.verdict == "not measured"}
        # all others are measured by programs, on themselves
        self.assertEqual({name for name in unknown if not re.search(
            "in memory|bare calls|round trips", name)}, set())

    def test_a_server_of_ours_that_failed_has_failed_its_targets(self):
        summary = scenario()
        summary["cases"][1]["servers"][0]["failures"] = ["a byte was lost"]
        for values in (targets.rate("64 B x 1", "copoll", "ceiling"),
                       targets.figure("64 B x 1", "copoll", "messages_per_second"),
                       targets.cases_rate("copoll", "64 B x 1", "1 alone")):
            found = targets.verdict_in(Target("x", "echo", values, 0.1), summary)
            self.assertEqual((found.verdict, found.why), ("FAILED", "a byte was lost"))

    def test_a_target_over_two_cases_takes_medians(self):
        self.assertEqual(targets.cases_rate("copoll", "64 B x 1", "1 alone")(scenario()), [0.5])

    def test_targets_are_those_of_the_scenarios_that_ran(self):
        verdicts = targets.judge(run(timers(150, 190, 210)))
        self.assertEqual([(v.reached, v.verdict) for v in verdicts], [("190 (150-210)", "met")])
        self.assertIsNone(report.targets_table(run()))

    def test_a_target_takes_ratios_pair_by_pair_and_none_of_a_server_that_failed(self):
        summary = run(scenario())["scenarios"][0]
        self.assertEqual(targets.rate("64 B x 1", "copoll", "ceiling")(summary), [0.8, 0.9, 0.99])
        self.assertEqual(targets.rate("64 B x 1", "copoll", "<peer>")(summary), [])

    # ---- Comparing

    def changed(self, old, new):
        table, remarks = compare.compare(run(*old), run(*new))
        return {name: cells[-1] for name, cells in table.rows}, "\n".join(remarks)

    def test_what_lies_within_the_rounds_of_either_run_has_not_changed(self):
        found, remarks = self.changed([scenario()], [scenario(copoll=(85, 95, 98))])
        self.assertEqual(found, {})
        self.assertRegex(remarks, r"compared: [1-9]\d* figures")

    def test_what_all_rounds_agree_on_has_changed(self):
        key = "echo | 64 B x 1 | copoll | x ceiling"
        slower, faster = scenario(copoll=(50, 51, 52)), scenario(copoll=(90, 91, 92))
        self.assertEqual(self.changed([faster], [slower])[0], {key: "worse"})
        self.assertEqual(self.changed([slower], [faster])[0], {key: "better"})
        self.assertEqual(self.changed([timers(100, 101, 102)], [timers(50, 51, 52)])[0],
                         {"timers | copoll | cancel_and_set_ns": "better"})

    def test_a_change_is_wider_than_the_noise_and_two_in_a_hundred(self):
        self.assertFalse(compare.has_changed([1, 2, 3], [4, 5, 6]))  # by chance, with 3 rounds
        self.assertTrue(compare.has_changed([1, 2, 3], [8, 9, 10]))
        self.assertTrue(compare.has_changed([1, 2, 3, 3, 3], [6, 7, 8, 8, 8]))
        self.assertFalse(compare.has_changed([100, 100, 100], [101, 101, 101]))

    def test_a_server_that_fails_now_is_named(self):
        failed = scenario()
        failed["cases"][1]["servers"][0].update(failures=["a byte was lost"])
        self.assertEqual(self.changed([scenario()], [failed])[0],
                         {"echo | 64 B x 1 | copoll": "fails now"})

    def test_latencies_under_different_loads_are_not_compared(self):
        def under(rate, latency):
            summary = scenario()
            for row in summary["cases"][1]["servers"]:
                row["offered_per_second"] = rate
                for turn in filter(None, row["rounds"]):
                    turn["latency_us"] = {"p50": latency, "p99": latency}
            return summary
        key = "echo | 64 B x 1 | copoll | p99 us"
        self.assertIn(key, self.changed([under(1000, 10)], [under(1010, 20)])[0])
        self.assertNotIn(key, self.changed([under(1000, 10)], [under(1100, 20)])[0])

    def test_fewer_rounds_than_noise_needs_change_nothing_and_are_told(self):
        found, remarks = self.changed([timers(100, 101)], [timers(50, 51)])
        self.assertEqual(found, {})
        self.assertIn("fewer than 3 rounds", remarks)

    def test_what_is_in_one_run_only_and_other_conditions_are_told(self):
        old, new = run(scenario(), host="other-host 3"), run(timers(1, 2, 3))
        remarks = "\n".join(compare.compare(old, new)[1])
        self.assertIn("only now: timers | copoll", remarks)
        self.assertIn("no longer there: echo", remarks)
        self.assertIn("host differs: other-host 3, now some-host 1.2", remarks)

    # ---- The command

    def files(self, *runs):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        paths = [Path(folder.name) / f"{number}.json" for number in range(len(runs))]
        for path, content in zip(paths, runs):
            path.write_text(report.as_json(content))
        return [str(path) for path in paths]

    def tell(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = bench.main(arguments)
            except SystemExit as exit_:
                code = exit_.code
        return code, out.getvalue() + err.getvalue()

    def test_a_run_that_is_there_is_told_and_compared(self):
        new, old = self.files(run(timers(100, 101, 102)), run(timers(300, 301, 302)))
        code, said = self.tell("--no-run", "--json", new, "--compare", old)
        self.assertEqual(code, 0, said)
        self.assertRegex(said,
                         r"cancel and set with 100,000 pending, ns +met +101 \(100-102\) +<= 200")
        self.assertRegex(said, r"timers \| copoll \| cancel_and_set_ns +301 .* -66% +better")
        self.assertIn("| copoll |", Path(new).with_suffix(".md").read_text())

    def test_a_run_is_compared_with_what_its_file_held_before(self):
        path, = self.files(run(timers(300, 301, 302)))
        self.addCleanup(scenarios.ALL.update, dict(scenarios.ALL))
        figures = timers(100, 101, 102)["programs"]
        scenarios.ALL["timers"] = types.SimpleNamespace(
            open_files=100, run=lambda options, progress: (figures, {}),
            tables=scenarios.ALL["timers"].tables)
        self.stand_in_for_the_host()
        code, said = self.tell("timers", "--json", path, "--compare", path)
        self.assertEqual(code, 0, said)
        self.assertRegex(said, r"timers \| copoll \| cancel_and_set_ns +301 .* better")
        code, said = self.tell("--no-run", "--json", path, "--compare", path)
        self.assertEqual(code, 2)
        self.assertIn("that is the run itself", said)

    def test_a_scenario_that_fails_leaves_the_others(self):
        path, = self.files(run())
        self.addCleanup(scenarios.ALL.update, dict(scenarios.ALL))

        def fail(options, progress):
            raise Failure("no such machine")
        figures = timers(100, 101, 102)["programs"]
        tables = scenarios.ALL["timers"].tables
        scenarios.ALL["echo"] = types.SimpleNamespace(open_files=100, run=fail, tables=tables)
        scenarios.ALL["timers"] = types.SimpleNamespace(
            open_files=100, run=lambda options, progress: (figures, {}), tables=tables)
        self.stand_in_for_the_host()
        code, said = self.tell("echo", "timers", "--json", path)
        self.assertEqual(code, 1)
        self.assertIn("echo: no such machine", said)
        self.assertIn("| copoll |", Path(path).with_suffix(".md").read_text())
        self.assertIn("- echo: no such machine", Path(path).with_suffix(".md").read_text())

    def stand_in_for_the_host(self):
        for name in "describe_machine", "allow_handles":
            self.addCleanup(setattr, bench, name, getattr(bench, name))
        bench.describe_machine = lambda options: MACHINE
        bench.allow_handles = lambda host, count: None

    def test_two_servers_of_one_name_are_refused(self):
        options = bench.parse_arguments(["echo", "--peer", "tokio=a", "--peer", "tokio=b"])
        scenario_ = scenarios.ALL["echo"]
        found = [peer for peer in bench.peers_of(scenario_, options) if peer.name == "tokio"]
        self.assertEqual([peer.command for peer in found], [["a"], ["b"]])
        stand_in = types.SimpleNamespace(
            cases=lambda peers: [Case("x", [], "tokio")], contenders=lambda host: [])
        with self.assertRaisesRegex(Failure, "two servers have the name tokio"):
            bench.run_cases(stand_in, options)

    def test_programs_and_peers_that_are_missing_are_both_named(self):
        self.addCleanup(scenarios.ALL.update, dict(scenarios.ALL))
        self.addCleanup(setattr, bench, "run_cases", bench.run_cases)
        bench.run_cases = lambda scenario_, options: {"missing": {"a peer": "not built"}}
        scenarios.ALL["timers"] = types.SimpleNamespace(
            open_files=100, run=lambda options, progress: ({}, {"a way": "no node"}), cases=None)
        self.stand_in_for_the_host()
        summary = bench.run_scenario("timers", bench.parse_arguments(["timers"]), MACHINE)
        self.assertEqual(summary["missing"], {"a way": "no node", "a peer": "not built"})

    def test_a_run_whose_last_scenario_fails_tells_it_and_nothing_older(self):
        path, = self.files(run(timers(1, 2, 3)))
        self.addCleanup(scenarios.ALL.update, dict(scenarios.ALL))

        def fail(options, progress):
            raise Failure("no such machine")
        scenarios.ALL["timers"] = types.SimpleNamespace(open_files=100, run=fail, tables=None)
        self.stand_in_for_the_host()
        self.assertEqual(self.tell("timers", "--json", path)[0], 1)
        written = report.read_json(Path(path))
        self.assertEqual(written["scenarios"], [])
        self.assertEqual(written["failures"], ["timers: no such machine"])

    def test_a_run_in_which_a_server_of_ours_failed_ends_with_code_one(self):
        failed = scenario()
        failed["cases"][1]["servers"][0]["failures"] = ["a byte was lost"]
        code, said = self.tell("--no-run", "--json", *self.files(run(failed)))
        self.assertEqual(code, 1)
        self.assertIn("a server lost bytes", said)

    def test_a_comparison_with_no_report_is_one_line(self):
        new, old = self.files(run(timers(1, 2, 3)), {})
        code, said = self.tell("--no-run", "--json", new, "--compare", old)
        self.assertEqual(code, 1)
        self.assertIn("is no report", said)

    # ---- The page

    def page(self, content):
        if not PYTHON.exists():
            return ""
        figures, = self.files(content)
        html = Path(figures).with_suffix(".html")
        subprocess.run([PYTHON, BENCHMARKS / "page.py", figures, html], check=True)
        return html.read_text()

    def test_the_page_stands_alone_and_escapes_names(self):
        page = self.page(run(scenario(), timers(100, 150, 160)))
        if not page:
            print("SKIPPED: nothing to draw with; ./dev setup plots gets it")
            return
        self.assertIn("&lt;peer&gt;", page)
        self.assertNotIn("<peer>", page)
        self.assertIn("Fast &amp; Co", page)
        self.assertIn('name="viewport"', page)
        self.assertEqual(page.count("<svg"), 3)  # bars of the case with rivals, and percentiles
        self.assertNotIn("99.99 %", page)  # of 30,000 messages, 3 took longer
        for shown in ("x ceiling", "99.9 %", "percentile (closed loop)", 'class="met"', "100,000 timers pending"):
            self.assertIn(shown, page)
        for outside in ("http", "src=", "@import"):
            self.assertNotIn(outside, page)
        self.assertEqual({link[:1] for link in page.split('href="')[1:]}, {"#"})

    def test_the_page_draws_rates_against_idle_connections_and_latency_against_load(self):
        summary = scenario()
        for number, case in enumerate(summary["cases"]):
            case["name"] = ["10 active", "10 active + 1,000 idle"][number]
            offer(case["servers"][0], 1000 * (number + 1))
        page = self.page(run(summary))
        if not page:
            print("SKIPPED: nothing to draw with; ./dev setup plots gets it")
            return
        for label in ("throughput against idle connections", "latency against offered load"):
            self.assertIn(f'aria-label="{label}"', page)


if __name__ == "__main__":
    unittest.main()
