# SPDX-License-Identifier: MIT OR Apache-2.0
"""The chat of libp2p nodes: who hears what, and how it ends."""
import re
import socket
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from command_line import CommandLine
from programs import Program, on_each_host, run


class Chat(Program):
    """One node: what it is told is typed."""

    def __init__(self, host, name, *options):
        super().__init__(host, "p2p_chat", "--name", name, *options, stdin=subprocess.PIPE)
        first = self.line()
        found = re.fullmatch(r"listening on (/ip4/127\.0\.0\.1/tcp/[1-9]\d*/p2p/\w+)", first or "")
        if not found:
            raise AssertionError(f"{first!r}; {self.end_and_tell()}")
        self.address = found[1]
        self.short_id = self.address[-6:]

    def type(self, text):
        self.stdin.write(text.encode() if isinstance(text, str) else text)
        self.stdin.flush()

    def leave(self):
        self.stdin.close()
        return self.wait()


class Test(CommandLine, unittest.TestCase):
    def chat(self, host, name, *options):
        made = Chat(host, name, *options)
        self.addCleanup(made.end)
        return made

    def pair(self, host):
        one = self.chat(host, "one")
        two = self.chat(host, "two", "--dial", one.address)
        self.assert_meet(one, two)
        return one, two

    def assert_meet(self, one, two):
        self.assertEqual(one.line(), f"* {two.short_id} is here")
        self.assertEqual(two.line(), f"* {one.short_id} is here")

    @on_each_host
    def test_help(self, host):
        self.assert_help(run(host, "p2p_chat", "--help"), "p2p_chat")

    @on_each_host
    def test_wrong_arguments(self, host):
        for wrong in (["--frobnicate"], ["more"], ["--listen", "here"], ["--dial", "localhost:1"],
                      ["--name"], ["--name", ""], ["--name", "x" * 33]):
            self.assert_wrong_usage(run(host, "p2p_chat", *wrong), "p2p_chat")

    @on_each_host
    def test_ends_with_its_input(self, host):
        done = run(host, "p2p_chat", stdin=b"to nobody\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, rb"\Alistening on /ip4/127\.0\.0\.1/tcp/\d+/p2p/\w+\n\Z")

    @on_each_host
    def test_two_nodes(self, host):
        one, two = self.pair(host)
        one.type("hello\n")
        self.assertEqual(two.line(), "one: hello")
        two.type("good morning, günther 👋\n")
        self.assertEqual(one.line(), "two: good morning, günther 👋")
        self.assertEqual(two.leave(), 0)
        self.assertEqual(one.line(), f"* {two.short_id} has left")
        one.type("anybody?\n")
        self.assertEqual(one.leave(), 0)
        self.assertEqual(one.rest(), [])
        self.assertEqual(one.errors() + two.errors(), "")

    @on_each_host
    def test_three_nodes(self, host):
        one, two = self.pair(host)
        three = self.chat(host, "three", "--dial", one.address, "--dial", two.address)
        for other in one, two:
            self.assertEqual(other.line(), f"* {three.short_id} is here")
        self.assertEqual({three.line(), three.line()},
                         {f"* {other.short_id} is here" for other in (one, two)})
        everybody = {"one": one, "two": two, "three": three}
        for name, who in everybody.items():
            who.type(f"I am {name}\n")
            for other in everybody.values():
                if other is not who:
                    self.assertEqual(other.line(), f"{name}: I am {name}")
        self.assertEqual(one.leave(), 0)  # the others go on
        for other in two, three:
            self.assertEqual(other.line(), f"* {one.short_id} has left")
        two.type("still here\n")
        self.assertEqual(three.line(), "two: still here")

    @on_each_host
    def test_last_words_arrive(self, host):
        """Of who has dialled, and of who was; also those without a line end."""
        one, two = self.pair(host)
        two.type("bye\nI mean it")
        self.assertEqual(two.leave(), 0)
        self.assertEqual([one.line() for _ in range(3)],
                         ["two: bye", "two: I mean it", f"* {two.short_id} has left"])
        two = self.chat(host, "two", "--dial", one.address)
        self.assert_meet(one, two)
        one.type("bye\nI mean it")
        self.assertEqual(one.leave(), 0)
        self.assertEqual([two.line() for _ in range(3)],
                         ["one: bye", "one: I mean it", f"* {one.short_id} has left"])

    @on_each_host
    def test_all_of_a_file_arrives(self, host):
        one = self.chat(host, "one")
        lines = [f"line {n}" for n in range(1000)]
        done = run(host, "p2p_chat", "--name", "file", "--dial", one.address,
                   stdin="\n".join(lines).encode())
        self.assertEqual(done.returncode, 0, done.stderr)
        one.stdin.close()
        self.assertEqual([line for line in one.rest() if not line.startswith("*")],
                         [f"file: {line}" for line in lines])

    @on_each_host
    def test_control_characters_are_made_harmless(self, host):
        one, two = self.pair(host)
        one.type(b"\x1b[2Jcl\xc2\x9bear\x7f\ttab\r\n")
        self.assertEqual(two.line(), "one: ?[2Jcl??ear??tab")
        three = self.chat(host, "\x1b[31mred", "--dial", one.address)
        self.assert_meet(one, three)
        three.type("hello\n")
        self.assertEqual(one.line(), "?[31mred: hello")

    @on_each_host
    def test_lines_that_are_too_long(self, host):
        one, two = self.pair(host)
        two.type("x" * 1023 + "\n" + "y" * 1024 + "\n" + "z" * 100_000 + "\nshort\n")
        self.assertEqual(one.line(), "two: " + "x" * 1023)
        self.assertEqual(one.line(), "two: short")
        self.assertEqual(two.leave(), 0)
        self.assertEqual(two.errors(),
                         2 * "p2p_chat: not sent: a line of more than 1024 bytes\n")

    @on_each_host
    def test_nobody_there(self, host):
        with socket.create_server(("127.0.0.1", 0)) as closing:
            address = f"/ip4/127.0.0.1/tcp/{closing.getsockname()[1]}"
        one = self.chat(host, "one")
        two = self.chat(host, "two", "--dial", address, "--dial", one.address)
        self.assert_meet(one, two)
        two.type("hello\n")
        self.assertEqual(one.line(), "two: hello")
        self.assertEqual(two.leave(), 0)
        self.assertRegex(two.errors(), rf"\A{address}: [^\n]*refused[^\n]*\n\Z")

    @on_each_host
    def test_a_node_that_does_not_chat(self, host):
        with Program(host, "p2p_node") as node:
            address = node.line().removeprefix("listening on ")
            with Chat(host, "one", "--dial", address) as one:
                self.assertEqual(one.line(), f"* {address[-6:]} is here")
                self.assertEqual(one.line(), f"* {address[-6:]} has left "
                                 "(the peer supports none of the protocols)")
                self.assertEqual(one.leave(), 0)

    @on_each_host
    def test_somebody_who_dies(self, host):
        one, two = self.pair(host)
        two.end()
        self.assertRegex(one.line(), rf"^\* {two.short_id} has left \(.+\)$")
        three = self.chat(host, "three", "--dial", one.address)
        self.assert_meet(one, three)


if __name__ == "__main__":
    unittest.main()
