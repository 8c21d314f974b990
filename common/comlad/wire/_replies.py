"""A process's answer to a round."""

from collections.abc import Iterable, Iterator

import numpy as np

from comlad.compression import Dense, Payload
from comlad.rounds import Plan
from comlad.v1 import training_pb2 as pb
from comlad.v1 import vector_pb2
from comlad.wire._chunks import CHUNK_BYTES, cut
from comlad.wire._fields import Buffer, wrapped
from comlad.wire._vectors import encode_vector

__all__ = ["encode_reply", "reply_messages"]

_REPLY = pb.TrainRequest.DESCRIPTOR.fields_by_name["reply"].number
_PARTS = pb.Reply.DESCRIPTOR.fields_by_name["parts"].number
_DENSE = pb.DevicePart.DESCRIPTOR.fields_by_name["dense"].number
_FLOATS = vector_pb2.DenseVector.DESCRIPTOR.fields_by_name


def reply_messages(plan: Plan, payloads: Iterable[Payload | None]) -> Iterator[bytes]:
    """What a process sends: its reply, or the chunks of one that is too large.

    Args:
        plan: What it answers.
        payloads: Of its devices, in the order of the slots. A silent device, None, has no
            part; where all are silent nothing is to be sent at all.
    """
    return cut(pb.TrainRequest, plan.number, _pieces(plan, payloads))


def encode_reply(plan: Plan, payloads: Iterable[Payload | None]) -> bytes:
    """That reply as one message, whatever its size."""
    return b"".join(_pieces(plan, payloads))


def _pieces(plan: Plan, payloads: Iterable[Payload | None]) -> list[Buffer]:
    request, large = pb.TrainRequest(), list[Buffer]()
    request.reply.round = plan.round
    request.reply.plan = plan.number
    for slot, payload in enumerate(payloads):
        if payload is None:
            continue
        if isinstance(payload, Dense) and _is_large(payload):
            large += wrapped(_REPLY, wrapped(_PARTS, _dense_part(slot, payload)))
            continue
        part = request.reply.parts.add()
        part.slot = slot
        encode_vector(payload, part)
    # Concatenated messages merge: large parts follow, as views of their values.
    return [request.SerializeToString(), *large]


def _is_large(payload: Dense) -> bool:
    return isinstance(payload.values, np.ndarray) and payload.values.nbytes > CHUNK_BYTES


def _dense_part(slot: int, payload: Dense) -> list[Buffer]:
    values = np.ascontiguousarray(payload.values)
    name = str(values.dtype)
    data = values.astype(values.dtype.newbyteorder("<"), copy=False).view(np.uint8).data
    head = pb.DevicePart(slot=slot).SerializeToString()
    return [head, *wrapped(_DENSE, wrapped(_FLOATS[name].number, [data]))]
