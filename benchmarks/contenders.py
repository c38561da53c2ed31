# SPDX-License-Identifier: MIT OR Apache-2.0
"""The servers that the scenarios measure, under the names that stand in the report."""
import subprocess

from measure import Contender
from servers import ROOT, TOOLS, Failure, peer_command, runner

WASI = ROOT / "build/wasi/bin"
NATIVE = ROOT / "build/native/bin"
ECHO_SERVER = WASI / "echo_server.wasm"
FOLDER = TOOLS / "benchmark-peers"  # of what ./dev setup --peers builds of benchmarks/peers
ANY_PORT = ["--listen", "127.0.0.1:0"]

COPOLL = "copoll"
FLAT = "flat ceiling"
PLAIN = "flat, a poll each turn"
SPLICE = "flat, by splice"
TWO_TIER = "two-tier ceiling"
NATIVE_COPOLL = "native copoll"
NATIVE_EPOLL = "native epoll"

# File in the folder of --peers: name in the report.
PEERS = {
    "tokio-echo.wasm": "tokio",
    "wstd-echo-rw.wasm": "wstd",
    "tokio-echo-native": "native tokio",
}
P2P_PEERS = {
    "libp2p-listen-livefix.wasm": "libp2p-wasi-sockets",
    "libp2p-listen-native": "the same natively",
}
TLS_PEERS = {
    "rustls-echo-ring.wasm": "rustls, ring, over wstd",
    "rustls-echo-rustcrypto.wasm": "rustls, RustCrypto, over wstd",
    "rustls-echo-rustcrypto-native": "native rustls, RustCrypto",
}

ALL_PEERS = [*PEERS, *TLS_PEERS, *P2P_PEERS]


def component(name, path, host, *arguments):
    if not path.exists():
        raise Failure(f"{path.relative_to(ROOT)} is missing: ./dev build wasi")
    return Contender(name, [*runner(host), str(path), *ANY_PORT, *arguments])


def components(host):
    return [component(COPOLL, ECHO_SERVER, host),
            component(TWO_TIER, WASI / "ceiling_two_tier.wasm", host),
            component(FLAT, WASI / "ceiling_echo.wasm", host)]


def natives(*files):
    """Those that were built, by (name, file)."""
    return [Contender(name, [str(NATIVE / file), *ANY_PORT]) for name, file in files
            if (NATIVE / file).exists()]


def with_buffers(host, sizes):
    """The echo server with read buffers of these sizes in KiB."""
    absent = "" if knows_option(host, "--buffer") else "echo_server has no option --buffer"
    return [Contender(buffer_name(size), [*component(COPOLL, ECHO_SERVER, host).command,
                                          "--buffer", str(size << 10)], missing=absent)
            for size in sizes]


def buffer_name(size):
    return f"{COPOLL}, {size} KiB buffer"


def knows_option(host, option):
    answer = subprocess.run([*runner(host), str(ECHO_SERVER), "--help"], text=True,
                            capture_output=True)
    return option in answer.stdout


def from_folder(folder, host, wanted=PEERS, listen="127.0.0.1:{port}", load=()):
    """Peers built elsewhere; native ones may lie in the subfolder `native`. `listen` is how they
    are told where to, `load` what the load is told about them."""
    found = []
    for file, name in wanted.items():
        places = [place for place in (folder / file, folder / "native" / file) if place.exists()]
        if not places:
            found.append(Contender(name, [], peer=True, missing=why_missing(folder, file)))
            continue
        run = runner(host) if file.endswith(".wasm") else []
        found.append(Contender(name, [*run, str(places[0]), listen], peer=True, load=load))
    return found


def why_missing(folder, file):
    """`FILE.absent` is why set-up could not build it."""
    reason = folder / f"{file}.absent"
    if reason.exists():
        return reason.read_text().strip()
    return f"no {file} in {folder}" if folder != FOLDER else "./dev setup --peers builds it"


def named(text, host):
    """A peer by NAME=COMMAND."""
    name, _, command = text.partition("=")
    return Contender(name, peer_command(command, host), peer=True)
