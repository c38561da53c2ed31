"""libs/setup/setup: made once, whole or not at all, and one clear line when it cannot be done."""
import os
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from support import ROOT, TOOLS, ScriptTest

NOWHERE = "http://127.0.0.1:9"  # refuses connections


class Test(ScriptTest):
    def setUp(self):
        super().setUp()
        self.tools = self.tmp / "tools"

    # -- the mechanism, with parts made for the test

    def own_parts(self, **parts):
        """A tree with set-up's own scripts and these parts; a part is the body of make_part."""
        shutil.copytree(ROOT / "libs/setup", self.tmp / "libs/setup")
        for name, body in parts.items():
            self.write(self.tmp / f"libs/{name}/setup.sh",
                       f"recipe=1\nmake_part() {{\n{body}\n}}\n")

    def setup_own(self, *args, **env):
        return self.run_script(self.tmp / "libs/setup/setup", *args, COPOLL_TOOLS=self.tools, **env)

    def start_own(self):
        return subprocess.Popen([self.tmp / "libs/setup/setup"], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, start_new_session=True,
                                env=self.env(COPOLL_TOOLS=self.tools))

    def kill_session(self, session):
        """Until nobody is left: one that starts another could slip through a single pass."""
        alive = True
        while alive:
            alive = False
            for stat in Path("/proc").glob("[0-9]*/stat"):
                try:
                    state, _, _, its_session = stat.read_text().rpartition(")")[2].split()[:4]
                    if int(its_session) == session and state != "Z":
                        alive = True
                        os.kill(int(stat.parent.name), signal.SIGKILL)
                except (FileNotFoundError, ProcessLookupError):
                    pass  # it has ended meanwhile

    def wait_for(self, path):
        end = time.monotonic() + 10
        while not path.exists():
            self.assertLess(time.monotonic(), end, f"{path} did not appear")
            time.sleep(0.02)

    def test_each_part_is_made_once(self):
        self.own_parts(one='echo x >>"$root/made"; echo 1 >"$out/file"', two='echo 2 >"$out/file"')
        first = self.setup_own()
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertRegex(first.stdout, r"\[ +\d+s\] one +done")
        second = self.setup_own()
        self.assertEqual(second.returncode, 0)
        self.assertIn("nothing to do", second.stdout)
        self.assertEqual(self.setup_own("--quiet").stdout, "")
        self.assertEqual((self.tmp / "made").read_text(), "x\n")
        self.assertEqual((self.tools / "two/file").read_text(), "2\n")
        self.assertFalse((self.tools / ".work").exists())

    def test_peers_are_set_up_only_when_asked_for(self):
        self.own_parts(one='touch "$out/file"', peers='touch "$out/file"',
                       libp2p='touch "$out/file"')
        self.assertEqual(self.setup_own().returncode, 0)
        self.assertFalse((self.tools / "peers").exists())
        self.assertFalse((self.tools / "libp2p").exists())
        self.assertEqual(self.setup_own("--peers").returncode, 0)
        self.assertTrue((self.tools / "peers").exists())
        self.assertTrue((self.tools / "libp2p").exists())

    def test_new_recipe_replaces_the_part(self):
        self.own_parts(one='echo 1 >"$out/old"')
        self.setup_own()
        self.write(self.tmp / "libs/one/setup.sh", 'recipe=2\nmake_part() { echo 2 >"$out/new"; }\n')
        self.setup_own()
        self.assertEqual(sorted(p.name for p in (self.tools / "one").iterdir()),
                         [".recipe", "new"])

    def test_interrupted_set_up_is_taken_up_again(self):
        body = """
            touch "$out/half" "$root/started"
            [[ -e $dl/kept ]] && { echo again >"$out/whole"; return; }
            touch "$dl/kept"
            sleep 60"""
        for signum in signal.SIGINT, signal.SIGTERM, signal.SIGKILL:
            with self.subTest(signal=signum.name):
                shutil.rmtree(self.tmp / "libs", ignore_errors=True)
                shutil.rmtree(self.tools, ignore_errors=True)
                (self.tmp / "started").unlink(missing_ok=True)
                self.own_parts(one=body)
                process = self.start_own()
                self.wait_for(self.tools / ".work/one/download/kept")
                if signum == signal.SIGKILL:  # as a machine that loses power: nobody survives
                    self.kill_session(process.pid)
                else:
                    process.send_signal(signum)
                self.assertNotEqual(process.wait(timeout=20), 0)
                process.stdout.close()
                self.assertFalse((self.tools / "one").exists())
                again = self.setup_own()
                self.assertEqual(again.returncode, 0, again.stderr)
                self.assertEqual((self.tools / "one/whole").read_text(), "again\n")

    def test_source_downloaded_before_the_interruption_is_used(self):
        self.command("apt-get", r"""
            case $*:$(ls) in
                *--print-uris*:*some_1.orig.tar.gz*) ;; # apt names only what it would download
                *--print-uris*) echo "'uri' some_1.orig.tar.gz 12 SHA256:0" ;;
                source*) touch some_1.orig.tar.gz ;;
            esac""")
        self.own_parts(one="""
            fetch_source some sid; cp "$tarball" "$out/"
            [[ -e $root/again ]] || { touch "$root/again"; false; }""")
        env = dict(COPOLL_DEBIAN_MIRROR=NOWHERE, **self.as_debian())
        self.assertEqual(self.setup_own(**env).returncode, 1)
        again = self.setup_own(**env)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertTrue((self.tools / "one/some_1.orig.tar.gz").exists())

    def test_two_set_ups_at_once_make_a_part_once(self):
        self.own_parts(one='echo x >>"$root/made"; sleep 1; touch "$out/file"')
        both = self.start_own(), self.start_own()
        said = [process.communicate(timeout=20)[0] for process in both]
        self.assertEqual([process.returncode for process in both], [0, 0], said)
        self.assertEqual((self.tmp / "made").read_text(), "x\n")
        self.assertIn("waiting", "".join(said))

    def test_failing_part_stops_the_others_and_names_its_log(self):
        self.own_parts(bad='say "asking nicely"; echo the details; false',
                       slow='touch "$root/started"; sleep 60')
        begin = time.monotonic()
        result = self.setup_own()
        self.assertLess(time.monotonic() - begin, 10)
        log = self.tools / "log/bad.log"
        self.assert_fails_with_one_line(result, "bad: failed at: asking nicely", str(log))
        self.assertIn("the details", log.read_text())
        self.assertFalse((self.tools / "slow").exists())

    def test_failing_part_gives_its_own_reason(self):
        self.own_parts(bad='die "the moon is in the wrong place"')
        self.assert_fails_with_one_line(self.setup_own(), "setup: the moon is in the wrong place")

    # -- the real parts

    def setup_real(self, *parts, **env):
        defaults = dict(COPOLL_TOOLS=self.tools, WASI_SDK_PATH=None, COPOLL_HOST="embedded")
        return self.run_script(ROOT / "libs/setup/setup", *parts, **(defaults | env))

    def as_debian(self):
        """Settings under which the scripts take any system for a Debian that has all packages."""
        release = self.write(self.tmp / "os-release", "ID=debian\nVERSION_CODENAME=bookworm\n")
        return {"COPOLL_OS_RELEASE": release}

    def test_second_run_does_nothing_and_takes_less_than_a_second(self):
        if not (TOOLS / "catch2/.recipe").exists():
            return print("SKIPPED: this build does not use the tool cache")
        if (TOOLS / "jco/absent").exists():
            return print("SKIPPED: set-up tries again to get what it had to leave out")
        times = []
        for _ in range(3):  # the machine may be busy with other tests
            begin = time.monotonic()
            result = self.run_script(ROOT / "libs/setup/setup")
            times.append(time.monotonic() - begin)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("nothing to do", result.stdout)
        self.assertLess(min(times), 1)

    def test_missing_packages_without_root(self):
        self.command("dpkg-query", "exit 1")
        self.command("id", "echo 1000")
        self.assert_fails_with_one_line(
            self.setup_real("toolchain", **self.as_debian()),
            "apt-get install --no-install-recommends", "clang-19", "libclang-rt-19-dev-wasm32")

    def test_unsupported_distribution(self):
        release = self.write(self.tmp / "os-release", "ID=plan9\n")
        self.assert_fails_with_one_line(self.setup_real("toolchain", COPOLL_OS_RELEASE=release),
                                        "WASI_SDK_PATH")

    def test_other_distributions_leave_sources_to_cmake(self):
        release = self.write(self.tmp / "os-release", "ID=plan9\n")
        result = self.setup_real("asio", "catch2", COPOLL_OS_RELEASE=release)
        self.assertIn("nothing to do", result.stdout)

    def test_wasi_sdk_path_is_taken_as_it_is(self):
        sdk = self.tmp / "sdk"
        self.assert_fails_with_one_line(self.setup_real("toolchain", WASI_SDK_PATH=sdk),
                                        str(sdk), "bin/clang++")
        self.write(sdk / "bin/clang++", "")
        self.write(sdk / "share/cmake/wasi-sdk-p2.cmake", "")
        self.assert_fails_with_one_line(self.setup_real("toolchain", WASI_SDK_PATH=sdk),
                                        "wasm32-wasip2")
        (sdk / "share/wasi-sysroot/lib/wasm32-wasip2").mkdir(parents=True)
        self.assertIn("nothing to do", self.setup_real("toolchain", WASI_SDK_PATH=sdk).stdout)

    def test_missing_compiler_on_another_distribution(self):
        release = self.write(self.tmp / "os-release", "ID=plan9\n")
        for tool in "bash", "dirname", "mkdir", "flock", "cat", "basename":
            (self.bin / tool).symlink_to(shutil.which(tool))
        result = self.setup_real("host", COPOLL_OS_RELEASE=release, PATH=self.bin)
        self.assert_fails_with_one_line(result, "not installed: cmake ninja-build g++ python3")

    def test_no_network_for_debian_packages(self):
        if not shutil.which("apt-get"):
            return print("SKIPPED: no apt-get on this machine")
        result = self.setup_real("catch2", COPOLL_DEBIAN_MIRROR=f"{NOWHERE}/debian",
                                 http_proxy=None, **self.as_debian())
        self.assert_fails_with_one_line(result, "catch2", "127.0.0.1", "catch2.log")

    def test_no_network_for_the_embedded_engine(self):
        result = self.setup_real("host", PIP_INDEX_URL=NOWHERE, PIP_RETRIES=0, PIP_FIND_LINKS=None,
                                 PIP_EXTRA_INDEX_URL=None, PIP_NO_CACHE_DIR=1)
        self.assert_fails_with_one_line(result, "wasmtime 47.0.1", "check the network")

    def test_no_network_for_jco_leaves_it_out_and_the_next_set_up_tries_again(self):
        self.command("node", "echo 22.0.0")
        self.command("npm", "exit 1")
        for _ in range(2):
            result = self.setup_real("jco")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("left out: npm could not install", result.stdout)
        self.assertIn("check the network", (self.tools / "jco/absent").read_text())
        quiet = self.setup_real("--quiet", "jco")
        self.assertEqual((quiet.returncode, quiet.stdout), (0, ""))

    def test_an_old_node_leaves_jco_out(self):
        self.command("node", "echo 18.20.4")
        self.command("npm", "echo npm was called; exit 1")
        self.assertIn("left out: it needs Node 20 or newer", self.setup_real("jco").stdout)

    def test_no_node_is_one_line_and_fails_only_if_jco_was_asked_for(self):
        for tool in "bash", "dirname", "mkdir", "flock", "cat", "basename":
            (self.bin / tool).symlink_to(shutil.which(tool))
        result = self.setup_real("jco", PATH=self.bin)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr, "setup: no Node and npm on PATH, so no host jco\n")
        result = self.setup_real("jco", PATH=self.bin, COPOLL_HOST="jco")
        self.assert_fails_with_one_line(result, "Node 20")

    def test_no_embedded_engine_is_made_where_a_wasmtime_command_will_do(self):
        self.command("wasmtime", "echo wasmtime 48.0.8")
        self.assertIn("nothing to do", self.setup_real("host", COPOLL_HOST=None).stdout)

    def test_cache_folder_that_cannot_be_written(self):
        self.assert_fails_with_one_line(self.setup_real("host", COPOLL_TOOLS="/dev/null/x"),
                                        "/dev/null/x", "COPOLL_TOOLS")

    def test_unknown_part(self):
        self.assert_fails_with_one_line(self.setup_real("flux-capacitor"), "flux-capacitor")

    # -- what CMake makes of it

    def test_toolchain_file_without_an_sdk_points_to_set_up(self):
        self.write(self.tmp / "CMakeLists.txt",
                   "cmake_minimum_required(VERSION 3.25)\nproject(x CXX)\n")
        result = self.run_script("cmake", "-S", ".", "-B", "b", "--toolchain",
                                 ROOT / "libs/toolchain/wasi.cmake",
                                 COPOLL_TOOLS=self.tools, WASI_SDK_PATH=None)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("run ./dev setup", result.stderr)

    def wasi_version(self, header):
        sysroot = self.tmp / "sysroot"
        if header:
            self.write(sysroot / header, "// Imported Functions from `wasi:io/poll@0.2.7`\n")
        self.write(self.tmp / "v.cmake", f"""
            include({ROOT}/libs/toolchain/wasi_version.cmake)
            message(STATUS "found ${{COPOLL_WASI_VERSION}}")""")
        return self.run_script("cmake", f"-DCMAKE_SYSROOT={sysroot}", "-P", "v.cmake")

    def test_wasi_version_is_read_from_libc_of_each_layout(self):
        for header in ("include/wasm32-wasip2/wasi/__generated_wasip2.h",
                       "include/wasm32-wasip2/wasi/wasip2.h", "include/wasi/wasip2.h"):
            shutil.rmtree(self.tmp / "sysroot", ignore_errors=True)
            self.assertIn("found 0.2.7", self.wasi_version(header).stdout)

    def test_wasi_version_is_found_beside_the_compiler_when_no_sysroot_is_set(self):
        header = "share/wasi-sysroot/include/wasm32-wasip2/wasi/__generated_wasip2.h"
        self.write(self.tmp / header, "// `wasi:io/poll@0.2.3`\n")
        result = self.run_script("cmake", f"-DCMAKE_CXX_COMPILER={self.tmp}/bin/clang++",
                                 "-P", ROOT / "libs/toolchain/wasi_version.cmake")
        self.assertIn("WASI 0.2.3", result.stdout)

    def test_wasi_version_that_is_not_found_is_an_error(self):
        result = self.wasi_version(None)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("COPOLL_WASI_VERSION", result.stderr)


if __name__ == "__main__":
    unittest.main()
