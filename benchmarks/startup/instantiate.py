# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the embedded engine takes to have a component ready to run, without starting it: compiling it,
loading what was compiled before, instantiating it. Prints one line of JSON, in microseconds.

Run by the Python that libs/host makes: instantiate.py COMPONENT.wasm
"""
import json
import sys
import time
from statistics import median

import wasmtime
from wasmtime import component

INSTANCES = 50


def microseconds(work):
    """How long it took, and what came of it."""
    begun = time.perf_counter()
    result = work()
    return (time.perf_counter() - begun) * 1e6, result


def new_store(engine):
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    store.set_wasi_http()
    return store


def main(path):
    config = wasmtime.Config()
    config.wasm_tail_call = True
    engine = wasmtime.Engine(config)
    compiling, compiled = microseconds(lambda: component.Component.from_file(engine, path))
    kept = compiled.serialize()
    loading, loaded = microseconds(lambda: component.Component.deserialize(engine, kept))
    linker = component.Linker(engine)
    linker.add_wasip2()
    linker.add_wasi_http()
    stores = [new_store(engine) for _ in range(INSTANCES)]
    instantiating = [microseconds(lambda: linker.instantiate(store, loaded))[0] for store in stores]
    print(json.dumps({"compile us": compiling, "load us": loading,
                      "instantiate us": median(instantiating)}))


main(*sys.argv[1:])
