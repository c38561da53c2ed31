# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes what the fuzzers start from: make_corpus.py FOLDER

One folder a target: ClientHellos that were recorded, keys, certificates and PKCS#12 files in all
their forms, programs for the fuzzer of the engine, and what libp2p peers say to each other.
"""

import hashlib
import random
import re
import struct
import sys
from pathlib import Path

TLS = Path(__file__).resolve().parents[1] / "tls"
P2P = TLS.parent / "p2p"
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


# Programs as engine_fuzz.cpp reads them: what the connection is like, bytes given at once and read
# at once (in 16), then operations.
TLS1_2, TLS1_3, BOTH_VERSIONS, ONE_SIDE = range(4)
REQUIRES_CLIENT, REQUESTS_CLIENT, RESUMES, PSK, OTHER_GROUP, HOLDS = (1 << bit for bit in range(2, 8))
CLIENT, SERVER = 0, 1


def passes(side, records):
    return bytes([(records - 1) << 1 | side])


def act(side, what, *arguments):
    actions = ("write", "write much", "update keys", "ask who", "release", "close", "abort",
               "end", "go on", "at once", "export")
    return bytes([2 << 5 | actions.index(what) << 1 | side, *arguments])


def change(side, what, *arguments):
    changes = ("byte", "more", "less", "other", "type", "leave out", "twice", "in two", "merge",
               "swap", "wire byte", "cut", "doubled")
    return bytes([4 << 5 | changes.index(what) << 1 | side, *arguments])


def make_up(side, content_type, *body):
    return bytes([6 << 5 | (content_type - 20) << 1 | side, len(body), *body])


def engine_programs():
    kinds = {"tls1_2": TLS1_2, "tls1_3": TLS1_3, "both_versions": BOTH_VERSIONS}
    features = {"plain": 0, "client": REQUIRES_CLIENT, "no_client": REQUESTS_CLIENT,
                "resumes": RESUMES, "psk": PSK, "retry": OTHER_GROUP, "holds": HOLDS,
                "client_retry": REQUIRES_CLIENT | OTHER_GROUP}
    all_of_it = passes(CLIENT, 16)
    talk = b"".join((all_of_it, act(CLIENT, "write", 100), act(SERVER, "write much", 80, 0),
                     passes(CLIENT, 16)))
    ends = {
        "talk": talk,
        "update_keys": talk + act(CLIENT, "update keys", 0) + act(SERVER, "write", 9) + talk,
        "ask_who": all_of_it + act(SERVER, "ask who") + talk,
        "park": all_of_it + act(CLIENT, "release") + act(SERVER, "release") + talk,
        "close": talk + act(CLIENT, "close") + all_of_it + act(SERVER, "close"),
        "export": all_of_it + act(CLIENT, "export"),
        "abort": passes(CLIENT, 3) + act(SERVER, "abort", 49),
        "cut_off": talk + act(SERVER, "end"),
        "go_on": passes(CLIENT, 1) + act(SERVER, "go on", 3) + act(CLIENT, "go on", 2) + talk,
        "made_up_update": all_of_it + make_up(CLIENT, 22, 24, 0, 0, 1, 1) + talk,
        "made_up_ticket": all_of_it + make_up(SERVER, 22, 4, 0, 0, 18, 0, 0, 1, 0, 1, 2, 3, 4, 1, 5,
                                              0, 2, 6, 7, 0, 2, 8, 9) + talk,
        "made_up_hello_request": all_of_it + make_up(SERVER, 22, 0, 0, 0, 0) + talk,
        "made_up_warning": all_of_it + make_up(SERVER, 21, 1, 90) + talk,
        "made_up_change": all_of_it + make_up(CLIENT, 20, 1) + talk,
        "made_up_data": passes(CLIENT, 4) + make_up(CLIENT, 23, 1, 2, 3) + talk,
    }
    for kind, version in kinds.items():
        for feature, bits in features.items():
            yield f"{kind}_{feature}", bytes([version | bits, 0, 200]) + talk
        for name, program in ends.items():
            yield f"{kind}_{name}", bytes([version, 0, 10]) + program
    changes = {
        "byte": (0, 30, 1, 1), "more": (0, 40, 2, 7, 7), "less": (0, 38, 2),
        "other": (0, 50, 2, 9, 9), "type": (23,), "leave out": (), "twice": (), "in two": (0, 3),
        "merge": (), "swap": (), "wire byte": (0, 9, 1), "cut": (0, 7), "doubled": ()}
    for at, (what, arguments) in enumerate(changes.items()):
        for version in TLS1_2, TLS1_3:
            for side in CLIENT, SERVER:
                program = passes(CLIENT, 1 + at % 6) + change(side, what, *arguments)
                yield (f"tls1_{version + 2}_{what}_{side}".replace(" ", "_"),
                       bytes([version | REQUIRES_CLIENT, 0, 10]) + program)
    for at_once in 1, 7, 100:
        yield f"in_pieces_of_{at_once}", bytes([BOTH_VERSIONS, at_once, 1]) + talk
    yield "replayed", bytes([TLS1_3, 0, 1]) + talk + bytes([7 << 5, 0]) + talk
    yield "one_side_gets_junk", bytes([ONE_SIDE, 0, 1]) + bytes(range(100))


# What failed once, by what was wrong.
FOUND = {
    "export_in_renegotiation": "4001000a1ec504000000001e4000c81e40644364504350001e001e",
    "close_in_handshake": "04140491416d",
    "session_not_freed": "feffa4a000b571ef",
    "reads_in_renegotiation": "00000a1e474350001e40cf4350001e",
}


def p2p_keys():
    """(name, message, peer id, CID, signature) of each key in the tests."""
    text = (P2P / "key_vectors.hpp").read_text(encoding="utf-8")
    for body in re.findall(r"known_key \w+\{(.*?)\};", text, re.DOTALL):
        fields = [re.sub(r'"\s*"', "", f).strip().strip('"') for f in body.split(",")]
        name, message, peer_id, cid, signature = fields
        yield name, bytes.fromhex(message), peer_id, cid, bytes.fromhex(signature)


def with_length(message):
    size = len(message)
    return (bytes([size]) if size < 128 else bytes([size % 128 + 128, size // 128])) + message


def protobuf_bytes(number, data):
    return bytes([number * 8 + 2]) + with_length(data)


def plaintext_exchange(key):
    """Of the peer with that key, whose id is the key itself if it is short."""
    digest = bytes([0, len(key)]) + key if len(key) <= 42 else (
        b"\x12\x20" + hashlib.sha256(key).digest())
    return protobuf_bytes(1, digest) + protobuf_bytes(2, key)


def negotiation(*lines):
    return b"".join(bytes([len(line) + 1]) + line + b"\n" for line in lines)


def yamux_frame(kind, flags, stream, length, body=b""):
    return struct.pack(">BBHII", 0, kind, flags, stream, length) + body


def said(*pieces):
    """Pieces of input to a session, with a byte before each that says how long it is."""
    cut = [piece[at:at + 127] for piece in pieces for at in range(0, len(piece), 127)]
    return b"".join(bytes([2 * len(piece)]) + piece for piece in cut)


def js_vector(name):
    text = (P2P / "js_vectors.hpp").read_text(encoding="utf-8")
    body = re.search(rf"{name} =(.*?);", text, re.DOTALL)[1]
    return bytes.fromhex("".join(re.findall(r'"([0-9a-f]+)"', body)))


def protobuf_fields(message):
    """Of bytes, all shorter than 128 of them."""
    while message:
        yield message[0] // 8, message[2:2 + message[1]]
        message = message[2 + message[1]:]


def p2p_messages():
    envelope = js_vector("envelope")
    yield "signed_record", "envelope", envelope
    yield "signed_record", "record", dict(protobuf_fields(envelope))[3]
    message = js_vector("identify_without_envelope") + envelope
    yield "identify", "message", with_length(message)
    push = protobuf_bytes(3, b"/echo/1.0.0") + protobuf_bytes(6, b"agent")
    yield "identify", "push", with_length(push)
    yield "identify", "two_messages", with_length(push) * 2
    for name, key, *_ in p2p_keys():
        yield "identify", f"key_{name}", with_length(protobuf_bytes(1, key))


def p2p_corpus():
    yield from p2p_messages()
    for name, message, peer_id, cid, signature in p2p_keys():
        yield "peer_id", name + "_base58", peer_id.encode()
        yield "peer_id", name + "_cid", cid.encode()
        yield "peer_id", name + "_key", message
        yield "protobuf", name, message
        exchange = plaintext_exchange(message)
        yield "plaintext", name + "_exchange", exchange
        yield "plaintext", name, (negotiation(b"/multistream/1.0.0", b"/plaintext/2.0.0") +
                                  with_length(exchange) + b"what follows")
        payload = protobuf_bytes(1, message) + protobuf_bytes(2, signature)
        yield "noise", name, payload + protobuf_bytes(4, protobuf_bytes(2, b"/yamux/1.0.0"))
    test = (P2P / "multiaddr_test.cpp").read_text(encoding="utf-8")
    for number, text in enumerate(re.findall(r'"(/[^" ]*)"', test)):
        yield "multiaddr", f"text_{number}", text.encode()
    for number, wire in enumerate(re.findall(r'"((?:[0-9a-f]{2}){4,})"', test)):
        yield "multiaddr", f"bytes_{number}", bytes.fromhex(wire)
    header = b"/multistream/1.0.0"
    for name, lines in {"taken": [header, b"/noise"], "refused": [header, b"na", b"na"],
                        "second": [header, b"/tls/1.0.0", b"ls", b"/yamux/1.0.0"]}.items():
        yield "multistream", name, negotiation(*lines) + b"what follows"
    frames = {
        "opened": yamux_frame(0, 1, 1, 5, b"hello"),
        "ended": yamux_frame(1, 1, 1, 0) + yamux_frame(0, 4, 1, 2, b"hi"),
        "reset": yamux_frame(1, 1, 1, 0) + yamux_frame(1, 8, 1, 0x1001),
        "pings": yamux_frame(2, 1, 0, 7) + yamux_frame(2, 2, 0, 1),
        "away": yamux_frame(3, 0, 0, 0) + yamux_frame(3, 0, 0, 1),
    }
    for name, wire in frames.items():
        for bounds in (0, 1, 2, 4, 63):
            program = bytes([bounds]) + said(wire) + bytes([1, 7, 9, 11, 7, 15])
            yield "yamux", f"{name}_{bounds}", program
    for seed in (0, 1, 2, 4, 8, 16, 32, 63):
        yield "yamux_pair", f"seed_{seed}", bytes([seed, 0]) + random.Random(seed).randbytes(3000)


def corpus():
    """(target, name, content) of each file."""
    for name, wire in recorded_hellos():
        yield "client_hello", name, wire
        yield "client_hello", name + "_in_records", in_small_records(wire, 64)
        # a server alone, that gets it in pieces
        yield "engine", "server_" + name, bytes([ONE_SIDE | 4, 50, 1]) + wire
    for name, program in engine_programs():
        yield "engine", name, program
    for name, program in FOUND.items():
        yield "engine", "found_" + name, bytes.fromhex(program)
    values = make_identities.make_all()
    for name, value in values.items():
        content = value.encode() if isinstance(value, str) else value
        yield ("pkcs12" if "p12" in name else "private_identity"), name, content
        key = values.get(name.replace("_chain", "_key"))
        if name.endswith("_chain"):
            yield "private_identity", name + "_with_key", (key + value).encode()
    yield from p2p_corpus()


def main(folder):
    for target, name, content in corpus():
        file = Path(folder) / target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
