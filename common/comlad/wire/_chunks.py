"""Messages that are larger than gRPC lets through, in chunks, and together again.

What fits into one message travels as it is: no chunk, no digest.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from comlad.errors import MessageError, Status
from comlad.v1 import training_pb2 as pb
from comlad.wire._fields import Buffer, field_head, size_of_pieces

__all__ = [
    "CHUNK_BYTES",
    "LEAST_CHUNK_BYTES",
    "MAX_MESSAGE_BYTES",
    "Assembly",
    "Download",
    "chunk_bytes",
    "cut",
    "cut_sizes",
    "hashed",
]

# gRPC's own limit, unless it is raised on the receiving side.
MAX_MESSAGE_BYTES = 2**22
# Ten devices with dense vectors at Q = 10^6 take 1.4 s a round with 64 or 256 KiB, and 1.1 s
# with 512 KiB or 1 MiB; but every stream holds one or two that wait to be written.
CHUNK_BYTES = 2**18
# So that nobody makes work with chunks of single bytes.
LEAST_CHUNK_BYTES = 2**14

_Event = type[pb.TrainRequest] | type[pb.TrainResponse]
_DATA = pb.Chunk.DESCRIPTOR.fields_by_name["data"].number


def cut(
    event: _Event,
    plan: int,
    pieces: Sequence[Buffer],
    digest: Callable[[], bytes] | None = None,
    limit: int = MAX_MESSAGE_BYTES,
    *,
    chunk: int = CHUNK_BYTES,
) -> Iterator[bytes]:
    """The messages in which one travels: itself, or its chunks.

    Args:
        event: Whose the message is: a TrainRequest or a TrainResponse.
        plan: What it is about.
        pieces: The message, serialised; copied chunk by chunk as they are asked for.
        digest: Gives its SHA-256, where that is cheaper than hashing the pieces.
        limit: The largest message that is not cut.
        chunk: How many bytes of it a chunk takes.
    """
    size = size_of_pieces(pieces)
    if size <= limit:
        yield b"".join(pieces)
        return
    for start, end in _bounds(size, chunk):
        sha256 = b"" if end < size else digest() if digest else hashed(pieces).digest()
        head = _head(event, plan, start, end - start, sha256)
        yield b"".join((head, *_window(pieces, start, end)))


def cut_sizes(
    event: _Event,
    plan: int,
    size: int,
    limit: int = MAX_MESSAGE_BYTES,
    *,
    chunk: int = CHUNK_BYTES,
) -> list[int]:
    """How many bytes each of those messages has, for a message of that size."""
    if size <= limit:
        return [size]
    return [
        len(_head(event, plan, start, end - start, bytes(32) if end == size else b""))
        + (end - start)
        for start, end in _bounds(size, chunk)
    ]


def hashed(pieces: Sequence[Buffer]) -> "hashlib._Hash":
    """The SHA-256 of a message in pieces, which may go on."""
    state = hashlib.sha256()
    for piece in pieces:
        state.update(piece)
    return state


def chunk_bytes(receivers: int) -> int:
    """How large chunks are that so many receivers may be sent at once.

    A power of two, such that a chunk for each of them takes 4 MiB at most, but no smaller
    than 64 KiB.
    """
    share = max(2**22 // max(receivers, 1), 2**16)
    return min(1 << share.bit_length() - 1, CHUNK_BYTES)


class Assembly:
    """A message that comes in chunks; takes no more memory than what has come of it.

    Args:
        plan: What it must be about.
        cap: How many bytes it may have at most, as the receiver knows by itself.
    """

    def __init__(self, plan: int, cap: int) -> None:
        self.plan = plan
        self._cap = cap
        self._data = bytearray()
        self._hashed = hashlib.sha256()

    def add(self, chunk: pb.Chunk) -> bytearray | None:
        """Take the next chunk; gives the message after the last one.

        Raises:
            MessageError: It is not the next, too small or too large, or the message is not
                the one that was sent. There is no going on after that.
        """
        data, last, so_far = chunk.data, bool(chunk.sha256), len(self._data)
        if chunk.plan != self.plan:
            raise MessageError(f"a chunk of plan {chunk.plan}: must be of {self.plan}")
        if chunk.offset != so_far:
            raise MessageError(f"a chunk at offset {chunk.offset}: must be at {so_far}")
        if len(data) < (least := 1 if last else LEAST_CHUNK_BYTES):
            raise MessageError(f"a chunk of {len(data)} bytes: must be at least {least}")
        if so_far + len(data) > self._cap:
            raise MessageError(
                f"chunks of {so_far + len(data)} bytes: must be at most {self._cap} in all",
                Status.RESOURCE_EXHAUSTED,
            )
        self._data += data
        self._hashed.update(data)
        if not last:
            return None
        if (found := self._hashed.digest()) != chunk.sha256:
            right = chunk.sha256[: len(found)].hex()
            raise MessageError(f"chunks with digest {found.hex()}: must be {right}")
        return self._data


class Download:
    """The rounds that a process is sent in chunks, one after the other.

    Args:
        cap: How many bytes one may have at most.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._assembly: Assembly | None = None

    def add(self, chunk: pb.Chunk) -> bytearray | None:
        """Take the next chunk; gives the message after the last one.

        Where another begins, the half one is dropped: the server has given it up.

        Raises:
            MessageError: It is not the next chunk.
        """
        if self._assembly is None or not chunk.offset:
            self._assembly = Assembly(chunk.plan, self._cap)
        whole = self._assembly.add(chunk)
        if whole is not None:
            self._assembly = None
        return whole


def _bounds(size: int, chunk: int) -> Iterator[tuple[int, int]]:
    """Where the chunks of a message of that size begin and end."""
    return pairwise([*range(0, size, chunk), size])


def _window(pieces: Sequence[Buffer], start: int, end: int) -> Iterator[memoryview]:
    """Of all bytes of the pieces those from start to end."""
    for piece in pieces:
        if start < len(piece) and end > 0:
            yield memoryview(piece)[max(start, 0) : end]
        start, end = start - len(piece), end - len(piece)


def _head(event: _Event, plan: int, offset: int, size: int, sha256: bytes) -> bytes:
    """All of a chunk's message but the data, which come last."""
    fields = pb.Chunk(plan=plan, offset=offset, sha256=sha256).SerializeToString()
    fields += field_head(_DATA, size)
    number = event.DESCRIPTOR.fields_by_name["chunk"].number
    return field_head(number, len(fields) + size) + fields
