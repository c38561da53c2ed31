# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario idle: what connections cost that only stay open, and whether busy ones are equal."""
from contenders import (COPOLL, ECHO_SERVER, FLAT, NATIVE_COPOLL, PLAIN, TWO_TIER, WASI,
                        component as component_contender, components, natives)
from measure import Case

ALONE = "10 active"
ALL_IDLE = 5_000
HELD = 15_000

component = ECHO_SERVER
open_files = HELD + 1_000


def contenders(host):
    return [*components(host), *natives((NATIVE_COPOLL, "echo_server")),
            component_contender(PLAIN, WASI / "ceiling_plain.wasm", host)]


def cases(peers):
    common = (COPOLL, TWO_TIER, FLAT, PLAIN, NATIVE_COPOLL, *peers)

    def case(name, active, idle=0, **more):
        # What was accepted counts as active for a while: the first part of a turn is not counted.
        load = ["--size", "64", "--connections", str(active), "--idle", str(idle),
                "--warmup", "0.4", "--patience", "30"]
        return Case(name, load, TWO_TIER, **{"also": (FLAT,), "contenders": common, **more})

    return [
        case(ALONE, 10),
        *(case(f"10 active + {idle:,} idle", 10, idle, reference=ALONE, seconds=2)
          for idle in (1_000, 5_000, 10_000)),
        case("64 equal", 64, view="fairness", seconds=2),
        case("1,000 busy", 1_000, view="fairness", seconds=2),
        case(f"all idle: {ALL_IDLE:,}", 0, ALL_IDLE, view="rest", seconds=5, rounds=3),
        case(f"held: {HELD:,}, then each echoes once", 0, HELD, view="held", seconds=1, rounds=3),
    ]
