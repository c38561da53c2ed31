# jco's transpiler and its WASI for Node, from npm: the host `jco`, which is a second opinion. What
# there is no Node or no network for is left out, and ./dev setup tries again.
transpiler=0.15.0 shim=0.26.1 # those of jco 1.35.0; its command has nothing else that is used here
oldest_node=20
recipe="1 $transpiler $shim"

usable() {
    if [[ -z $(type -P node) || -z $(type -P npm) ]]; then
        [[ ${COPOLL_HOST-} != jco ]] ||
            die "COPOLL_HOST=jco needs Node $oldest_node or newer and npm on PATH"
        [[ $quiet ]] || echo "setup: no Node and npm on PATH, so no host jco" >&2
        return 0
    fi
    made && [[ $quiet || ! -e $tools/$folder/absent ]]
}

make_part() {
    local node
    node=$(node -p process.versions.node)
    ((${node%%.*} >= oldest_node)) ||
        leave_out "it needs Node $oldest_node or newer on PATH (found $node)" || return 0
    say "npm packages jco-transpile $transpiler and preview2-shim $shim"
    npm install --no-fund --no-audit --ignore-scripts --prefix "$out" \
        --fetch-retries=1 --fetch-retry-mintimeout=2000 --fetch-retry-maxtimeout=5000 \
        "@bytecodealliance/jco-transpile@$transpiler" "@bytecodealliance/preview2-shim@$shim" ||
        leave_out "npm could not install jco-transpile $transpiler: check the network" || return 0
}

# Always false.
leave_out() {
    rm -rf "${out:?}"/*
    printf '%s; ./dev setup tries again\n' "$1" >"$out/absent"
    say "left out: $1"
    return 1
}
