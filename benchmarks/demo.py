#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Serves real connections from a component for some seconds and says how it went."""
import argparse
import sys

from measure import run_load
from servers import ROOT, Failure, Server, exit_on_signals, host_name, runner

COMPONENT = ROOT / "build/wasi/bin/echo_server.wasm"
CONNECTIONS = 100
SIZE = 1024


def demonstrate(host, seconds):
    if not COMPONENT.exists():
        raise Failure(f"{COMPONENT.relative_to(ROOT)} is missing: ./dev build wasi")
    print(f"host         {host_name(host)}")
    print(f"component    {COMPONENT.name}, {COMPONENT.stat().st_size / 1024:.0f} KiB")
    with Server([*runner(host), str(COMPONENT), "--listen", "127.0.0.1:0"]) as server:
        print(f"listening on {server.address}")
        print(f"load         {CONNECTIONS} connections, {SIZE}-byte messages, every byte checked,"
              f" {seconds:g} s", flush=True)
        figures = run_load(server.address,
                           ["--connections", str(CONNECTIONS), "--size", str(SIZE)], seconds)
    latency = figures["latency_us"]
    print(f"messages     {figures['messages_per_second']:,.0f} per second")
    print(f"data         {figures['megabytes_per_second']:,.1f} MB/s each way,"
          f" {figures['bytes_received']:,} bytes came back right")
    print(f"latency      p50 {latency['p50'] / 1000:.2f} ms, p99 {latency['p99'] / 1000:.2f} ms,"
          f" max {latency['max'] / 1000:.2f} ms")


def main(argv):
    parser = argparse.ArgumentParser(prog="dev demo", description=__doc__)
    parser.add_argument("--host", choices=["wasmtime", "embedded"],
                        help="what runs the component (default: the first that is there)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of the run (4)")
    options = parser.parse_args(argv)
    exit_on_signals()
    try:
        demonstrate(options.host, options.seconds)
    except Failure as failure:
        print(f"demo: failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print("demo: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
