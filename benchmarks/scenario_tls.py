# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario tls: the engine against bare calls of the same mbedTLS, both ends in memory."""
import statistics

from program_runs import run_in_rounds

open_files = 100
# What is measured: the figure behind "raw " and "engine ", and whether more is better.
ROWS = {
    "full handshakes/s, server": ("full handshake us", False),
    "resumed handshakes/s, server": ("resumed handshake us", False),
    "ChaCha20-Poly1305 MB/s, both ends": ("chacha20 MB/s", True),
    "AES-128-GCM MB/s, both ends": ("aes_128_gcm MB/s", True),
}


def run(options, show_progress):
    return run_in_rounds("tls", "tls_cost", options, show_progress)


def rates(figures, side, figure, is_rate):
    """Of each round; empty if it is not measured on that side."""
    values = figures.get(f"{side} {figure}", [])
    return values if is_rate else [1e6 / value for value in values]


def as_text(figures):
    width = max(map(len, ROWS))
    lines = []
    for name, measured in figures.items():
        lines += [f"{name.ljust(width)}  engine  bare calls  ratio       spread"]
        for title, (figure, is_rate) in ROWS.items():
            engine = rates(measured, "engine", figure, is_rate)
            bare = rates(measured, "raw", figure, is_rate)
            line = f"{title.ljust(width)}  {statistics.median(engine):>6,.0f}"
            if bare:
                ratios = [e / b for e, b in zip(engine, bare)]
                line += (f"  {statistics.median(bare):>10,.0f}  {statistics.median(ratios):>5.2f}"
                         f"  {min(ratios):>6.2f}-{max(ratios):.2f}")
            lines.append(line)
        full, again = (rates(measured, "engine", ROWS[row][0], False) for row in list(ROWS)[:2])
        lines += [f"{'resumed / full'.ljust(width)}  "
                  f"{statistics.median(r / f for r, f in zip(again, full)):>6.1f}", ""]
    return "\n".join(lines).rstrip()
