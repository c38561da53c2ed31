# SPDX-License-Identifier: MIT OR Apache-2.0
"""The libp2p node: its command line, its key, and what two of them do with each other."""
import re
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import programs
from command_line import CommandLine
from programs import Program, folders, not_on_jco, on_each_host, run, why_not

OTHER_ID = "12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust"
LOCAL = "/ip4/127.0.0.1/tcp/0"
WRITES_NO_FILES = "it lets components create no files"


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError as error:
        print(f"SKIPPED: no IPv6 loopback: {error}")
        return False


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as closing:
        return closing.getsockname()[1]


class Test(CommandLine, unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        folders.append(self.folder)
        self.addCleanup(folders.remove, self.folder)

    def listener(self, host, *options):
        node = Program(host, "p2p_node", *options)
        self.addCleanup(node.end)
        return node

    def address(self, node):
        """Of the next line that says one."""
        line = node.line()
        found = re.fullmatch(r"listening on (/ip[46]/\S+/tcp/([1-9]\d*)/p2p/12D3KooW\w{44})",
                             line or "")
        self.assertTrue(found, f"{line!r}; {node.end_and_tell() if not found else ''}")
        return found[1]

    def dial(self, host, address, *what, **more):
        """What it prints behind the line that says whom it reached."""
        done = run(host, "p2p_node", "--dial", address, *what, **more)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(done.stderr, b"")
        first, rest = done.stdout.decode().split("\n", 1)
        self.assertRegex(first, r"^connected to 12D3KooW\w{44}$")
        if "/p2p/" in address:
            self.assertTrue(address.endswith(first.split()[-1]))
        return rest

    def use(self, host, address):
        """All that a node does with another one."""
        self.assertRegex(self.dial(host, address, "--ping", "3"),
                         r"\A(ping [123]: \d+\.\d{3} ms\n){3}\Z")
        self.assertEqual(self.dial(host, address, "--echo", "hello"), "hello\n")
        perf = self.dial(host, address, "--perf", "1000000", "3000000")
        self.assertRegex(perf, r"\Aupload: 1000000 bytes, \d+\.\d{3} ms, \d+\.\d MB/s\n"
                               r"download: 3000000 bytes, \d+\.\d{3} ms, \d+\.\d MB/s\n\Z")

    @on_each_host
    def test_help(self, host):
        self.assert_help(run(host, "p2p_node", "--help"), "p2p_node")

    @on_each_host
    def test_wrong_arguments(self, host):
        to = ["--dial", "/ip4/127.0.0.1/tcp/1"]
        for wrong in (["--frobnicate"], ["more"], ["--listen"], ["--listen", "127.0.0.1:80"],
                      ["--listen", ""], ["--dial", "/ip4/127.0.0.1/tcp/65536"], ["--ping", "1"],
                      ["--echo", "x"], ["--perf", "1", "1"], [*to, "--ping", "0"],
                      [*to, "--perf", "1"], [*to, "1"], [*to, "--perf", "1", "-1"],
                      [*to, "--ping", "1", "--echo", "x"], [*to, "--echo", "", "--perf", "1", "1"]):
            self.assert_wrong_usage(run(host, "p2p_node", *wrong), "p2p_node")

    @on_each_host
    def test_listens_on_its_own_machine_unless_told_otherwise(self, host):
        self.assertIn("/ip4/127.0.0.1/", self.address(self.listener(host)))

    @on_each_host
    def test_two_nodes(self, host):
        self.use(host, self.address(self.listener(host, "--perf-server")))

    @on_each_host
    def test_ipv6_beside_ipv4(self, host):
        if not has_ipv6():
            return
        node = self.listener(host, "--listen", LOCAL, "--listen", "/ip6/::1/tcp/0",
                             "--perf-server")
        v4, v6 = self.address(node), self.address(node)
        self.assertTrue(v4.startswith("/ip4/127.0.0.1/tcp/") and v6.startswith("/ip6/::1/tcp/"))
        self.assertEqual(v4.rsplit("/", 1)[1], v6.rsplit("/", 1)[1])
        self.assertEqual(self.dial(host, v4, "--echo", "over IPv4"), "over IPv4\n")
        self.use(host, v6)

    @on_each_host
    def test_all_addresses_and_a_name(self, host):
        port = self.address(self.listener(host, "--listen", "/ip4/0.0.0.0/tcp/0")).split("/")[4]
        self.assertEqual(self.dial(host, f"/dns4/localhost/tcp/{port}", "--echo", "x"), "x\n")

    @on_each_host
    def test_native_and_component(self, host):
        """Or a component in one host with one in another."""
        if not (programs.COMPONENTS / "p2p_node.wasm").exists():
            return print("SKIPPED: no component is built: ./dev build wasi")
        others = [name for name in ("wasmtime", "embedded") if name != host and not why_not(name)]
        if not others:
            return print(f"SKIPPED: no other host than {host} here")
        self.use(host, self.address(self.listener(others[0], "--perf-server")))
        self.use(others[0], self.address(self.listener(host, "--perf-server")))

    @on_each_host
    def test_echo_of_nothing_and_of_much(self, host):
        address = self.address(self.listener(host))
        for text in "", "x" * 100_000:
            self.assertEqual(self.dial(host, address, "--echo", text), text + "\n")

    @on_each_host
    def test_without_an_id_anybody_may_be_there(self, host):
        address, peer = self.address(self.listener(host)).split("/p2p/")
        done = run(host, "p2p_node", "--dial", address)
        self.assertRegex(done.stdout.decode(), rf"\Aconnected to {peer}\nping 1: [\d.]+ ms\n\Z")

    @on_each_host
    def test_somebody_else(self, host):
        address = self.address(self.listener(host)).split("/p2p/")[0]
        done = run(host, "p2p_node", "--dial", f"{address}/p2p/{OTHER_ID}", "--ping", "1")
        self.assert_fails(done, "p2p_node: another peer than the expected one")
        self.assertEqual(done.stdout, b"")

    @on_each_host
    def test_nobody(self, host):
        done = run(host, "p2p_node", "--dial", f"/ip4/127.0.0.1/tcp/{free_port()}")
        self.assert_fails(done, "p2p_node: .*refused")

    @on_each_host
    def test_no_node(self, host):
        """A web server, which says so at once."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            dialing = Program(host, "p2p_node", "--dial", f"/ip4/127.0.0.1/tcp/{port}")
            self.addCleanup(dialing.end)
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                self.assertEqual(dialing.wait(), 1)
        self.assertEqual(dialing.errors(), "p2p_node: malformed multistream-select message\n")

    @on_each_host
    def test_addresses_of_other_kinds(self, host):
        for address in "/ip4/127.0.0.1/udp/4001/quic-v1", "/ip4/127.0.0.1/tcp/1/ws":
            for option in "--listen", "--dial":
                self.assert_fails(run(host, "p2p_node", option, address),
                                  "p2p_node: .*not supported")

    @on_each_host
    def test_port_in_use(self, host):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"/ip4/127.0.0.1/tcp/{other.getsockname()[1]}"
            self.assert_fails(run(host, "p2p_node", "--listen", address), "p2p_node: .*in use")

    @on_each_host
    def test_perf_only_where_that_is_wanted(self, host):
        address = self.address(self.listener(host))
        done = run(host, "p2p_node", "--dial", address, "--perf", "1", "1")
        self.assert_fails(done, "p2p_node: the peer supports none of the protocols")

    @on_each_host
    def test_a_node_that_dies(self, host):
        node = self.listener(host, "--perf-server")
        address = self.address(node)
        dialing = Program(host, "p2p_node", "--dial", address, "--perf", str(1 << 60), "0")
        self.addCleanup(dialing.end)
        self.assertRegex(dialing.line(), "^connected to ")
        node.end()
        self.assertEqual(dialing.wait(), 1)
        self.assertRegex(dialing.errors(), r"\Ap2p_node: [^\n]+\n\Z")

    @on_each_host
    def test_strangers_harm_nobody_else(self, host):
        address = self.address(self.listener(host))
        endpoint = "127.0.0.1", int(address.split("/")[4])
        with socket.create_connection(endpoint) as rude, socket.create_connection(endpoint):
            rude.sendall(bytes(1000))
            self.assertEqual(self.dial(host, address, "--echo", "still here"), "still here\n")

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_a_key_is_made_once(self, host):
        key = self.folder / f"key of {host}"
        first = self.listener(host, "--key", key)
        address = self.address(first)
        first.end()
        made = key.read_bytes()
        if host == "native":
            self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        again = self.address(self.listener(host, "--key", key))
        self.assertEqual(address.split("/p2p/")[1], again.split("/p2p/")[1])
        self.assertEqual(key.read_bytes(), made)

    @on_each_host
    def test_files_that_hold_no_key(self, host):
        wrong = self.folder / "wrong"
        wrong.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
        self.assert_fails(run(host, "p2p_node", "--key", wrong),
                          "p2p_node: /.*wrong: malformed key")

    @on_each_host
    @not_on_jco(WRITES_NO_FILES)
    def test_a_key_that_cannot_be_written(self, host):
        self.assert_fails(run(host, "p2p_node", "--key", self.folder / "no folder/key"),
                          "p2p_node: /.*no folder/key: No such file")

    @on_each_host
    def test_waits_without_work(self, host):
        node = self.listener(host)
        self.dial(host, self.address(node))
        before = node.cpu_seconds()
        time.sleep(1)
        self.assertLess(node.cpu_seconds() - before, 0.5)


if __name__ == "__main__":
    unittest.main()
