"""Messages taken apart into their fields, to be put together again not quite as they were."""

import random
from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor

__all__ = ["RAW", "Node", "Nodes", "broken", "messed", "parse", "pool_of", "varint", "write"]

# A field: its number, its wire type, and what stands there: a number, bytes, or the fields
# of a message. Of wire type RAW, the bytes of all of it.
Node = tuple[int, int, Any]
Nodes = tuple[Node, ...]

VARINT, FIXED64, BYTES, FIXED32, RAW = 0, 1, 2, 5, -1
_WIDTHS = {FIXED64: 8, FIXED32: 4}
# Numbers at which something may overflow, wrap round or be taken by its word.
_NUMBERS: tuple[int, ...] = (0, 1, 2, 5, 6, 40, 127, 128, 255)
_NUMBERS += tuple(2**power + off for power in (14, 28, 31, 32, 35, 60, 63) for off in (-1, 0))
_DEEPER = 0.85  # how often a change is made in a message that is a field, if there is one


def parse(data: bytes, kind: Descriptor) -> Nodes:
    """The fields of an honest message."""
    nodes, at = list[Node](), 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _read_varint(data, at)
            nodes.append((number, wire, value))
            continue
        size = _WIDTHS.get(wire)
        if size is None:
            size, at = _read_varint(data, at)
        content: Any = data[at : at + size]
        at += size
        field = kind.fields_by_number[number]
        if wire == BYTES and field.message_type is not None:
            content = parse(content, field.message_type)
        nodes.append((number, wire, content))
    return tuple(nodes)


def write(nodes: Nodes) -> bytes:
    """The message of these fields."""
    pieces = []
    for number, wire, content in nodes:
        if wire == RAW:
            pieces.append(content)
        elif wire == VARINT:
            pieces += (varint(number << 3), varint(content))
        else:
            data = write(content) if type(content) is tuple else content
            pieces.append(varint(number << 3 | wire))
            if wire == BYTES:
                pieces.append(varint(len(data)))
            pieces.append(data)
    return b"".join(pieces)


def pool_of(trees: Sequence[Nodes]) -> list[Node]:
    """All fields of these messages and of what is in them."""
    pool = list[Node]()
    for nodes in trees:
        pool += nodes
        pool += pool_of([node[2] for node in nodes if type(node[2]) is tuple])
    return pool


def messed(nodes: Nodes, pool: Sequence[Node], rng: random.Random) -> Nodes:
    """The fields after one change, here or further inside."""
    if not nodes:
        return (rng.choice(pool),)
    at = int(rng.random() * len(nodes))
    messages = [place for place, node in enumerate(nodes) if type(node[2]) is tuple]
    deeper = bool(messages) and rng.random() < _DEEPER
    if deeper:
        at = rng.choice(messages)
    node = nodes[at]
    number, wire, content = node
    if deeper:
        inside = messed(content, pool, rng)
        return (*nodes[:at], (number, wire, inside), *nodes[at + 1 :])
    new: Nodes
    match int(rng.random() * 8):
        case 0:
            new = ()
        case 1:
            new = (node, node)
        case 2:  # of a oneof another
            new = ((rng.randint(1, 15), wire, content),)
        case 3:
            new = (rng.choice(pool),)
        case 4:
            new = (node, rng.choice(pool))
        case 5:
            new = (_lying(node, rng),)
        case _:
            new = ((number, wire, _other(content, rng)),)
    return (*nodes[:at], *new, *nodes[at + 1 :])


def broken(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The bytes after one accident."""
    at = int(rng.random() * (len(data) + 1))
    before, here, after = data[:at], data[at : at + rng.randint(1, 8)], data[at:]
    match int(rng.random() * 8):
        case 0 | 1 if here:
            here = bytes([here[0] ^ 1 << rng.randint(0, 7)])
        case 2:
            return before
        case 3:
            here = b""
        case 4:
            here, after = rng.randbytes(len(here) + 1), here + after
        case 5:
            after = here + after
        case 6:
            return before + other[int(rng.random() * (len(other) + 1)) :]
        case _:
            here = rng.choice((b"\0", b"\1", b"\x7f", b"\x80", b"\xff")) * len(here)
    return before + here + after[len(here) :]


def _lying(node: Node, rng: random.Random) -> Node:
    """The field with a length or a type that it has not, or a number in too many bytes."""
    number, wire, content = node
    if wire == VARINT:
        long = varint(content)
        long = long[:-1] + bytes([long[-1] | 0x80]) + b"\x80" * rng.randint(0, 9) + b"\0"
        return number, RAW, varint(number << 3) + long
    data = write(content) if type(content) is tuple else content
    claimed = rng.choice(_NUMBERS) if rng.random() < 0.5 else len(data) + rng.randint(-3, 3)
    wire = BYTES if rng.random() < 0.8 else rng.randint(0, 7)
    return number, RAW, varint(number << 3 | wire) + varint(max(0, claimed)) + data


def _other(content: Any, rng: random.Random) -> Any:
    if type(content) is int:
        near = content + rng.randint(-2, 2)
        return rng.choice(_NUMBERS) if rng.random() < 0.7 or near < 0 else near
    if type(content) is tuple:
        return rng.randbytes(rng.randint(0, 20))
    if rng.random() < 0.2:
        return bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF))]) * len(content)
    return broken(content, content, rng)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return number, at


def varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
