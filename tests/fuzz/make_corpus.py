# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes what the fuzzers start from: make_corpus.py FOLDER

One folder a target: ClientHellos that were recorded, and keys, certificates and PKCS#12 files in
all their forms.
"""

import re
import sys
from pathlib import Path

TLS = Path(__file__).resolve().parents[1] / "tls"
sys.path.insert(0, str(TLS))
sys.dont_write_bytecode = True
import make_identities  # noqa: E402


def recorded_hellos():
    text = (TLS / "recorded_hellos.hpp").read_text(encoding="utf-8")
    for name, lines in re.findall(r'\{"(\w+)",\s*((?:"[0-9a-f]+"\s*)+)\}', text):
        yield name, bytes.fromhex("".join(re.findall(r"[0-9a-f]+", lines)))


def in_small_records(wire, size):
    message = wire[5:]
    parts = [message[at:at + size] for at in range(0, len(message), size)]
    return b"".join(wire[:3] + len(part).to_bytes(2, "big") + part for part in parts)


def corpus():
    """(target, name, content) of each file."""
    for name, wire in recorded_hellos():
        yield "client_hello", name, wire
        yield "client_hello", name + "_in_records", in_small_records(wire, 64)
    values = make_identities.make_all()
    for name, value in values.items():
        content = value.encode() if isinstance(value, str) else value
        yield ("pkcs12" if "p12" in name else "private_identity"), name, content
        key = values.get(name.replace("_chain", "_key"))
        if name.endswith("_chain"):
            yield "private_identity", name + "_with_key", (key + value).encode()


def main(folder):
    for target, name, content in corpus():
        file = Path(folder) / target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
