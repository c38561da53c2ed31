# What tests need of BoringSSL's source: Wycheproof's vectors, and the runner of its TLS tests. Off
# Debian the tests that need them say so and are skipped.
recipe="2"

packages() { echo go=golang-go golang-golang-x-crypto-dev; } # to build the runner with

usable() { made || ! on_debian; }

make_part() {
    fetch_source android-platform-external-boringssl sid trixie
    tar -xaf "$tarball" -C "$out" --strip-components=2 --wildcards \
        '*/src/third_party/wycheproof_testvectors' '*/src/ssl/test/runner' '*/src/util/testresult' \
        '*/src/go.mod' '*/src/go.sum' '*/src/LICENSE'
    [[ -f $out/third_party/wycheproof_testvectors/x25519_test.json ]] ||
        die "$(basename "$tarball") has no Wycheproof vectors where they were"
    await_packages
}
