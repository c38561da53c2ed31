# The embedded engine: a Python environment with the package `wasmtime`. Not needed where a
# wasmtime command will do, unless COPOLL_HOST=embedded asks for it.
version=47.0.1 # embedded.py says why not a later one
recipe="1 $version"

usable() {
    { made && [[ -x $tools/$folder/bin/python ]]; } ||
        { [[ ${COPOLL_HOST-} != embedded ]] &&
            "$root/libs/host/run" --host wasmtime --print-host >/dev/null 2>&1; }
}

packages() {
    if python3 -c 'import ensurepip, venv' 2>/dev/null || ! on_debian; then return; fi
    echo python3-venv
}

make_part() {
    await_packages
    say "Python environment, with python3 -m venv"
    python3 -m venv "$out" || die "python3 cannot make a virtual environment (module venv)"
    say "Python package wasmtime $version, with pip"
    "$out/bin/python" -m pip install --disable-pip-version-check "wasmtime==$version" ||
        die "pip could not install wasmtime $version: check the network, or put wasmtime 36 or" \
            "newer on PATH"
    "$out/bin/python" -I -c 'import wasmtime.component' ||
        die "the Python package wasmtime $version does not work on this machine"
}
