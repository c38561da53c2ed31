# libsodium's source; each build folder compiles it. Off Debian CMake fetches it from upstream.
recipe="1"

usable() { made || ! on_debian; }

make_part() {
    fetch_source libsodium sid testing # trixie has 1.0.18, which is too old
    tar -xaf "$tarball" -C "$out" --strip-components=1
}
