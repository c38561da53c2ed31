# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a run was made on and with."""
import os
import platform
import re
import subprocess
from pathlib import Path

from contenders import FOLDER
from measure import cpu_split
from p2p_programs import node
from servers import ROOT, TOOLS, host_name

PEERS = ROOT / "benchmarks/peers"
NODES = ROOT / "tests/interop/peers"


def describe_machine(options):
    load_cpus, server_cpus = cpu_split() if not options.no_pin else ((), ())
    return {
        "host": host_name(options.host),
        "system": system_name(),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": processor(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "cpus": os.cpu_count(),
        "load_cpus": sorted(load_cpus),
        "server_cpus": sorted(server_cpus),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "revision": revision(),
        "versions": versions(options),
    }


def system_name():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (AttributeError, OSError, KeyError):
        return platform.system()


def processor():
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def revision():
    """Of this project; empty where it is not a checkout."""
    return first_line(["git", "-C", str(ROOT), "describe", "--always", "--dirty"])


def versions(options):
    """Of what the figures depend on, as far as it is there."""
    found = {**own_parts(), "OpenSSL": openssl(),
             **versions_of_nodes(), **versions_of_peers(options.peers)}
    return {name: version for name, version in found.items() if version}


def own_parts():
    """What the library and its programs are built with."""
    return {"compiler (wasi)": compiler("wasi"), "compiler (native)": compiler("native"),
            "mbedTLS": told_by("mbedtls/include/mbedtls/build_info.h", r'VERSION_STRING +"(\S+)"'),
            "Asio": told_by("asio/include/asio/version.hpp", r"ASIO_VERSION \d+ // (\S+)"),
            "libsodium": told_by("libsodium/configure.ac", r"AC_INIT\(\[libsodium\],\[([^]]+)\]")}


def openssl():
    words = first_line(["openssl", "version"]).split()
    return words[1] if len(words) > 1 else ""


def told_by(file, pattern):
    """What a file among the tools says of its version."""
    path = TOOLS / file
    found = re.search(pattern, path.read_text()) if path.exists() else None
    return found[1] if found else ""


def compiler(preset):
    """Which one CMake found for it."""
    for path in (ROOT / "build" / preset).glob("CMakeFiles/*/CMakeCXXCompiler.cmake"):
        told = [re.search(rf'set\(CMAKE_CXX_COMPILER_{what} "(.+)"\)', path.read_text())
                for what in ("ID", "VERSION")]
        if all(told):
            return " ".join(found[1] for found in told)
    return ""


def versions_of_nodes():
    go = re.search(r"go-libp2p v(\S+)", (NODES / "go/go.mod").read_text())
    pinned = {"go-libp2p": go[1] if go else "", "js-libp2p": locked_js("libp2p"),
              "rust-libp2p": crate(NODES / "rust", "libp2p")}
    there = {name: version for name, version in pinned.items() if not node(name)[1]}
    if "js-libp2p" in there:
        there["node"] = first_line(["node", "--version"]).removeprefix("v")
    return there


def versions_of_peers(folder):
    """As they are pinned; who brings a folder of their own knows what is in it."""
    if folder != FOLDER:
        return {}
    files = {"tokio": "tokio-echo", "wstd": "wstd-echo", "rustls": "rustls-echo",
             "libp2p-wasi-sockets": "libp2p-listen"}
    sources = files | {"libp2p-wasi-sockets": "libp2p-peer"}
    return {name: crate(PEERS / sources[name], name) for name, file in files.items()
            if any(not path.name.endswith(".absent") for path in folder.glob(f"{file}*"))}


def locked_js(name):
    text = (NODES / "js/package-lock.json").read_text()
    found = re.search(rf'"node_modules/{name}": {{\s*"version": "([^"]+)"', text)
    return found[1] if found else ""


def crate(folder, name):
    """Its version in the folder's Cargo.lock."""
    lock = folder / "Cargo.lock"
    if not lock.exists():
        return ""
    found = re.search(rf'name = "{name}"\nversion = "([^"]+)"', lock.read_text())
    return found[1] if found else ""


def first_line(command):
    try:
        answer = subprocess.run(command, text=True, capture_output=True, check=True)
        return answer.stdout.strip().partition("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return ""
