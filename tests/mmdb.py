"""
A small writer of MaxMind DB files (version 2.0 of the format), so that look-ups run over real files.
"""

import struct
from collections.abc import Mapping
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

_SEPARATOR = bytes(16)
_MARKER = b"\xab\xcd\xefMaxMind.com"


def write(path: Path, records: Mapping[str, Any], kind: str = "Test") -> None:
    """A database at *path* that gives for each network of *records* its record; the file is replaced as a whole."""
    tree = _Tree()
    data, places = b"", {}
    for text, record in records.items():
        encoded = _encode(record)
        places[text] = len(data)
        data += encoded
        network = ip_network(text)
        version4 = isinstance(network, IPv4Network)
        tree.add(int(network.network_address), 96 + network.prefixlen if version4 else network.prefixlen, places[text])
    metadata = _encode(
        {
            "node_count": _U32(len(tree.nodes)),
            "record_size": _U16(32),
            "ip_version": _U16(6),
            "database_type": kind,
            "languages": [],
            "binary_format_major_version": _U16(2),
            "binary_format_minor_version": _U16(0),
            "build_epoch": _U64(1_700_000_000),
            "description": {"en": "test"},
        }
    )
    fresh = path.with_suffix(".new")
    fresh.write_bytes(tree.packed() + _SEPARATOR + data + _MARKER + metadata)
    fresh.replace(path)


class _U16(int):
    pass


class _U32(int):
    pass


class _U64(int):
    pass


class _Tree:
    """A binary tree over 128 bits; a leaf is a negative number: -1 - place of its record."""

    def __init__(self) -> None:
        self.nodes: list[list[int | None]] = [[None, None]]

    def add(self, bits: int, length: int, place: int) -> None:
        node = 0
        for depth in range(length - 1):
            side = bits >> (127 - depth) & 1
            found = self.nodes[node][side]
            if found is None:
                self.nodes.append([None, None])
                found = self.nodes[node][side] = len(self.nodes) - 1
            assert found >= 0, "networks must not overlap"
            node = found
        self.nodes[node][bits >> (128 - length) & 1] = -1 - place

    def packed(self) -> bytes:
        count = len(self.nodes)
        flat = (side for node in self.nodes for side in node)
        return b"".join(struct.pack(">I", self._number(side, count)) for side in flat)

    @staticmethod
    def _number(side: int | None, count: int) -> int:
        if side is None:
            return count
        return side if side >= 0 else count + 16 + (-1 - side)


def _head(kind: int, size: int) -> bytes:
    assert size < 29 + 256
    first, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([kind << 5 | first]) + more if kind < 8 else bytes([first, kind - 7]) + more


def _encode(value: Any) -> bytes:
    match value:
        case dict():
            return _head(7, len(value)) + b"".join(_encode(part) for pair in value.items() for part in pair)
        case list():
            return _head(11, len(value)) + b"".join(map(_encode, value))
        case str():
            return _head(2, len(value.encode())) + value.encode()
        case float():
            return _head(3, 8) + struct.pack(">d", value)
        case int():
            kind = 5 if isinstance(value, _U16) else 9 if isinstance(value, _U64) else 6
            raw = int(value).to_bytes(8, "big").lstrip(b"\0")
            return _head(kind, len(raw)) + raw
    raise TypeError(type(value))
