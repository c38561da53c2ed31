# SPDX-License-Identifier: MIT OR Apache-2.0
"""As much of the binary format of WebAssembly as it takes to look into a component."""
from pathlib import Path

CUSTOM, CORE_MODULE, CORE_IMPORT = 0, 1, 2


def _leb128(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _name(data, at):
    length, at = _leb128(data, at)
    return data[at:at + length].decode(), at + length


def sections(data):
    """(id, content) of each section of a module or component, and its size with the header."""
    if data[:4] != b"\0asm":
        raise ValueError("not WebAssembly")
    at = 8
    while at < len(data):
        begin, kind = at, data[at]
        size, at = _leb128(data, at + 1)
        yield kind, data[at:at + size], at + size - begin
        at += size


class Component:
    def __init__(self, path):
        self.data = Path(path).read_bytes()
        if self.data[6:8] != b"\x01\x00":
            raise ValueError(f"{path} is a core module")
        self.modules = [content for kind, content, _ in sections(self.data) if kind == CORE_MODULE]

    def core_imports(self):
        """(module, name) of all that the core modules import."""
        for module in self.modules:
            for kind, content, _ in sections(module):
                if kind != CORE_IMPORT:
                    continue
                count, at = _leb128(content, 0)
                for _ in range(count):
                    module_name, at = _name(content, at)
                    name, at = _name(content, at)
                    yield module_name, name
                    at = self._skip_import_type(content, at)

    @staticmethod
    def _skip_import_type(content, at):
        kind = content[at]
        at += 1
        if kind == 0:  # a function: the index of its type
            return _leb128(content, at)[1]
        if kind == 3:  # a global: its type, and whether it changes
            return at + 2
        if kind == 1:  # a table: the type of its elements, and limits as a memory's
            at += 1
        limits = content[at]
        at = _leb128(content, at + 1)[1]
        return _leb128(content, at)[1] if limits & 1 else at

    def function_names(self):
        """All names that the `name` sections hold, of functions and others."""
        for module in self.modules:
            for kind, content, _ in sections(module):
                if kind == CUSTOM and _name(content, 0)[0] == "name":
                    yield content

    def stripped_size(self):
        """Without names, debug information and other custom sections."""
        size = len(self.data)
        for kind, content, whole in sections(self.data):
            if kind == CUSTOM:
                size -= whole
            elif kind == CORE_MODULE:
                size -= sum(s for k, _, s in sections(content) if k == CUSTOM)
        return size
