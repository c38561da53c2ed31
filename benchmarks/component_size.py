# SPDX-License-Identifier: MIT OR Apache-2.0
"""The size of a component without names, debug information and other custom sections."""

CUSTOM, CORE_MODULE, NESTED_COMPONENT = 0, 1, 4
MODULE_LAYER, COMPONENT_LAYER = 0, 1


def read_leb128(data, at):
    """An unsigned number and the offset behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def leb128_size(value):
    return max(1, -(-value.bit_length() // 7))


def stripped_size(data):
    """`data`: a binary core module or component, as bytes."""
    if data[:4] != b"\0asm":
        raise ValueError("not a WebAssembly binary")
    layer = int.from_bytes(data[6:8], "little")
    at = size = 8
    while at < len(data):
        kind = data[at]
        length, at = read_leb128(data, at + 1)
        body = data[at:at + length]
        at += length
        if kind == CUSTOM:
            continue
        # Section numbers mean something else in a core module.
        if layer == COMPONENT_LAYER and kind in (CORE_MODULE, NESTED_COMPONENT):
            length = stripped_size(body)
        size += 1 + leb128_size(length) + length
    return size
