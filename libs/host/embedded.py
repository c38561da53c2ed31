"""Runs a WASI 0.2 command component in the engine that the Python package `wasmtime` carries.

usage: embedded.py [--dir DIR]... [--no-name-lookup] COMPONENT ARGS...

The program gets the network, name lookup, the environment, the standard streams and the folders
named. The exit code is the program's own; a trap prints its backtrace and gives 134, as the
wasmtime command does.

Needs 47.0.1: later C APIs up to 50.0.1 have no call that lets a component open TCP sockets.
"""
import os
import signal
import sys

import wasmtime
import wasmtime.component as component
from wasmtime import _bindings as c_api

TRAPPED = 134  # what a shell reports for SIGABRT


def wasi_config(dirs, name_lookup, argv):
    wasi = wasmtime.WasiConfig()
    wasi.argv = argv
    wasi.inherit_env()
    wasi.inherit_stdin()
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    c_api.wasi_config_inherit_network(wasi.ptr())
    c_api.wasi_config_allow_ip_name_lookup(wasi.ptr(), name_lookup)
    for path in dirs:
        wasi.preopen_dir(path, path)
    return wasi


def find_run(instance, store):
    for patch in range(100):
        interface = instance.get_export_index(store, f"wasi:cli/run@0.2.{patch}")
        if interface:
            return instance.get_func(store, instance.get_export_index(store, "run", interface))
    raise wasmtime.WasmtimeError("not a command: it does not export wasi:cli/run@0.2")


def run(path, dirs, name_lookup, argv):
    config = wasmtime.Config()
    config.wasm_tail_call = True
    config.cache = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    store.set_wasi(wasi_config(dirs, name_lookup, argv))
    store.set_wasi_http()
    linker = component.Linker(engine)
    linker.add_wasip2()
    linker.add_wasi_http()
    instance = linker.instantiate(store, component.Component.from_file(engine, path))
    result = find_run(instance, store)(store)
    return 0 if result.tag == "ok" else 1


def main(args):
    # The engine runs outside the interpreter, which would only note a signal for later.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    dirs = []
    while args[:1] == ["--dir"]:
        dirs.append(args[1])
        del args[:2]
    name_lookup = args[:1] != ["--no-name-lookup"]
    if not name_lookup:
        del args[:1]
    try:
        code = run(args[0], dirs, name_lookup, args)
    except wasmtime.ExitTrap as exit:
        code = exit.code
    except wasmtime.Trap as trap:
        print(f"Error: {trap}", file=sys.stderr)
        code = TRAPPED
    except wasmtime.WasmtimeError as error:
        print(f"Error: {error}", file=sys.stderr)
        code = TRAPPED if "wasm backtrace:" in str(error) else 1
    sys.stderr.flush()
    os._exit(code)  # nothing to tidy up, and tearing the store down takes time


main(sys.argv[1:])
