"""libs/host/run: which host it picks, what it tells it, what it passes through."""
import os
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from support import ROOT, TOOLS, ScriptTest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from programs import on_each_host

RUN = ROOT / "libs/host/run"
PROBE = os.environ.get("PROBE_COMPONENT", ROOT / "build/wasi/bin/host_probe.wasm")




class Test(ScriptTest):
    def fake_wasmtime(self, version, then='printf "%s\\n" "$@"'):
        self.command("wasmtime", f"""
            if [[ $1 == --version ]]; then
                echo asked >>{self.tmp}/asked
                echo "wasmtime {version} (0123456 2026-01-01)"
                exit
            fi
            {then}""")

    def run_fake(self, *args, **env):
        self.write(self.tmp / "some.wasm", "")
        return self.run_script(RUN, *args, "some.wasm", "an arg", COPOLL_HOST=None,
                               COPOLL_TOOLS=self.tmp, **env)

    def run_probe(self, host, *args, **options):
        return self.run_script(RUN, "--host", host, *args, **options)

    # -- the choice

    def test_wasmtime_48_is_told_to_allow_tcp_and_udp(self):
        self.fake_wasmtime("48.0.8")
        said = self.run_fake().stdout
        for flag in "inherit-network", "allow-ip-name-lookup", "inherit-env", "tcp", "udp":
            self.assertIn(f"-S\n{flag}\n", said)
        self.assertIn("-C\ncache=y\n", said)
        self.assertTrue(said.endswith("some.wasm\nan arg\n"), said)

    def test_wasmtime_36_and_47_are_not_told_flags_they_do_not_know(self):
        for version in "36.0.0", "47.0.1":
            self.fake_wasmtime(version)
            said = self.run_fake().stdout
            self.assertIn("-S\ninherit-network\n", said)
            self.assertNotIn("-S\ntcp\n", said)
            self.assertNotIn("-S\nudp\n", said)

    def test_name_lookup_can_be_withheld(self):
        self.fake_wasmtime("48.0.8")
        said = self.run_fake("--no-name-lookup").stdout
        self.assertIn("-S\ninherit-network\n", said)
        self.assertNotIn("allow-ip-name-lookup", said)

    def test_wasmtime_35_is_passed_over_for_the_embedded_engine(self):
        self.fake_wasmtime("35.0.0")
        self.write(self.tmp / "host/bin/python", '#!/bin/sh\necho embedded "$@"', 0o755)
        said = self.run_fake("--dir", "here").stdout
        self.assertRegex(said, r"^embedded -I \S*/embedded.py --dir here some.wasm an arg$")

    def test_wasmtime_35_asked_for_by_name_is_refused(self):
        self.fake_wasmtime("35.0.0")
        self.assert_fails_with_one_line(self.run_fake("--host", "wasmtime"), "36", "35.0.0")

    def test_no_host_at_all_says_how_to_get_one(self):
        self.fake_wasmtime("garbage")
        self.assert_fails_with_one_line(self.run_fake(), "./dev setup")

    def test_environment_variable_picks_the_host(self):
        self.fake_wasmtime("48.0.8")
        self.write(self.tmp / "host/bin/python", "#!/bin/sh\necho embedded", 0o755)
        self.write(self.tmp / "some.wasm", "")
        said = self.run_script(RUN, "some.wasm", COPOLL_HOST="embedded", COPOLL_TOOLS=self.tmp)
        self.assertEqual(said.stdout, "embedded\n")

    def test_version_is_asked_for_once_per_binary(self):
        self.fake_wasmtime("48.0.8")
        for _ in range(3):
            self.run_fake()
        self.assertEqual((self.tmp / "asked").read_text(), "asked\n")
        self.fake_wasmtime("47.0.11")
        self.assertNotIn("-S\ntcp\n", self.run_fake().stdout)

    def test_print_host(self):
        self.fake_wasmtime("48.0.8")
        self.assertEqual(self.run_fake("--print-host").stdout, "wasmtime-cli 48.0.8\n")

    def test_folders_are_preopened_and_more_flags_added(self):
        self.fake_wasmtime("48.0.8")
        said = self.run_fake("--dir", "a b", "--dir", "c", COPOLL_WASMTIME_FLAGS="-S p3").stdout
        self.assertIn("--dir\na b\n--dir\nc\n", said)
        self.assertIn("-S\np3\nsome.wasm\n", said)

    def test_file_descriptor_limit_is_raised(self):
        self.fake_wasmtime("48.0.8", "ulimit -Sn; ulimit -Hn")
        self.write(self.tmp / "some.wasm", "")
        said = self.run_script("bash", "-c", f"ulimit -Sn 64; {RUN} some.wasm",
                               COPOLL_HOST=None, COPOLL_TOOLS=self.tmp).stdout.split()
        self.assertEqual(said[0], said[1])

    def test_wrong_usage(self):
        for args in (["--host", "other", "x.wasm"], ["--host"], ["--frobnicate", "x.wasm"], []):
            result = self.run_script(RUN, *args, COPOLL_HOST=None, COPOLL_TOOLS=self.tmp)
            self.assert_fails_with_one_line(result, code=2)

    def test_component_that_is_not_there(self):
        self.fake_wasmtime("48.0.8")
        result = self.run_script(RUN, "none.wasm", COPOLL_HOST=None, COPOLL_TOOLS=self.tmp)
        self.assert_fails_with_one_line(result, "none.wasm")

    def test_exit_code_of_the_command_passes_through(self):
        self.fake_wasmtime("48.0.8", "exit 7")
        self.assertEqual(self.run_fake().returncode, 7)

    # -- jco

    def test_jco_without_node_says_what_it_needs(self):
        result = self.run_script("/bin/bash", RUN, "--host", "jco", PROBE, PATH=self.bin)
        self.assert_fails_with_one_line(result, "Node 20", "PATH")

    def test_jco_with_an_old_node_says_what_it_needs(self):
        node = shutil.which("node")
        if not node:
            return print("SKIPPED: no node on PATH")
        older = "{value: {...process.versions, node: '18.20.4'}}"
        self.write(self.tmp / "old.cjs", f"Object.defineProperty(process, 'versions', {older})")
        self.command("node", f'exec {node} -r {self.tmp}/old.cjs "$@"')
        self.write(self.tmp / "jco/node_modules/.keep", "")
        result = self.run_script(RUN, "--host", "jco", PROBE, COPOLL_TOOLS=self.tmp)
        self.assert_fails_with_one_line(result, "Node 20", "18.20.4")

    def test_jco_that_could_not_be_installed_says_why(self):
        self.command("node", "exit 1")
        self.write(self.tmp / "jco/absent", "no network, said npm")
        result = self.run_script(RUN, "--host", "jco", PROBE, COPOLL_TOOLS=self.tmp)
        self.assert_fails_with_one_line(result, "no network, said npm")

    def test_jco_that_was_not_set_up_says_so(self):
        self.command("node", "exit 1")
        result = self.run_script(RUN, "--host", "jco", PROBE, COPOLL_TOOLS=self.tmp)
        self.assert_fails_with_one_line(result, "./dev setup")

    @on_each_host
    def test_a_file_that_is_no_component_is_one_line(self, host):
        if host != "jco":
            return print(f"not tried: host {host} says it its own way")
        result = self.run_probe(host, self.write(self.tmp / "text.wasm", "text"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("text.wasm", result.stderr.splitlines()[0])

    @on_each_host
    def test_jco_transpiles_a_component_once(self, host):
        if host != "jco":
            return print(f"not tried: host {host} compiles")
        (self.tmp / "jco").symlink_to(TOOLS / "jco")
        for _ in range(2):
            result = self.run_probe(host, PROBE, "exit", 0, COPOLL_TOOLS=self.tmp)
            self.assertEqual(result.returncode, 0, result.stderr)
        [folder] = (self.tmp / "jco-cache").iterdir()
        (folder / "component.js").write_text("export const instantiate = () => ({});\n")
        result = self.run_probe(host, PROBE, "exit", 0, COPOLL_TOOLS=self.tmp)
        self.assert_fails_with_one_line(result, "not a command")

    # -- what the real hosts pass through

    @on_each_host
    def test_exit_codes(self, host):
        for code, expected in (0, 0), (1, 1), (3, 1):  # WASI 0.2's exit knows ok and error
            result = self.run_probe(host, PROBE, "exit", code)
            self.assertEqual(result.returncode, expected, result.stderr)

    @on_each_host
    def test_trap_prints_a_backtrace_and_gives_134(self, host):
        result = self.run_probe(host, PROBE, "trap")
        self.assertEqual(result.returncode, 134)
        self.assertIn("unreachable", result.stderr)
        self.assertRegex(result.stderr, r"host_probe\.wasm[!.]main")

    @on_each_host
    def test_arguments_and_environment(self, host):
        result = self.run_probe(host, PROBE, "a b", "--dir", "ü", PROBE="välue")
        self.assertEqual(result.stdout, "välue|a b|--dir|ü\n")

    @on_each_host
    def test_standard_streams(self, host):
        result = self.run_probe(host, PROBE, "stdio", stdin="one\ntwo\n")
        self.assertEqual(result.stdout, "one\ntwo\n")
        self.assertEqual(result.stderr, "to stderr\n")

    @on_each_host
    def test_folders_not_named_are_out_of_reach(self, host):
        file = self.write(self.tmp / "sub/file", "text")
        for dirs, name in (["--dir", "."], "sub/file"), (["--dir", self.tmp], file):
            self.assertEqual(self.run_probe(host, *dirs, PROBE, "cat", name).stdout, "text")
        self.assertEqual(self.run_probe(host, PROBE, "cat", file).returncode, 1)

    @on_each_host
    def test_signals_end_it_promptly(self, host):
        for what in "wait", "spin":
            for signum in signal.SIGINT, signal.SIGTERM:
                with subprocess.Popen([RUN, "--host", host, PROBE, what],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
                    process.stdout.readline()
                    process.send_signal(signum)
                    self.assertNotEqual(process.wait(timeout=20), 0)


if __name__ == "__main__":
    unittest.main()
