# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenario tls: handshakes and streams of TLS 1.3 servers, and what it costs without a network (see
tls_programs.py)."""
import subprocess

import measure
import tls_programs
from contenders import ANY_PORT, COPOLL, NATIVE, NATIVE_COPOLL, TLS_PEERS, WASI, from_folder
from measure import Case, Contender
from servers import ROOT, Failure, runner
from tls_programs import AT_ONCE, OPENSSL, OPENSSL_SERVER

component = WASI / "tls_server.wasm"
open_files = 2_000

TICKETS = "with tickets"
IDENTITY = ROOT / "benchmarks/tls"
RUSTLS = tuple(TLS_PEERS.values())
CHACHA20, AES_128 = "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"
STREAMS = ((16, CHACHA20), (16, AES_128), (4, CHACHA20), (1, CHACHA20))  # KiB of a record


def with_tickets(name):
    return f"{name}, {TICKETS}"


def server(command, *options):
    """`tls_server` as an echo server with the benchmarks' identity, given by absolute paths."""
    return [*command, *ANY_PORT, "--cert", str(IDENTITY / "certificate.pem"),
            "--key", str(IDENTITY / "key.pem"), "--echo", *options]


def in_component(host, name, file, *options):
    path = WASI / file
    if not path.exists():
        raise Failure(f"{path.relative_to(ROOT)} is missing: ./dev build wasi")
    run = [*runner(host), "--dir", str(IDENTITY), str(path)]
    return Contender(name, server(run, *options))


def natively(name, file, *command):
    absent = "" if (NATIVE / file).exists() else f"no {file}, it needs OpenSSL's headers"
    return Contender(name, list(command), missing=absent)


def contenders(host):
    """Those that let clients resume are others than those that do not: a ticket is work."""
    native, openssl = NATIVE / "tls_server", str(OPENSSL_SERVER)
    found = [
        in_component(host, COPOLL, "tls_server.wasm", "--no-tickets"),
        in_component(host, with_tickets(COPOLL), "tls_server.wasm"),
        natively(OPENSSL, "openssl_echo", openssl, *ANY_PORT, "--no-tickets"),
        natively(with_tickets(OPENSSL), "openssl_echo", openssl, *ANY_PORT)]
    if native.exists():
        found += [Contender(NATIVE_COPOLL, server([str(native)], "--no-tickets")),
                  Contender(with_tickets(NATIVE_COPOLL), server([str(native)]))]
    return found


def peers(folder, host):
    return from_folder(folder, host, TLS_PEERS)


def cases(peer_names):
    common = (COPOLL, NATIVE_COPOLL, OPENSSL, *peer_names)
    resuming = tuple(map(with_tickets, (COPOLL, NATIVE_COPOLL, OPENSSL)))
    base = next((name for name in RUSTLS if name in peer_names), OPENSSL)
    visits = ["--tls", "--connections", AT_ONCE, "--handshakes"]
    bulk = ["--tls", "--connections", "1", "--pipeline", "4"]
    return [
        Case("full handshakes, P-256 and X25519", [*visits, "full"], base, also=(OPENSSL,),
             contenders=common, view="handshakes"),
        Case("full handshakes and a ticket", [*visits, "full"], with_tickets(OPENSSL),
             contenders=resuming, view="handshakes"),
        Case("resumed handshakes", [*visits, "resumed"], with_tickets(OPENSSL),
             reference="full handshakes and a ticket", contenders=resuming, view="handshakes"),
        *(Case(f"{size} KiB x 1 connection, 4 in flight, {suite}",
               [*bulk, "--size", str(size << 10), "--suite", suite], base,
               also=(OPENSSL,), contenders=common, view="stream") for size, suite in STREAMS),
    ]


def lacks():
    """Why nothing can be measured over the network; empty if it can."""
    if not measure.ECHO_LOAD.exists():
        return f"{measure.ECHO_LOAD.relative_to(ROOT)} is missing: ./dev build native"
    answer = subprocess.run([measure.ECHO_LOAD, "--tls", "--help"], capture_output=True)
    if answer.returncode == 0:
        return ""
    return "echo_load was built without OpenSSL's headers: ./dev setup --peers"


run = tls_programs.run
tables = tls_programs.tables
