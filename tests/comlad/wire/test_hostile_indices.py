"""Replies that lie about which coordinates they hold: refused, in memory that goes with them."""

from collections.abc import Callable
from typing import Any

import pytest
from fuzz import INDICES
from samples import answers, first_plan, refuse, small
from vector_samples import traced
from wire_trees import RAW, Node, Nodes, parse, varint, write

from comlad.compression import Masked, Payload, SignValues, Sparse
from comlad.experiment import Prepared
from comlad.rounds import ByteCount, Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire import Inbox, encode_reply

DIMENSION, KEEP = 20_000, 400
HUGE = 2**32 - 1
SIGN = {"kind": "scaled-sign"}
NUMBERS = pb.DevicePart().sparse.DESCRIPTOR.fields_by_name


@pytest.fixture(scope="module")
def experiments() -> dict[str, tuple[Prepared, Plan, Payload]]:
    """By how indices are told: an experiment, its plan, and what device 2 answers."""
    prepared = {}
    for index in INDICES:
        links = [{"kind": "random-sparsification", "keep": KEEP, "index": index}, SIGN]
        problem = {"kind": "linear-regression", "dimension": DIMENSION}
        experiment = small(compressor=links, problem=problem)
        plan = first_plan(experiment)
        prepared[index] = experiment, plan, answers(experiment, plan)[2]
    return prepared


def part_of(data: bytes) -> tuple[pb.TrainRequest, pb.DevicePart]:
    request = pb.TrainRequest.FromString(data)
    return request, request.reply.parts[0]


def spoilt(**fields: Any) -> Callable[[bytes], bytes]:
    """Other contents of fields of the sparse vector."""

    def edit(data: bytes) -> bytes:
        request, part = part_of(data)
        for name, value in fields.items():
            setattr(part.sparse, name, value)
        return request.SerializeToString()

    return edit


def claiming(field: str, size: int) -> Callable[[bytes], bytes]:
    """A field of the sparse vector with another length than what is in it."""
    number = NUMBERS[field].number

    def lie(node: Node) -> Node:
        found, wire, content = node
        if type(content) is tuple:
            return found, wire, tuple(map(lie, content))
        if found == number and type(content) is bytes:
            return found, RAW, varint(found << 3 | 2) + varint(size) + content
        return node

    def edit(data: bytes) -> bytes:
        nodes: Nodes = parse(data, pb.TrainRequest.DESCRIPTOR)
        return write(tuple(map(lie, nodes)))

    return edit


def as_sparse(data: bytes) -> bytes:
    request, part = part_of(data)
    signs = pb.DevicePart.FromString(part.SerializeToString()).masked.sign
    part.sparse.dimension = DIMENSION
    part.sparse.gaps = b"\0" + b"\1" * 7
    part.sparse.sign.scale, part.sparse.sign.negative = signs.scale, signs.negative[:1]
    return request.SerializeToString()


def as_masked(data: bytes) -> bytes:
    request, part = part_of(data)
    signs = pb.DevicePart.FromString(part.SerializeToString()).sparse.sign
    part.masked.sign.CopyFrom(signs)
    return request.SerializeToString()


def with_signs(size: int) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        request, part = part_of(data)
        part.masked.sign.negative = bytes(size)
        return request.SerializeToString()

    return edit


NO_REQUEST = "bytes that are no TrainRequest"
LIES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    *[(index, claiming(index, 2**60), NO_REQUEST) for index in ("gaps", "bitmap", "rice")],
    *[(index, claiming(index, HUGE), NO_REQUEST) for index in ("gaps", "bitmap", "rice")],
    ("rice", spoilt(count=HUGE), f"{HUGE} indices: must be at most the dimension {DIMENSION}"),
    ("rice", spoilt(count=DIMENSION), "50 bytes for 20000 codes of 1 bits: must be 2500"),
    ("rice", spoilt(count=KEEP + 1), "50 bytes for 401 codes of 1 bits: must be 51"),
    ("rice", spoilt(count=0), "50 bytes for 0 codes of 1 bits: must be 0"),
    ("rice", spoilt(count=KEEP - 1), "402 indices end in a Rice code of 399: must be as many"),
    ("gaps", spoilt(count=KEEP), "a count of 400: must be left out where the rest says"),
    ("bitmap", spoilt(count=KEEP), "a count of 400: must be left out where the rest says"),
    ("gaps", spoilt(gaps=b"\1" * 600), "50 bytes for 600 codes of 1 bits: must be 75"),
    ("gaps", spoilt(gaps=b"\xff" * 600), "50 bytes for 0 codes of 1 bits: must be 0"),
    ("gaps", spoilt(gaps=b"\xff\xff\xff\xff\x7f" * KEEP), "a message of "),
    ("gaps", spoilt(gaps=b"\xff\xff\xff\xff\x7f" * 100), "50 bytes for 100 codes of 1 bits"),
    ("bitmap", spoilt(bitmap=b"\xff" * 2500), "50 bytes for 20000 codes of 1 bits: must be 2500"),
    ("bitmap", spoilt(bitmap=b"\1" * 400), "a bitmap of 400 bytes: must be 2500"),
    ("auto", spoilt(dimension=HUGE), f"a vector of dimension {HUGE}: must be {DIMENSION}"),
    *[
        (index, as_masked, "a masked vector: the server chose no coordinates in this round")
        for index in ("auto", "gaps", "bitmap", "rice")
    ],
    *[
        (index, as_sparse, "sparse sign, 8 values: must be masked, 400 values as ScaledSign()")
        for index in ("seeded", "common")
    ],
    *[
        (index, with_signs(size), f"{size} bytes for 400 codes of 1 bits: must be 50")
        for index in ("seeded", "common")
        for size in (0, 49, 51)
    ],
]


@pytest.mark.parametrize(("index", "lie", "reason"), LIES)
def test_are_refused_in_memory_that_goes_with_them(
    experiments: dict[str, tuple[Prepared, Plan, Payload]],
    index: str,
    lie: Callable[[bytes], bytes],
    reason: str,
) -> None:
    prepared, plan, payload = experiments[index]
    data = lie(encode_reply(plan, [payload]))
    inbox = Inbox(prepared, plan, ByteCount(5))

    with traced() as peak:
        verdict, _ = refuse(inbox, (2,), data)

    assert verdict.reason.startswith(reason)
    assert inbox.votes == {}
    # A mask, where there is one, is made before the values are looked at.
    assert peak() <= 40 * len(data) + 100 * KEEP


@pytest.mark.parametrize("index", INDICES)
def test_are_taken_as_long_as_they_are_true(
    experiments: dict[str, tuple[Prepared, Plan, Payload]], index: str
) -> None:
    prepared, plan, payload = experiments[index]
    inbox = Inbox(prepared, plan, ByteCount(5))

    assert inbox.receive((2,), encode_reply(plan, [payload])) == []

    assert isinstance(payload, Sparse)
    vote = inbox.votes[2]
    assert isinstance(vote, Masked if index in ("seeded", "common") else Sparse)
    assert vote.indices.tolist() == payload.indices.tolist()
    assert isinstance(vote.values, SignValues)
    assert vote.floats().tobytes() == payload.floats().tobytes()


def test_are_of_the_mask_of_the_device_that_sends_them(
    experiments: dict[str, tuple[Prepared, Plan, Payload]],
) -> None:
    prepared, plan, payload = experiments["seeded"]
    inbox = Inbox(prepared, plan, ByteCount(5))

    for device in (1, 2):
        assert inbox.receive((device,), encode_reply(plan, [payload])) == []

    first, second = inbox.votes[1], inbox.votes[2]
    assert isinstance(payload, Sparse)
    assert isinstance(first, Masked)
    assert isinstance(second, Masked)
    assert second.indices.tolist() == payload.indices.tolist()
    assert first.indices.tolist() != second.indices.tolist()
