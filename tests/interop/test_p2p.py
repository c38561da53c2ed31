# SPDX-License-Identifier: MIT OR Apache-2.0
"""Our libp2p node against those of go-libp2p, js-libp2p and rust-libp2p, and against components of
libp2p-wasi-sockets, in both roles."""
import functools
import os
import re
import subprocess
import unittest
from pathlib import Path

from ends import PATIENCE, Peer, Program, not_on_jco, on_each_host, run
from programs import RUN

CACHE = Path(os.environ.get("COPOLL_TOOLS") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "copoll")
NODES = CACHE / "libp2p"
COMMANDS = {"go": [NODES / "go_peer"], "js": ["node", NODES / "js/main.mjs"],
            "rust": [NODES / "rust_peer"]}
SMALL = ["identify", "ping", "push", "echo:0", "echo:1", "echo:1048576", "half-close", "reset"]
# with less an implementation of ours that stops at its first window would pass
LARGE = ["echo:67108864"]
OUR_PROTOCOLS = {"/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0", "/echo/1.0.0",
                 "/perf/1.0.0", "/reset/1.0.0", "/slow/1.0.0", "/bench/echo/1.0.0",
                 "/change/1.0.0"}
PUSHED = "/pushed/1.0.0"  # what ours speaks as well once it was changed
WAYS = [(), ("--no-early-muxer",), ("--no-lazy",), ("--no-early-muxer", "--no-lazy")]
OF_JS = r"js-libp2p/\S+ node/\S+"  # the agent; it takes no other
LARGE_PERF = "perf:67108864"
GIBIBYTE = "perf:1073741824"
# a folder with the components libp2p-listen-livefix.wasm and libp2p-dial-livefix.wasm
COMPONENTS = os.environ.get("COPOLL_PEERS")
OTHER_ID = "12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust"


def needs(implementation):
    """For a test: without that node it is skipped, and says so."""
    def decorate(test):
        @functools.wraps(test)
        def wrapped(self):
            if Path(COMMANDS[implementation][-1]).exists():
                return test(self)
            reason = NODES / f"{implementation}.absent"
            print(f"SKIPPED: no node of {implementation}-libp2p: " +
                  (reason.read_text().strip() if reason.exists()
                   else "./dev setup --peers builds it"))
        return wrapped
    return decorate


def needs_components(test):
    """For a test: without the components of libp2p-wasi-sockets it is skipped, and says so."""
    @functools.wraps(test)
    def wrapped(self, host):
        missing = [name for name in ("listen", "dial")
                   if not COMPONENTS or not their_component(name).exists()]
        if missing:
            print("SKIPPED: no components of libp2p-wasi-sockets: COPOLL_PEERS names no folder "
                  "with " + " and ".join(f"libp2p-{name}-livefix.wasm" for name in missing))
        else:
            test(self, host)
    return wrapped


def their_component(name):
    return Path(COMPONENTS) / f"libp2p-{name}-livefix.wasm"


def runs_component(host, name, *args):
    """The command that does; a node of ours that is native talks to them on a host of their own."""
    chosen = [] if host == "native" else ["--host", host]
    return [str(part) for part in (RUN, *chosen, their_component(name), *args)]


class Test(unittest.TestCase):
    def their_node(self, implementation, key="ed25519"):
        """A node of theirs that listens, and its address."""
        node = Peer(*COMMANDS[implementation], "--key", key, "listen")
        self.addCleanup(node.__exit__)
        return node, node.expect(r"READY (\S+)\r?\n")[1].decode()

    def theirs(self, *of):
        return self.their_node(*of)[1]

    def ours(self, host, *options):
        """Our node that listens, and its address."""
        node = Program(host, "p2p_peer", *options, "listen", stdin=subprocess.PIPE)
        self.addCleanup(node.end)
        ready = node.line()
        self.assertRegex(ready or "", "^READY /", node.end_and_tell() if not ready else "")
        return node, ready.removeprefix("READY ")

    def we_dial(self, host, address, tests, options=(), patience=2 * PATIENCE):
        """What our node said."""
        done = run(host, "p2p_peer", *options, "dial", address, *tests, timeout=patience)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(done.stdout.decode().split("\n")[:-1], [f"OK {test}" for test in tests])
        return done.stderr.decode()

    def they_dial(self, host, implementation, tests, key="ed25519", options=()):
        """What our node said, and what theirs did."""
        node, address = self.ours(host, *options)
        done = subprocess.run([*COMMANDS[implementation], "--key", key, "dial", address, *tests],
                              capture_output=True, text=True, timeout=2 * PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        for test in tests:
            self.assertIn(f"OK {test}\n", done.stdout)
        node.stdin.close()
        self.assertEqual(node.wait(), 0, node.errors())
        if "identify" in tests:
            self.assert_known(done.stdout, address)
        return node.errors(), done.stdout

    def assert_known(self, told, address):
        """What a node of theirs prints that we have said of ourselves."""
        self.assertRegex(told, r"(?m)^agent: copoll-test$")
        spoken = re.search(r"^protocols: (.*)$", told, re.MULTILINE)[1]
        self.assertEqual(set(re.findall(r"/[^] \",]+", spoken)), OUR_PROTOCOLS)
        self.assertRegex(told, rf"(?m)^addresses: .*{address.split('/p2p/')[0]}\b")
        for seen in re.findall(r"^observed: (.*)$", told, re.MULTILINE):  # go prints none
            self.assertRegex(seen, r"^/ip4/127\.0\.0\.1/tcp/[1-9]\d*$")

    def assert_identified(self, told, agent, address, *more):
        """What our node, which prints it each time, was told by theirs."""
        said = re.findall(r"^identified: ([^,]*)(?:, signed)?, speaks (.*), at(.*)$", told,
                          re.MULTILINE)
        self.assertTrue(said, told)
        for by, protocols, addresses in said:
            self.assertRegex(by, f"^{agent}$")
            self.assertLessEqual({"/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"}, set(protocols.split()))
            if address:
                self.assertIn(address.split("/p2p/")[0], addresses.split())
        for protocol in more:
            self.assertIn(protocol, said[-1][1].split())

    def assert_muxer(self, how, told):
        """What a node printed of its one connection."""
        self.assertEqual(re.findall(r"^muxer: (\w+)$", told, re.MULTILINE), [how])

    def in_all_ways(self, host, implementation, early):
        """With and without what saves round trips; `early`: whether their muxer can be agreed on in
        the handshake."""
        node, address = self.their_node(implementation)
        for options in WAYS:
            how = "early" if early and "--no-early-muxer" not in options else "negotiated"
            with self.subTest(options=options, dials="ours"):
                told = self.we_dial(host, address, ["ping", "echo:1000"], options)
                self.assert_muxer(how, told)
                if implementation == "go":  # the others do not know of themselves
                    self.assertEqual(node.expect(r"muxer: (\w+)\r?\n")[1].decode(), how)
            with self.subTest(options=options, dials="theirs"):
                told, said = self.they_dial(host, implementation, ["ping", "echo:1000"],
                                            options=options)
                self.assert_muxer(how, told)
                if implementation == "go":
                    self.assert_muxer(how, said)

    def they_learn_what_we_push(self, host, implementation):
        """Of our node's change, while the connection stands."""
        line = r"peer-protocols (\S+) ([^\r\n]*)\r?\n"
        node, address = self.their_node(implementation)
        self.we_dial(host, address, ["identify", "ping", "echo:1048576", "push"])
        heard = "".join(node.expect(line)[0].decode() for _ in range(2))
        _, said = self.they_dial(host, implementation, ["identify", "pushed"])
        for told in heard, said:
            (by, before), (same, after) = re.findall(line, told)
            self.assertEqual(by, same)
            self.assertEqual(set(before.split()), OUR_PROTOCOLS)
            self.assertEqual(set(after.split()), OUR_PROTOCOLS | {PUSHED})

    @needs("go")
    @on_each_host
    def test_we_dial_go(self, host):
        address = self.theirs("go")
        told = self.we_dial(host, address, [*SMALL, "streams:300", "slow"])
        self.assertIn(", signed, ", told)
        self.assert_identified(told, "copoll-test-go", address, "/echo/1.0.0", "/slow/1.0.0")

    @needs("go")
    @on_each_host
    def test_go_dials_us(self, host):
        told, _ = self.they_dial(host, "go", [*SMALL, "streams:300", "slow"])
        self.assert_identified(told, "copoll-test-go", None, PUSHED)

    @needs("go")
    @on_each_host
    def test_all_ways_with_go(self, host):
        self.in_all_ways(host, "go", early=True)

    @needs("go")
    @on_each_host
    def test_go_learns_what_we_push(self, host):
        self.they_learn_what_we_push(host, "go")

    @needs("go")
    @on_each_host
    def test_64_mib_with_go(self, host):
        self.we_dial(host, self.theirs("go"), [*LARGE, LARGE_PERF])
        self.they_dial(host, "go", LARGE)

    @needs("go")
    @on_each_host
    def test_all_keys_of_go(self, host):
        for key in "secp256k1", "ecdsa", "rsa":
            self.we_dial(host, self.theirs("go", key), ["identify", "ping"])
            self.they_dial(host, "go", ["identify", "ping"], key)

    @needs("js")
    @on_each_host
    def test_we_dial_js(self, host):
        address = self.theirs("js")
        told = self.we_dial(host, address, [*SMALL, "streams:300", "slow"])
        self.assertIn(", signed, ", told)
        self.assert_identified(told, OF_JS, address, "/echo/1.0.0", "/slow/1.0.0")

    @needs("js")
    @on_each_host
    def test_js_dials_us(self, host):
        told, _ = self.they_dial(host, "js", [*SMALL, "streams:300", "slow"])
        self.assert_identified(told, OF_JS, None, PUSHED)

    @needs("js")
    @on_each_host
    def test_all_ways_with_js(self, host):
        self.in_all_ways(host, "js", early=True)

    @needs("js")
    @on_each_host
    def test_js_learns_what_we_push(self, host):
        self.they_learn_what_we_push(host, "js")

    @needs("js")
    @on_each_host
    def test_64_mib_with_js(self, host):
        self.we_dial(host, self.theirs("js"), LARGE)
        self.they_dial(host, "js", LARGE)

    @needs("js")
    @on_each_host
    def test_other_keys_of_js(self, host):
        for key in "secp256k1", "rsa":
            self.we_dial(host, self.theirs("js", key), ["identify", "ping"])
            self.they_dial(host, "js", ["identify", "ping"], key)

    @needs("rust")
    @on_each_host
    def test_we_dial_rust(self, host):
        address = self.theirs("rust")
        told = self.we_dial(host, address, [*SMALL, "dropped-streams:300", "slow"])
        self.assert_identified(told, "copoll-test-rust", address, "/echo/1.0.0", "/slow/1.0.0")

    @needs("rust")
    @on_each_host
    def test_rust_dials_us(self, host):
        told, _ = self.they_dial(host, "rust", [*SMALL, "streams:300", "slow"])
        self.assert_identified(told, "copoll-test-rust", None)
        self.assertRegex(told, r"identified: copoll-test-rust, .* at /ip4/127\.0\.0\.1/tcp/4001")

    @needs("rust")
    @on_each_host
    def test_all_ways_with_rust(self, host):
        self.in_all_ways(host, "rust", early=False)

    @needs("rust")
    @on_each_host
    def test_rust_learns_what_we_push(self, host):
        self.they_learn_what_we_push(host, "rust")

    @needs("rust")
    @on_each_host
    def test_64_mib_with_rust(self, host):
        self.we_dial(host, self.theirs("rust"), LARGE)
        self.they_dial(host, "rust", LARGE)

    @needs("rust")
    @on_each_host
    def test_other_keys_of_rust(self, host):
        for key in "secp256k1", "ecdsa":
            self.we_dial(host, self.theirs("rust", key), ["identify", "ping"])
            self.they_dial(host, "rust", ["identify", "ping"], key)

    @on_each_host
    def test_we_dial_ourselves(self, host):
        node, address = self.ours(host)
        told = self.we_dial(host, address, [*SMALL, "streams:300", "slow", *LARGE, LARGE_PERF])
        node.stdin.close()
        self.assertEqual(node.wait(), 0, node.errors())
        self.assertIn(", signed, ", told)
        self.assert_identified(told, "copoll-test", address, *OUR_PROTOCOLS)
        self.assert_identified(node.errors(), "copoll-test", None, *OUR_PROTOCOLS, PUSHED)

    @on_each_host
    def test_all_ways_with_ourselves(self, host):
        for theirs in WAYS:
            node, address = self.ours(host, *theirs)
            for options in WAYS:
                allowed = "--no-early-muxer" not in (*theirs, *options)
                told = self.we_dial(host, address, ["ping", "echo:1000"], options)
                self.assert_muxer("early" if allowed else "negotiated", told)
            node.stdin.close()
            self.assertEqual(node.wait(), 0, node.errors())

    @on_each_host
    def test_keys_that_we_do_not_make(self, host):
        for key in "secp256k1", "ecdsa", "rsa", "dsa":
            done = run(host, "p2p_peer", "--key", key, "listen")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"peer: makes no key of that kind: {key}\n", done.stderr.decode())

    @on_each_host
    @not_on_jco("the components of others are run by Wasmtime")
    @needs_components
    def test_we_dial_libp2p_wasi_sockets(self, host):
        node = Peer(*runs_component(host, "listen", "0"))
        self.addCleanup(node.__exit__)
        address = node.expect(r"listening on (\S+)\r?\n")[1].decode()
        self.we_dial(host, address, ["ping", "half-close", "bench-echo:0", "bench-echo:1",
                                     "bench-echo:1048576", "bench-echo:16777216",
                                     "perf:16777216"])

    @on_each_host
    @not_on_jco("the components of others are run by Wasmtime")
    @needs_components
    def test_libp2p_wasi_sockets_dials_us(self, host):
        node, address = self.ours(host)
        for test, said in (("ping 5", "ping"), ("rawping 20", "ping"),
                           ("echo 1", "bytes compared"), ("echo 16777216", "bytes compared"),
                           ("perf 16777216 16777216", "perf"), ("handshake 5", "handshake: ")):
            done = subprocess.run(runs_component(host, "dial", address, *test.split()),
                                  capture_output=True, text=True, timeout=2 * PATIENCE)
            self.assertEqual(done.returncode, 0, f"{test}: {done.stderr}")
            self.assertIn(said, done.stdout)
        node.stdin.close()
        self.assertEqual(node.wait(), 0, node.errors())

    @on_each_host
    def gibibyte_with_ourselves(self, host):
        """One each way. Takes long: only when it is asked for."""
        node, address = self.ours(host)
        self.we_dial(host, address, [GIBIBYTE], patience=600)
        node.stdin.close()
        self.assertEqual(node.wait(), 0, node.errors())

    @needs("go")
    @on_each_host
    def gibibyte_with_go(self, host):
        self.we_dial(host, self.theirs("go"), [GIBIBYTE], patience=600)

    @on_each_host
    def test_somebody_else_than_the_one_that_was_dialled(self, host):
        _, address = self.ours(host)
        wrong = address.rsplit("/", 1)[0] + "/" + OTHER_ID
        done = run(host, "p2p_peer", "dial", wrong, "ping")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"another peer", done.stderr)


if __name__ == "__main__":
    unittest.main()
