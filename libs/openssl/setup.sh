# The command openssl: the tests of TLS make their certificates with it.
recipe="1"

packages() { echo openssl=openssl; }

usable() { [[ $(type -P openssl) ]]; }

make_part() { await_packages; }
