# What tests/interop talks to, as far as Debian has it. Only with --peers: a machine without them
# skips those tests.
recipe="1"

peers=(gnutls-cli=gnutls-bin curl=curl node=nodejs go=golang-go)

packages() { echo "${peers[@]}"; }

usable() {
    local peer
    for peer in "${peers[@]}"; do [[ $(type -P "${peer%=*}") ]] || return 1; done
}

make_part() { await_packages; }
