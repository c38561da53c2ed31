# The servers in Rust that ./dev bench measures beside ours, built from benchmarks/peers. Only with
# --peers. What cannot be built here is left out, and FILE.absent says why.
sources=$root/benchmarks/peers
folder=benchmark-peers
target=wasm32-wasip2
recipe="1 $(cd "$root/benchmarks" && find peers tls/*.pem -type f -not -path "*/target/*" | sort | xargs cat | sha256sum)"

usable() { made && [[ $quiet || -z $(echo "$tools/$folder"/*.absent) ]]; }

make_part() {
    await_packages
    cp -r "$sources" "$root/benchmarks/tls" "$build"
    rm -rf "$build"/peers/*/target # of builds by hand
    export CARGO_TARGET_DIR=$build/target
    find_rust
    make_native tokio-echo tokio-echo-native
    make_native rustls-echo rustls-echo-rustcrypto-native
    make_native libp2p-peer libp2p-listen-native
    find_target
    make_component tokio-echo tokio-echo.wasm --locked
    make_component wstd-echo wstd-echo-rw.wasm --locked
    make_component rustls-echo rustls-echo-rustcrypto.wasm --locked
    find_wasi_sdk # ring has parts in C
    make_component rustls-echo rustls-echo-ring.wasm --locked --no-default-features --features ring
    mend_wasi_sockets
    make_component libp2p-peer libp2p-listen-livefix.wasm --config wasi/config.toml
}

# Each of these sets `why` when something is missing that all that follow need.
find_rust() {
    why=
    if [[ $(type -P rustup) ]]; then # the one that rust-toolchain.toml names
        say "Rust, with rustup"
        (cd "$build/peers" && rustup toolchain install) ||
            why="rustup could not install the Rust that benchmarks/peers/rust-toolchain.toml names"
    elif [[ ! $(type -P cargo) ]]; then
        why="it needs rustup, or cargo on PATH"
    fi
}

find_target() {
    [[ ! $why ]] || return 0
    [[ -d $(cd "$build/peers" && rustc --print target-libdir --target $target) ]] ||
        why="it needs a Rust with the target $target"
}

find_wasi_sdk() {
    while [[ -e $work/toolchain.now ]]; do sleep 1; done # it is being made
    export WASI_SDK_PATH=${WASI_SDK_PATH:-$tools/wasi-sdk}
    local bin=$WASI_SDK_PATH/bin
    export CC_wasm32_wasip2=$bin/clang AR_wasm32_wasip2=$bin/llvm-ar
    export CFLAGS_wasm32_wasip2=--sysroot=$WASI_SDK_PATH/share/wasi-sysroot
}

# The crate as published waits for ever when it has written much.
mend_wasi_sockets() {
    [[ ! $why ]] || return 0
    local crate=$build/peers/libp2p-peer
    (cd "$crate" && cargo vendor --locked "$build/vendor") >/dev/null &&
        cp -r "$build/vendor/libp2p-wasi-sockets" "$crate" &&
        patch -d "$crate/libp2p-wasi-sockets" -p1 <"$crate/wasi-sockets.patch" ||
        why="libp2p-wasi-sockets could not be fetched and mended"
}

# make_native CRATE FILE
make_native() { make_peer "$1" "$2" "release/$1" --locked; }

# make_component CRATE FILE [OPTION...]
make_component() { make_peer "$1" "$2" "$target/release/$1.wasm" --target $target "${@:3}"; }

# make_peer CRATE FILE BUILT OPTION...: BUILT is where cargo leaves it.
make_peer() {
    if [[ ! $why ]]; then
        say "$2"
        (cd "$build/peers/$1" && cargo build --release "${@:4}") &&
            cp "$CARGO_TARGET_DIR/$3" "$out/$2" && return
    fi
    printf '%s\n' "${why:-it does not build here, see $log/$job.log}" >"$out/$2.absent"
    say "left out: $2, ${why:-it does not build here}"
}
