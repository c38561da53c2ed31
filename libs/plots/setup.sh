# Python with matplotlib, which draws the report of ./dev bench. Only that and the tests of it need
# this part and name it; a set-up of everything leaves it out.
version=3.10.3
recipe="1 $version"

usable() {
    ((${#parts[@]} == 1)) || return 0
    made && [[ -x $tools/$folder/bin/python ]]
}

packages() {
    if python3 -c 'import ensurepip, venv' 2>/dev/null || ! on_debian; then return; fi
    echo python3-venv
}

make_part() {
    await_packages
    say "Python environment with matplotlib $version"
    python3 -m venv "$out" || die "python3 cannot make a virtual environment (module venv)"
    "$out/bin/python" -m pip install --disable-pip-version-check --only-binary :all: \
        "matplotlib==$version" || die "pip could not install matplotlib $version: check the network"
}
