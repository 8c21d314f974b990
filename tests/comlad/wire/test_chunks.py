"""Messages in chunks and together again, and chunks that no honest peer sends."""

import hashlib
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from samples import fresh_rng

from comlad.errors import MessageError, Status
from comlad.v1 import training_pb2 as pb
from comlad.wire._chunks import (
    CHUNK_BYTES,
    LEAST_CHUNK_BYTES,
    MAX_MESSAGE_BYTES,
    Assembly,
    chunk_bytes,
    cut,
    cut_sizes,
)
from comlad.wire._fields import Buffer

SIZES = [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]
PLAN = 2**31 + 5


def cut_up(pieces: Sequence[bytes | memoryview], plan: int = PLAN) -> list[pb.Chunk]:
    return [
        pb.TrainRequest.FromString(message).chunk
        for message in cut(pb.TrainRequest, plan, pieces, limit=0)
    ]


def chunk(offset: int, data: bytes, **changes: Any) -> pb.Chunk:
    made = pb.Chunk(plan=PLAN, offset=offset, data=data)
    made.MergeFrom(pb.Chunk(**changes))
    return made


def put_together(chunks: list[pb.Chunk], cap: int = 10**9) -> bytes | bytearray | None:
    assembly = Assembly(chunks[0].plan, cap)
    *first, last = chunks
    assert [assembly.add(each) for each in first] == [None] * len(first)
    return assembly.add(last)


def message_of(size: int) -> bytes:
    return fresh_rng(size).bytes(size)


@pytest.mark.parametrize("size", SIZES)
def test_puts_together_what_was_cut(size: int) -> None:
    message = message_of(size)

    assert put_together(cut_up([message])) == message


@pytest.mark.parametrize("size", SIZES)
def test_cuts_pieces_like_the_message_that_they_make(size: int) -> None:
    message = message_of(size)
    pieces: list[Buffer] = [
        b"",
        message[:5],
        memoryview(message)[5 : size // 2],
        message[max(5, size // 2) :],
    ]

    assert list(cut(pb.TrainResponse, PLAN, pieces, limit=0)) == list(
        cut(pb.TrainResponse, PLAN, [message], limit=0)
    )


def test_leaves_whole_what_fits_into_a_message() -> None:
    pieces: list[Buffer] = [b"a" * 100, memoryview(b"b" * (MAX_MESSAGE_BYTES - 100))]

    assert list(cut(pb.TrainRequest, PLAN, pieces)) == [b"".join(pieces)]


def test_cuts_what_is_larger_by_a_byte_into_messages_that_fit() -> None:
    messages = list(cut(pb.TrainRequest, PLAN, [bytes(MAX_MESSAGE_BYTES + 1)]))

    assert len(messages) > 1
    assert max(map(len, messages)) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize("plan", [0, 1, 2**32 - 1])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("event", [pb.TrainRequest, pb.TrainResponse])
def test_knows_the_sizes_of_messages_that_it_does_not_make(
    event: type[pb.TrainRequest], size: int, plan: int
) -> None:
    messages = list(cut(event, plan, [message_of(size)], limit=0))

    assert cut_sizes(event, plan, size, limit=0) == [len(message) for message in messages]
    assert cut_sizes(event, plan, size) == [size]


@pytest.mark.parametrize(
    ("receivers", "size"), [(0, 2**18), (1, 2**18), (16, 2**18), (17, 2**17), (100, 2**16)]
)
def test_are_smaller_the_more_receivers_there_are(receivers: int, size: int) -> None:
    assert chunk_bytes(receivers) == size
    assert chunk_bytes(10**6) >= LEAST_CHUNK_BYTES


@pytest.mark.parametrize("chunk", [2**15, 2**17])
def test_have_the_size_that_was_asked_for(chunk: int) -> None:
    pieces = [message_of(3 * 2**17 + 5)]

    messages = list(cut(pb.TrainResponse, PLAN, pieces, limit=0, chunk=chunk))

    data = [pb.TrainResponse.FromString(message).chunk.data for message in messages]
    assert {len(each) for each in data[:-1]} == {chunk}
    assert b"".join(data) == pieces[0]
    sizes = cut_sizes(pb.TrainResponse, PLAN, len(pieces[0]), limit=0, chunk=chunk)
    assert sizes == [len(message) for message in messages]


def test_takes_the_digest_from_who_knows_it() -> None:
    message = message_of(2 * CHUNK_BYTES)
    digest = hashlib.sha256(message).digest()

    given = cut(pb.TrainRequest, PLAN, [message], lambda: digest, limit=0)

    assert list(given) == list(cut(pb.TrainRequest, PLAN, [message], limit=0))


def test_cuts_without_a_copy_of_the_message() -> None:
    message = bytes(8 * 10**6)
    tracemalloc.start()
    try:
        for _ in cut(pb.TrainRequest, PLAN, [message]):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 3 * CHUNK_BYTES


MIDDLE = bytes(LEAST_CHUNK_BYTES)
DIGEST = hashlib.sha256(MIDDLE).digest()


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (chunk(len(MIDDLE), MIDDLE, plan=1), f"a chunk of plan 1: must be of {PLAN}"),
        (chunk(0, MIDDLE), "a chunk at offset 0: must be at 16384"),
        (chunk(len(MIDDLE) + 1, MIDDLE), "a chunk at offset 16385: must be at 16384"),
        (chunk(2**64 - 1, MIDDLE), "a chunk at offset 18446744073709551615: must be at 16384"),
        (chunk(len(MIDDLE), b""), "a chunk of 0 bytes: must be at least 16384"),
        (chunk(len(MIDDLE), b"x"), "a chunk of 1 bytes: must be at least 16384"),
        (chunk(len(MIDDLE), b"", sha256=DIGEST), "a chunk of 0 bytes: must be at least 1"),
        (chunk(len(MIDDLE), b"x", sha256=DIGEST), "chunks with digest .*: must be 4fe7b5"),
        (chunk(len(MIDDLE), b"x", sha256=b"x" * 10**6), f"digest .*: must be {'78' * 32}$"),
        (chunk(len(MIDDLE), MIDDLE * 2), "chunks of 49152 bytes: must be at most 40000 in all"),
    ],
)  # fmt: skip
def test_refuses_what_is_not_the_next_chunk(bad: pb.Chunk, complaint: str) -> None:
    assembly = Assembly(PLAN, 40_000)
    assembly.add(chunk(0, MIDDLE))

    with pytest.raises(MessageError, match=complaint):
        assembly.add(bad)


def test_says_which_fault_it_is_to_send_too_much() -> None:
    with pytest.raises(MessageError) as caught:
        Assembly(PLAN, 10).add(chunk(0, MIDDLE))

    assert caught.value.status is Status.RESOURCE_EXHAUSTED


def test_takes_as_much_memory_as_has_come() -> None:
    piece = chunk(0, bytes(CHUNK_BYTES))
    tracemalloc.start()
    try:
        assembly = Assembly(PLAN, 10**12)
        assembly.add(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 3 * CHUNK_BYTES
