# mbedTLS's source; each build folder compiles it. Off Debian CMake fetches it from upstream.
recipe="1"

usable() { made || ! on_debian; }

make_part() {
    fetch_source mbedtls sid trixie
    tar -xaf "$tarball" -C "$out" --strip-components=1
}
