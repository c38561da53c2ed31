# Standalone Asio's headers. Off Debian CMake fetches them from upstream.
recipe="1"

usable() { made || ! on_debian; }

make_part() {
    unpack_deb libasio-dev "$build/deb" sid # older suites have 1.30, which is too old
    mv "$build/deb/usr/include" "$out/"
}
