# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes the certificates and keys of the TLS tests: make_identities.py HEADER FOLDER

Writes them as strings in namespace copoll_tests::pem, so that a component needs no files, and those
in PEM also as files, `NAME.pem`. Names say what they are: `server_p256_chain` is a PEM chain with
the leaf first, `server_p256_key` its key. Needs the command openssl, 3.0 or newer.
"""

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

PASSPHRASE = "correct horse"
UNICODE_PASSPHRASE = "кодовая фраза 🔑 that is longer than thirty-one characters"

KEYS = {
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "k256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "ed25519": ["-algorithm", "ED25519"],
}

CONFIG = """
[ca]
default_ca = default
[default]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
policy = any
default_md = sha256
default_crl_days = 7000
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[authority_that_may_not_sign]
basicConstraints = critical, CA:TRUE
keyUsage = critical, cRLSign
[authority_without_constraints]
keyUsage = critical, keyCertSign, cRLSign
[authority_of_leaves]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = {usage}
{names}
"""

ANY_USAGE = "serverAuth, clientAuth"
SERVER_NAMES = "DNS:example.com, DNS:*.example.com, DNS:localhost, IP:127.0.0.1, IP:::1"


def day(years):
    now = datetime.now(timezone.utc)
    return now.replace(hour=0, minute=0, second=0) + timedelta(days=365 * years)


class Workshop:
    """A folder in which openssl works. Certificates of the same issuer are made one by one."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.values = {}  # name: PEM text or bytes
        self.issuers = {}  # of authorities, by name

    def openssl(self, *args):
        done = subprocess.run(["openssl", *map(str, args)], cwd=self.folder, capture_output=True,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"openssl {' '.join(map(str, args))}:\n{done.stderr.decode()}")
        return done.stdout

    def file(self, name):
        """The path of a file with the value of this name."""
        path = self.folder / f"{name}.pem"
        path.write_text(self.values[name])
        return path

    def key(self, name, kind):
        (self.folder / f"{name}.key").write_bytes(self.openssl("genpkey", *KEYS[kind]))

    def certify(self, name, issuer, *, common_name, section="leaf", usage="serverAuth",
                names=SERVER_NAMES, years=(-1, 19), digest="sha256"):
        """Signs the key `name`, with itself if `issuer` is the same; gives the certificate."""
        (self.folder / f"{name}.cnf").write_text(CONFIG.format(
            usage=usage, names=f"subjectAltName = {names}" if names else ""))
        (self.folder / "index.txt").touch()
        self.openssl("req", "-new", "-config", f"{name}.cnf", "-key", f"{name}.key", "-subj",
                     f"/CN={common_name}", "-out", f"{name}.csr")
        by = ["-selfsign"] if issuer == name else ["-cert", f"{issuer}.crt"]
        start, end = (day(y).strftime("%Y%m%d%H%M%SZ") for y in years)
        self.openssl("ca", "-batch", "-notext", "-config", f"{name}.cnf", "-extensions", section,
                     "-in", f"{name}.csr", "-out", f"{name}.crt", "-keyfile", f"{issuer}.key", *by,
                     "-startdate", start, "-enddate", end, "-md", digest)
        return (self.folder / f"{name}.crt").read_text()

    def identity(self, name, kind, issuer="intermediate_ca", **options):
        """`name`_chain and `name`_key, and the certificate alone."""
        chain = self.certify(name, issuer, **{"common_name": "example.com"} | options)
        while issuer in self.issuers and self.issuers[issuer] != issuer:  # all but the root
            chain += self.values[issuer]
            issuer = self.issuers[issuer]
        self.values[f"{name}_chain"] = chain
        self.values[f"{name}_key"] = (self.folder / f"{name}.key").read_text()

    def authority(self, name, issuer, common_name, **options):
        self.issuers[name] = issuer
        self.values[name] = self.certify(name, issuer, common_name=common_name, names="",
                                         **{"section": "authority"} | options)

    def revocation_list(self, issuer, *options):
        """Of all that was revoked, whoever issued it."""
        return self.openssl("ca", "-config", "server_p256.cnf", "-cert", f"{issuer}.crt",
                            "-keyfile", f"{issuer}.key", "-gencrl", *options).decode()


IDENTITIES = {
    # name: (key, options of Workshop.identity)
    "server_p256": ("p256", {}),
    "server_p384": ("p384", {}),
    "server_p521": ("p521", {}),
    "server_rsa": ("rsa", {}),
    # what a second server on the same address presents
    "other_server": ("p256", {"common_name": "example.org", "names": "DNS:example.org"}),
    "client_one": ("p256", {"common_name": "copoll client one", "usage": "clientAuth",
                            "names": "DNS:one.example.com"}),
    "client_two": ("rsa", {"common_name": "copoll client two", "usage": "clientAuth",
                           "names": "DNS:two.example.com"}),
    "any_p256": ("p256", {"usage": ANY_USAGE}),
    # those below are to be refused, some of clients as well
    "server_expired": ("p256", {"years": (-3, -1), "usage": ANY_USAGE}),
    "server_not_yet_valid": ("p256", {"years": (15, 18), "usage": ANY_USAGE}),
    "server_wrong_name": ("p256", {"common_name": "example.net", "names": "DNS:example.net"}),
    "server_wrong_usage": ("p256", {"usage": "clientAuth"}),
    "server_common_name_only": ("p256", {"names": ""}),
    "server_self_signed": ("p256", {"issuer": "server_self_signed", "usage": ANY_USAGE}),
    "server_unknown_issuer": ("p256", {"issuer": "unknown_ca", "usage": ANY_USAGE}),
    "server_revoked": ("p256", {"usage": ANY_USAGE}),
    "server_rsa1024": ("rsa1024", {"usage": ANY_USAGE}),
    "server_sha1": ("p256", {"digest": "sha1", "usage": ANY_USAGE}),
    "server_ed25519": ("ed25519", {}),
    "server_k256": ("k256", {}),
    "client_unknown_issuer": ("p256", {"issuer": "unknown_ca", "usage": "clientAuth"}),
}

# Authorities below the root, and below each of them a certificate that is good for servers and
# clients, `below_NAME`.
LONGEST_PATH = 8  # authorities between a certificate and its root, of mbedTLS
AUTHORITIES = {
    # name: (key, issuer, options of Workshop.authority)
    "path_ca_1": ("p256", "root_ca", {}),
    **{f"path_ca_{n}": ("p256", f"path_ca_{n - 1}", {}) for n in range(2, LONGEST_PATH + 2)},
    "path_of_leaves_ca": ("p256", "root_ca", {"section": "authority_of_leaves"}),
    "beyond_path_ca": ("p256", "path_of_leaves_ca", {}),
    "unsigning_ca": ("p256", "root_ca", {"section": "authority_that_may_not_sign"}),
    "unconstrained_ca": ("p256", "root_ca", {"section": "authority_without_constraints"}),
    "leaf_ca": ("p256", "root_ca", {"section": "leaf"}),
    "expired_ca": ("p256", "root_ca", {"years": (-3, -1)}),
    "not_yet_valid_ca": ("p256", "root_ca", {"years": (15, 18)}),
    "weak_key_ca": ("rsa1024", "root_ca", {}),
    "weak_hash_ca": ("p256", "root_ca", {"digest": "sha1"}),
    "crossed_ca": ("p256", "root_ca", {}),
}
CERTIFIED_BELOW = [name for name in AUTHORITIES
                   if not name.startswith("path_ca_") or int(name[8:]) >= LONGEST_PATH]


def make_identities(shop):
    for name in "root_ca", "intermediate_ca", "unknown_ca":
        shop.key(name, "p256")
    kinds = [(name, made[0]) for made_of in (IDENTITIES, AUTHORITIES)
             for name, made in made_of.items()]
    kinds += [(f"below_{name}", "p256") for name in CERTIFIED_BELOW]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda made: shop.key(*made), kinds))
    shop.authority("root_ca", "root_ca", "copoll test root")
    shop.authority("intermediate_ca", "root_ca", "copoll test intermediate")
    shop.authority("unknown_ca", "unknown_ca", "copoll unknown root")
    for name, (kind, options) in IDENTITIES.items():
        shop.identity(name, kind, **options)

    for name, (_, issuer, options) in AUTHORITIES.items():
        shop.authority(name, issuer, f"copoll {name}", **options)
    for name in CERTIFIED_BELOW:
        shop.identity(f"below_{name}", "p256", name, usage=ANY_USAGE)
    # the same authority by another issuer
    shop.values["crossed_ca_by_unknown"] = shop.certify(
        "crossed_ca", "unknown_ca", common_name="copoll crossed_ca", section="authority", names="")

    shop.openssl("ca", "-config", "server_p256.cnf", "-cert", "intermediate_ca.crt", "-keyfile",
                 "intermediate_ca.key", "-revoke", "server_revoked.crt")
    shop.values["intermediate_crl"] = shop.revocation_list("intermediate_ca")
    shop.values["expired_crl"] = shop.revocation_list(
        "intermediate_ca", "-crl_lastupdate", "20200101000000Z",
        "-crl_nextupdate", "20200201000000Z")
    shop.values["unknown_crl"] = shop.revocation_list("unknown_ca")


def make_key_forms(shop):
    """The keys of server_p256 and server_rsa in each form there is."""
    passphrase = ["-passout", f"pass:{PASSPHRASE}"]

    def put(name, *args, binary=False):
        out = shop.openssl(*args)
        shop.values[name] = out if binary else out.decode()

    put("p256_key_sec1", "ec", "-in", "server_p256.key")
    put("p256_key_sec1_der", "ec", "-in", "server_p256.key", "-outform", "DER", binary=True)
    put("p256_key_sec1_aes", "ec", "-in", "server_p256.key", "-aes256", *passphrase)
    put("rsa_key_pkcs1", "rsa", "-in", "server_rsa.key", "-traditional")
    put("rsa_key_pkcs1_der", "rsa", "-in", "server_rsa.key", "-traditional", "-outform", "DER",
        binary=True)
    put("rsa_key_pkcs1_aes", "rsa", "-in", "server_rsa.key", "-traditional", "-aes128", *passphrase)
    put("rsa_key_pkcs1_3des", "rsa", "-in", "server_rsa.key", "-traditional", "-des3", *passphrase)
    to_pkcs8 = ["pkcs8", "-topk8", "-in"]
    put("p256_key_pkcs8_der", *to_pkcs8, "server_p256.key", "-nocrypt", "-outform", "DER",
        binary=True)
    put("p256_key_pkcs8_aes", *to_pkcs8, "server_p256.key", "-v2", "aes-256-cbc", *passphrase)
    put("p256_key_pkcs8_aes_der", *to_pkcs8, "server_p256.key", "-v2", "aes-128-cbc", "-outform",
        "DER", *passphrase, binary=True)
    put("p256_key_pkcs8_sha512", *to_pkcs8, "server_p256.key", "-v2", "aes-256-cbc", "-v2prf",
        "hmacWithSHA512", *passphrase)
    put("rsa_key_pkcs8_3des", *to_pkcs8, "server_rsa.key", "-v1", "PBE-SHA1-3DES", *passphrase)
    put("p256_key_pkcs8_scrypt", *to_pkcs8, "server_p256.key", "-scrypt", "-scrypt_N", "1024",
        *passphrase)
    put("p256_certificate_der", "x509", "-in", "server_p256.crt", "-outform", "DER", binary=True)
    put("root_ca_der", "x509", "-in", "root_ca.crt", "-outform", "DER", binary=True)
    put("intermediate_crl_der", "crl", "-outform", "DER", "-in", shop.file("intermediate_crl"),
        binary=True)


PBE_3DES, PBE_RC2_40 = (bytes.fromhex(f"060a2a864886f70d010c01{n}") for n in ("03", "06"))


def make_pkcs12(shop):
    def put(name, *options, identity="server_p256", passphrase=PASSPHRASE):
        shop.values[name] = shop.openssl(
            "pkcs12", "-export", "-in", shop.file(f"{identity}_chain"), "-inkey",
            f"{identity}.key", "-passout", f"pass:{passphrase}", *options)

    triple_des = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"]
    put("server_p12")
    put("server_rsa_p12", identity="server_rsa")
    put("server_p12_3des", *triple_des)
    put("server_p12_sha512", "-macalg", "sha512")
    put("server_p12_aes128", "-keypbe", "AES-128-CBC", "-certpbe", "AES-128-CBC")
    put("server_p12_plain", "-keypbe", "NONE", "-certpbe", "NONE")
    put("server_p12_without_mac", "-nomac")
    put("server_p12_unicode", passphrase=UNICODE_PASSPHRASE)
    put("server_p12_unicode_3des", *triple_des, passphrase=UNICODE_PASSPHRASE)
    put("server_p12_empty_passphrase", passphrase="")
    put("server_p12_empty_passphrase_3des", *triple_des, passphrase="")
    put("server_p12_with_root", "-certfile", "root_ca.crt")
    put("server_p12_with_stranger", "-certfile", "unknown_ca.crt")
    put("server_p12_plain_without_mac", "-nomac", "-keypbe", "NONE", "-certpbe", "NONE")
    put("client_p12", identity="client_one")
    shop.values["p12_without_key"] = shop.openssl(
        "pkcs12", "-export", "-nokeys", "-in", "server_p256.crt", "-passout", f"pass:{PASSPHRASE}")
    # an openssl without its legacy provider cannot make one with RC2, but the name of it is enough
    put("server_p12_rc2", "-nomac", "-keypbe", "AES-256-CBC", "-certpbe", "PBE-SHA1-3DES")
    shop.values["server_p12_rc2"] = shop.values["server_p12_rc2"].replace(PBE_3DES, PBE_RC2_40)


def literal(value):
    if isinstance(value, str):
        return f'R"pem({value})pem"'
    lines = [value[i:i + 24] for i in range(0, len(value), 24)]
    text = "\n".join('    "' + "".join(f"\\x{b:02x}" for b in line) + '"' for line in lines)
    return f"std::string_view{{\n{text},\n    {len(value)}}}"


def header(values):
    yield ("// SPDX-License-Identifier: MIT OR Apache-2.0\n// Made by make_identities.py.\n"
           "#pragma once\n\n#include <string_view>\n\nnamespace copoll_tests::pem {\n\n")
    for name, value in {"passphrase": PASSPHRASE, "unicode_passphrase": UNICODE_PASSPHRASE,
                        **values}.items():
        yield f"inline constexpr std::string_view {name} = {literal(value)};\n"
    yield "\n}  // namespace copoll_tests::pem\n"


def make_all():
    """The values by their names: PEM as text, all else as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(folder)
        make_identities(shop)
        make_key_forms(shop)
        make_pkcs12(shop)
        return shop.values


def main(target, folder):
    values = make_all()
    Path(target).write_text("".join(header(values)), encoding="utf-8")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        if isinstance(value, str):
            (Path(folder) / f"{name}.pem").write_text(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
