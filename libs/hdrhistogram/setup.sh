# HdrHistogram_c, which the load generator of benchmarks/ counts latencies with. Debian has no package
# of it; Valkey's source carries it whole. Off Debian CMake fetches it from upstream.
recipe="1"

usable() { made || ! on_debian; }

make_part() {
    fetch_source valkey trixie sid
    tar -xaf "$tarball" -C "$build" --strip-components=3 --wildcards '*/deps/hdr_histogram/*'
    mkdir -p "$out/src" "$out/include/hdr" # as upstream has it
    mv "$build/hdr_histogram.h" "$out/include/hdr/"
    mv "$build/hdr_histogram.c" "$build/hdr_atomic.h" "$build/hdr_tests.h" "$out/src/"
    mv "$build/LICENSE.txt" "$build/COPYING.txt" "$out/"
}
