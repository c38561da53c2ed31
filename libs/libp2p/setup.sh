# Nodes of go-libp2p, js-libp2p and rust-libp2p, which tests/interop talks to; built from
# tests/interop/peers. Only with --peers. A node for which this machine has no compiler or no
# network is left out, and ./dev setup --peers tries again.
sources=$root/tests/interop/peers
oldest_node=20 oldest_go=1.25 oldest_rust=1.88
recipe="1 $(cd "$sources" && find go js rust -type f | sort | xargs cat | sha256sum)"

usable() { made && [[ $quiet || -z $(echo "$tools/$folder"/*.absent) ]]; }

make_part() {
    await_packages
    # one after another: each takes what cores there are
    local node
    for node in go js rust; do "make_$node" || leave_out "$node"; done
}

make_go() {
    newer go "$oldest_go" "$(go env GOVERSION | tr -d 'a-z')" || return
    say "go-libp2p"
    cp -r "$sources/go" "$build/go"
    (cd "$build/go" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly go build -o "$out/go_peer" .)
}

make_js() {
    newer node "$oldest_node" "$(node -p process.versions.node)" || return
    say "js-libp2p"
    cp -r "$sources/js" "$out/js"
    (cd "$out/js" && npm ci --no-fund --no-audit --ignore-scripts)
}

make_rust() {
    newer cargo "$oldest_rust" "$(cargo --version | cut -d' ' -f2)" || return
    say "rust-libp2p: some minutes"
    cp -r "$sources/rust" "$build/rust"
    (cd "$build/rust" && cargo build --locked --release --target-dir "$build/target") &&
        cp "$build/target/release/copoll-interop-peer" "$out/rust_peer"
}

# newer COMMAND OLDEST VERSION
newer() {
    [[ $(type -P "$1") && $(printf '%s\n' "$2" "$3" | sort -V | head -n 1) == "$2" ]] ||
        { why="it needs $1 $2 or newer on PATH"; return 1; }
}

leave_out() {
    rm -rf "${out:?}/$1" "$out/$1_peer"
    printf '%s\n' "${why:-it does not build here, see $log/$job.log}" >"$out/$1.absent"
    say "left out: $1, ${why:-it does not build here}"
    why=
}
