"""A process's answer to a round."""

from collections.abc import Iterable

from comlad.compression import Payload
from comlad.rounds import Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire._vectors import encode_vector

__all__ = ["encode_reply"]


def encode_reply(plan: Plan, payloads: Iterable[Payload | None]) -> bytes:
    """A TrainRequest with a part for each device of the process, in the order of its slots.

    A silent device, None, has no part. Where all are silent nothing is to be sent at all.
    """
    request = pb.TrainRequest()
    request.reply.round = plan.round
    request.reply.plan = plan.number
    for slot, payload in enumerate(payloads):
        if payload is None:
            continue
        part = request.reply.parts.add()
        part.slot = slot
        encode_vector(payload, part)
    return request.SerializeToString()
