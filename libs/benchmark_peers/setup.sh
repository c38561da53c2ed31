# The servers in Rust that ./dev bench measures beside ours, built from benchmarks/peers. Only with
# --peers. What cannot be built here is left out, and FILE.absent says why.
#
# Components need a Rust that has the target wasm32-wasip2. Where the machine's has not, that of
# Debian sid is unpacked and run in a root of its own, which is gone when the peers are built.
sources=$root/benchmarks/peers
folder=benchmark-peers
target=wasm32-wasip2
recipe="1 $(cd "$root/benchmarks" && find peers tls/*.pem -type f | sort | xargs cat | sha256sum)"

usable() { made && [[ $quiet || -z $(echo "$tools/$folder"/*.absent) ]]; }

make_part() {
    await_packages
    rust=$build/root
    mkdir -p "$rust/work"
    cp -r "$sources" "$root/benchmarks/tls" "$rust/work"
    have_cargo
    make_native tokio-echo tokio-echo-native
    make_native rustls-echo rustls-echo-rustcrypto-native
    make_native libp2p-peer libp2p-listen-native
    have_wasm_cargo
    make_component tokio-echo tokio-echo.wasm
    make_component wstd-echo wstd-echo-rw.wasm
    make_component rustls-echo rustls-echo-rustcrypto.wasm
    make_component rustls-echo rustls-echo-ring.wasm --no-default-features --features ring
    mend_wasi_sockets
    make_component libp2p-peer libp2p-listen-livefix.wasm
}

# Sets `why` when the machine's cargo is missing; packages get what it fetches in a home of their own,
# with the user's choice of registries.
have_cargo() {
    export CARGO_HOME=$rust/work/cargo
    mkdir -p "$CARGO_HOME"
    cp "$HOME"/.cargo/config.toml "$CARGO_HOME" 2>/dev/null || true
    why=
    [[ $(type -P cargo) ]] || why="it needs cargo on PATH"
}

# make_native CRATE FILE
make_native() {
    [[ ! $why ]] || { leave_out "$2"; return; }
    say "$2, with cargo"
    if (cd "$rust/work/peers/$1" && cargo build --locked --release --target-dir "$build/native"); then
        cp "$build/native/release/$1" "$out/$2"
    else
        leave_out "$2"
    fi
}

# Sets run_cargo, or `why`.
have_wasm_cargo() {
    [[ ! $why ]] || return 0
    local libraries
    libraries=$(rustc --print target-libdir --target $target 2>/dev/null) || libraries=
    if [[ -d $libraries ]]; then
        run_cargo() { (cd "$rust/work/peers/$1" && shift && cargo "$@"); }
    elif on_debian && unpack_rust; then
        run_cargo() { in_root "/work/peers/$1" cargo "${@:2}" --offline; }
    else
        why="it needs a Rust with $target: rustup target add $target"
    fi
}

# make_component CRATE FILE [OPTION...]
make_component() {
    local crate=$1 file=$2
    shift 2
    [[ ! $why ]] || { leave_out "$file"; return; }
    say "$file, with cargo"
    # fetched by the machine's cargo: a root of its own has no network's settings
    if (cd "$rust/work/peers/$crate" && cargo fetch) &&
        run_cargo "$crate" build --release --target $target "$@"; then
        cp "$rust/work/peers/$crate/target/$target/release/$crate.wasm" "$out/$file"
    else
        leave_out "$file"
    fi
}

# The crate as published waits for ever when it has written much.
mend_wasi_sockets() {
    [[ ! $why ]] || return 0
    local crate=$rust/work/peers/libp2p-peer
    (cd "$crate" && cargo vendor --locked "$build/vendor") >/dev/null &&
        cp -r "$build/vendor/libp2p-wasi-sockets" "$crate" &&
        patch -d "$crate/libp2p-wasi-sockets" -p1 <"$crate/wasi-sockets.patch" &&
        mkdir "$crate/.cargo" && cp "$crate/wasi.toml" "$crate/.cargo/config.toml" ||
        why="libp2p-wasi-sockets could not be fetched and mended"
}

# Rust with its linker for components, and clang for what crates have in C, from Debian sid.
unpack_rust() {
    say "Rust with $target from Debian sid, some 300 MB"
    local llvm
    llvm=$(in_suite sid apt-cache depends rustc | sed -n 's/^ *Depends: libllvm\([0-9]*\).*/\1/p')
    : >"$build/no-packages"
    # shellcheck disable=SC2086
    in_suite sid apt-get -o Dir::State::status="$build/no-packages" \
        -o Dir::Cache::archives="$dl" -o Debug::NoLocking=true install --download-only -y \
        --no-install-recommends base-files dash coreutils rustc cargo libstd-rust-dev-wasm32 \
        lld-$llvm rust-llvm clang-$llvm llvm-$llvm wasi-libc || return
    local package
    for package in "$dl"/*.deb; do dpkg -x "$package" "$rust" || return; done
    mkdir -p "$rust"/{proc,dev,tmp}
    export CC_wasm32_wasip2=clang-$llvm AR_wasm32_wasip2=llvm-ar-$llvm
    in_root / rustc --version
}

# in_root FOLDER COMMAND...: with the unpacked packages as the whole system.
in_root() {
    # shellcheck disable=SC2016
    unshare --map-root-user --mount sh -c '
        mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" &&
        exec env -u RUSTUP_TOOLCHAIN PATH=/usr/bin:/bin CARGO_HOME=/work/cargo HOME=/tmp \
            chroot "$0" sh -c '\''cd "$0" && exec "$@"'\'' "$@"' "$rust" "$@"
}

leave_out() {
    printf '%s\n' "${why:-it does not build here, see $log/$job.log}" >"$out/$1.absent"
    say "left out: $1, ${why:-it does not build here}"
}
