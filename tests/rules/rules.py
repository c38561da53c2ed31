# SPDX-License-Identifier: MIT OR Apache-2.0
"""What holds for every source file: who may include what, and the form of a file.

Each rule is a function of a file's path (relative to the project) and its text, and yields what is
wrong. `check` applies all of them.
"""

import re
from pathlib import PurePosixPath

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
SPDX = "SPDX-License-Identifier: MIT OR Apache-2.0"
LONGEST_LINE = 100
LONGEST_PUBLIC_HEADER = 400

# Headers of an operating system, a host or a backend's library.
PLATFORM = re.compile(
    r"^(unistd|fcntl|poll|netdb|pthread|signal|dlfcn|termios)\.h$"
    r"|^(sys|net|netinet|arpa|linux|mach|asio|boost|wasi)/|^asio\.hpp$|^(windows|winsock2)\.h$"
)
PART = re.compile(r"^copoll/(tls|p2p)/")

# Of the libraries that the product is built on.
THIRD_PARTY = re.compile(r"^(mbedtls|psa|asio)/|^(sodium|asio)\.")

SOURCES = {".hpp", ".cpp", ".h", ".c"}


def includes(text):
    return INCLUDE.findall(text)


def platform_headers_only_in_backends(path, text):
    parts = PurePosixPath(path).parts
    if parts[0] not in ("reactor", "tls", "p2p") or parts[:2] == ("reactor", "backend"):
        return
    for header in includes(text):
        if PLATFORM.match(header):
            yield f"includes the platform header <{header}>"


def arrows_point_one_way(path, text):
    part = PurePosixPath(path).parts[0]
    for header in includes(text):
        other = PART.match(header)
        if part == "reactor" and other:
            yield f"the reactor includes <{header}>"
        if part in ("tls", "p2p") and header.startswith("copoll/backend/"):
            yield f"{part} includes the backend header <{header}>"
        if part in ("tls", "p2p") and other and other[1] != part:
            yield f"{part} includes <{header}>"
        if part == "libs" and header.startswith("copoll/"):
            yield f"libs includes <{header}>"


def public_headers_hide_what_is_below(path, text):
    if "/include/copoll/" not in path:
        return
    for header in includes(text):
        if THIRD_PARTY.match(header):
            yield f"a public header includes <{header}>"


def examples_use_the_public_interface(path, text):
    if PurePosixPath(path).parts[0] != "examples":
        return
    for header in includes(text):
        if header.startswith(("copoll/detail/", "copoll/backend/")):
            yield f"an example includes <{header}>"


# Tests that know what is behind the public interface, by folder or file, and what they know of it.
INSIDE = {
    "tests/reactor/backend/": "",
    "tests/wasi/": "",
    "tests/support/": "",
    "tests/reactor/allocation_test.cpp": "copoll/detail/frame_pool.hpp",
    "tests/reactor/time_test.cpp": "copoll/detail/timer_heap.hpp",
    "tests/reactor/": "copoll/backend/sim.hpp",  # to say what the simulated network does
}


def tests_use_the_public_interface(path, text):
    if not path.startswith("tests/"):
        return
    allowed = [header for place, header in INSIDE.items() if path.startswith(place)]
    for header in includes(text):
        if header.startswith(("copoll/detail/", "copoll/backend/")):
            if not header.startswith(tuple(allowed)):
                yield f"a test includes <{header}>"


def public_headers_fit_in_the_head(path, text):
    if "/include/copoll/" in path and text.count("\n") > LONGEST_PUBLIC_HEADER:
        yield f"has {text.count(chr(10))} lines, more than {LONGEST_PUBLIC_HEADER}"


def a_line_fits(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST_LINE:
            yield f"line {number} has {len(line)} columns, more than {LONGEST_LINE}"


def the_licence_is_named(path, text):
    if SPDX not in text.split("\n", 1)[0]:
        yield f"does not start with {SPDX}"


def a_header_is_included_once(path, text):
    if path.endswith(".hpp") and "#pragma once" not in text:
        yield "has no #pragma once"


def nothing_is_awaited_in_an_assertion(path, text):
    """GCC 12 evaluates a co_await inside Catch2's macros twice."""
    if not path.startswith("tests/"):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\b(CHECK|REQUIRE)\w*\(.*\bco_await\b", line):
            yield f"line {number} awaits inside an assertion"


RULES = [
    platform_headers_only_in_backends,
    arrows_point_one_way,
    public_headers_hide_what_is_below,
    examples_use_the_public_interface,
    tests_use_the_public_interface,
    public_headers_fit_in_the_head,
    a_line_fits,
    the_licence_is_named,
    a_header_is_included_once,
    nothing_is_awaited_in_an_assertion,
]


def links(markdown):
    """The files that a page links to, relative to it."""
    prose = re.sub(r"```.*?```|`[^`]*`", "", markdown, flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)", prose)
    return [t for t in targets if not re.match(r"[a-z]+:", t)]


def check(path, text):
    """What is wrong with a source file, as sentences."""
    return [f"{path}: {wrong}" for rule in RULES for wrong in rule(path, text)]
