# What tests/interop talks to, as far as Debian has it, and OpenSSL's headers for the TLS load of
# benchmarks. Only with --peers: a machine without them skips those tests and measurements.
recipe="3"

peers=(gnutls-cli=gnutls-bin curl=curl node=nodejs go=golang-go
       redis-server=redis-server)

packages() { echo "${peers[@]}" libssl-dev; }

usable() {
    local peer
    [[ -e /usr/include/openssl/ssl.h ]] || return 1
    for peer in "${peers[@]}"; do [[ $(type -P "${peer%=*}") ]] || return 1; done
}

make_part() { await_packages; }
