# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a run was made on and with."""
import os
import platform
import re
import subprocess
from pathlib import Path

from measure import cpu_split
from servers import ROOT, host_name

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
        "versions": versions(),
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


def versions():
    """Of what is measured beside it, as it is pinned or installed."""
    go = re.search(r"go-libp2p v(\S+)", (NODES / "go/go.mod").read_text())
    found = {"go-libp2p": go[1] if go else "",
             "js-libp2p": locked_js("libp2p"),
             "rust-libp2p": crate(NODES / "rust", "libp2p"),
             "node": first_line(["node", "--version"]),
             "OpenSSL": first_line(["openssl", "version"])}
    for folder, name in (("tokio-echo", "tokio"), ("wstd-echo", "wstd"), ("rustls-echo", "rustls"),
                         ("libp2p-peer", "libp2p-wasi-sockets")):
        found[name] = crate(PEERS / folder, name)
    return {name: version for name, version in found.items() if version}


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
