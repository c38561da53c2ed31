# SPDX-License-Identifier: MIT OR Apache-2.0
"""What of scenario tls measures itself. Both ends in memory: the engine, bare calls of the same
mbedTLS, bare calls of mbedTLS as its authors configure it. And our client against OpenSSL's
server."""
import measure
from contenders import ANY_PORT, NATIVE
from program_runs import builds, run_in_rounds, run_once
from servers import ROOT, Server, on_cpus
from tables import Table, middle, ratio

IN_MEMORY = "in memory"
CLIENT = "client"
OPENSSL = "native OpenSSL"
OPENSSL_SERVER = NATIVE / "openssl_echo"
AT_ONCE = "16"
# A client checks what ours does: whom the server's certificate leads to, and its name.
VERIFIED = ["--ca-file", str(ROOT / "benchmarks/tls/certificate.pem"),
            "--server-name", "bench.example"]
# What is measured: the figure behind "engine ", "raw " and "stock ", and whether more is better.
ROWS = {
    "full handshakes/s, server": ("full handshake us", False),
    "resumed handshakes/s, server": ("resumed handshake us", False),
    "ChaCha20-Poly1305 MB/s, both ends": ("chacha20 MB/s", True),
    "AES-128-GCM MB/s, both ends": ("aes_128_gcm MB/s", True),
}
KINDS = ("full", "resumed")


def run(options, show_progress):
    """{"in memory" or "client": {contender: {figure: [each round]}}}, and what was not measured"""
    figures, missing = {}, {}
    if options.case in IN_MEMORY:
        figures[IN_MEMORY] = run_in_rounds("tls", ["tls_cost", "tls_cost_stock"], options,
                                           show_progress)
    if options.case in CLIENT and OPENSSL_SERVER.exists():
        figures[CLIENT] = run_clients(options, show_progress)
    elif options.case in CLIENT:
        missing[CLIENT] = f"no {OPENSSL_SERVER.name}, it needs OpenSSL's headers"
    return figures, missing


def run_clients(options, show_progress):
    """{client: {kind: [handshakes/s of each round]}}; the client has the CPUs that are else the
    server's."""
    their_cpus, our_cpus = measure.cpu_split() if not options.no_pin else ((), ())
    dialers = builds(options.host, "tls_dial")
    rates = {name: {kind: [] for kind in KINDS} for name in [*dialers, OPENSSL]}
    for number in range(options.rounds):
        for name, row in rates.items():
            for kind, found in row.items():
                show_progress(f"tls client, round {number + 1} of {options.rounds}: {name}, {kind}")
                with Server([str(OPENSSL_SERVER), *ANY_PORT], their_cpus) as server:
                    found.append(client_rate(name, dialers.get(name), server.address, kind,
                                             options.seconds, our_cpus))
    return rates


def client_rate(name, dialer, address, kind, seconds, cpus):
    """Handshakes/s of `tls_dial`, or of echo_load where there is no command."""
    if not dialer:
        load = ["--tls", "--handshakes", kind, "--connections", AT_ONCE, *VERIFIED]
        return measure.run_load(address, load, seconds, cpus)["messages_per_second"]
    resumes = ["--resume"] if kind == "resumed" else []
    with on_cpus(cpus):
        return run_once(name, [*dialer, address, "--connections", AT_ONCE, "--milliseconds",
                               str(int(seconds * 1000)), *resumes])["handshakes/s"]


def rates(figures, side, figure, is_rate):
    """Of each round; empty if it is not measured on that side."""
    values = figures.get(f"{side} {figure}", [])
    return values if is_rate else [1e6 / value for value in values]


def in_memory_table(name, measured):
    rows = []
    for title, (figure, is_rate) in ROWS.items():
        engine, raw, stock = (rates(measured, side, figure, is_rate)
                              for side in ("engine", "raw", "stock"))
        rows.append((title, [middle(engine), middle(raw), ratio(engine, raw), middle(stock),
                             ratio(raw, stock)]))
    full, again = (rates(measured, "engine", ROWS[row][0], False) for row in list(ROWS)[:2])
    rows.append(("resumed / full", [ratio(again, full), "-", "-", "-", "-"]))
    return Table(f"{name}, {IN_MEMORY}", ["engine", "bare calls", "x bare calls", "stock mbedTLS",
                                          "bare calls x stock"], rows)


def client_table(measured):
    rows = [(name, [*(cell for kind in KINDS
                      for cell in (middle(row[kind]), ratio(row[kind], measured[OPENSSL][kind]))),
                    ratio(row["resumed"], row["full"])]) for name, row in measured.items()]
    return Table("client's side, server: native OpenSSL",
                 [cell for kind in KINDS for cell in (f"{kind}/s", f"x {OPENSSL}")]
                 + ["resumed / full"], rows)


def tables(figures):
    found = [in_memory_table(*item) for item in figures.get(IN_MEMORY, {}).items()]
    return found + ([client_table(figures[CLIENT])] if CLIENT in figures else [])
