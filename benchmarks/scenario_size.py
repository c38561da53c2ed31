# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario size: bytes of the components, as built and without debug information and names."""
import contenders
from component_size import stripped_size
from contenders import WASI
from tables import Table

open_files = 100
OURS = ("echo_server", "tls_server", "p2p_server", "ceiling_echo", "ceiling_two_tier")
BUILT, STRIPPED = "bytes", "stripped bytes"


def run(options, show_progress):
    """{component: {"bytes" or "stripped bytes": [each round, always the same]}}, and why others are
    not there"""
    show_progress("size")
    files = {f"{name}.wasm": WASI / f"{name}.wasm" for name in OURS}
    files |= {name: options.peers / name for name in contenders.ALL_PEERS if name.endswith(".wasm")}
    figures, missing = {}, {}
    for name, path in files.items():
        if options.case not in name:
            continue
        if not path.exists():
            missing[name] = contenders.why_missing(path.parent, name)
            continue
        binary = path.read_bytes()
        figures[name] = {BUILT: [len(binary)] * options.rounds,
                         STRIPPED: [stripped_size(binary)] * options.rounds}
    return figures, missing


def tables(figures):
    rows = [(name, [f"{row[key][0]:,}" for key in (STRIPPED, BUILT)])
            for name, row in figures.items()]
    return [Table("component", ["bytes without debug information", "bytes as built"], rows)]
