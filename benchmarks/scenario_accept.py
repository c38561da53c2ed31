# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario accept: how many connections a server takes, serves and closes."""
from contenders import (COPOLL, ECHO_SERVER, FLAT, NATIVE_COPOLL, NATIVE_EPOLL, TWO_TIER, components,
                        natives)
from measure import Case

AT_ONCE = (1, 64)

component = ECHO_SERVER
open_files = 1_000


def contenders(host):
    return [*components(host),
            *natives((NATIVE_COPOLL, "echo_server"), (NATIVE_EPOLL, "ceiling_epoll"))]


def cases(peers):
    return [Case(f"connect, 1 B there and back, close; {count} at once",
                 ["--visits", "--connections", str(count)], FLAT, view="visits",
                 contenders=(COPOLL, TWO_TIER, FLAT, NATIVE_COPOLL, NATIVE_EPOLL, *peers))
            for count in AT_ONCE]
