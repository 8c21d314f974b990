"""The server's judgement of what arrives while a round is open.

Every message is charged to its stream, then either it becomes a vote or it is refused
with a reason. Nothing a peer sends can raise past this file.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.compression import Payload, SharesMask
from comlad.errors import MessageError, Status
from comlad.experiment import Prepared
from comlad.rounds import ByteCount, Direction, Layer, Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire._requests import encode_refusal, parse_request, reply_bound
from comlad.wire._vectors import RawVector

__all__ = ["Inbox", "Verdict"]

_Stream = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A message or part that was refused.

    Args:
        device: Whose it was; with several devices and no slot, the first of the stream.
        answer: The Refusal to send back, serialised.
    """

    device: int
    reason: str
    answer: bytes


class Inbox:
    """The votes of one round.

    Args:
        prepared: What is being run.
        plan: What was broadcast; only answers to it count.
        counted: Takes the bytes of everything that arrives and of every refusal.
    """

    def __init__(self, prepared: Prepared, plan: Plan, counted: ByteCount) -> None:
        self.votes: dict[int, Payload] = {}
        self.refused: dict[int, str] = {}
        self.stray: list[tuple[int, str]] = []
        self._prepared = prepared
        self._width = prepared.width
        self._mask = _common_mask(prepared, plan)
        self._plan = plan
        self._counted = counted
        self._refusals: Counter[_Stream] = Counter()
        self._bounds: dict[int, int] = {}

    def receive(self, stream: _Stream, data: bytes) -> list[Verdict]:
        """Take a message of the process that hosts these devices; what was refused comes back."""
        verdicts: list[Verdict] = []
        try:
            request = parse_request(data, self._bound(len(stream)))
            if request.WhichOneof("event") != "reply":
                raise MessageError("a message that is no Reply: the stream has joined")
            if (parts := len(request.reply.parts)) > _patience(stream):
                # Built before they could be counted: nobody gets to do that twice.
                self._refusals[stream] += _patience(stream)
                raise MessageError(
                    f"{parts} parts: must be one for each of {len(stream)} devices",
                    Status.RESOURCE_EXHAUSTED,
                )
        except MessageError as error:
            # Whose part is spoilt cannot be told: each device of the process has had its say.
            self._counted.add(Direction.UP, Layer.MESSAGE, stream, len(data))
            for device in stream:
                self._refuse(device, str(error))
            return [self._verdict(stream, None, error)]
        vectors = [RawVector.of(part) for part in request.reply.parts]
        self._charge(stream, request.reply, vectors, len(data))
        try:
            self._check_plan(request.reply)
        except MessageError as error:
            self.stray.append((stream[0], str(error)))
            return [self._verdict(stream, None, error)]
        for part, vector in zip(request.reply.parts, vectors, strict=True):
            if part.slot >= len(stream):
                nobody = MessageError(
                    f"slot {part.slot}: the stream joined with {len(stream)}", Status.NOT_FOUND
                )
                self.stray.append((stream[0], str(nobody)))
                verdicts.append(self._verdict(stream, None, nobody))
                continue
            try:
                self._vote(stream[part.slot], vector)
            except MessageError as error:
                self._refuse(stream[part.slot], str(error))
                verdicts.append(self._verdict(stream, part.slot, error))
        return verdicts

    def answered(self, devices: Collection[int]) -> bool:
        """Whether none of these devices has anything left to say in this round."""
        return all(device in self.votes or device in self.refused for device in devices)

    def heard(self, devices: Collection[int]) -> bool:
        """Whether any of these devices has had its say in this round."""
        return any(device in self.votes or device in self.refused for device in devices)

    def exhausted(self, stream: _Stream) -> bool:
        """Whether a stream was refused so often in this round that it should be cut off."""
        return self._refusals[stream] > _patience(stream)

    def missing(self) -> list[int]:
        """Devices that have said nothing."""
        count = self._prepared.experiment.devices.count
        return [
            device
            for device in range(count)
            if device not in self.votes and device not in self.refused
        ]

    def _bound(self, devices: int) -> int:
        if devices not in self._bounds:
            self._bounds[devices] = reply_bound(self._prepared, devices)
        return self._bounds[devices]

    def _charge(
        self, stream: _Stream, reply: pb.Reply, vectors: list[RawVector], size: int
    ) -> None:
        count, up = self._counted, Direction.UP
        shared = size
        for part, vector in zip(reply.parts, vectors, strict=True):
            if part.slot < len(stream):
                count.add(up, Layer.PAYLOAD, stream, vector.payload_bytes, part.slot)
                if len(stream) > 1:
                    own = part.ByteSize()
                    count.add(up, Layer.MESSAGE, stream, own, part.slot)
                    shared -= own
        count.add(up, Layer.MESSAGE, stream, shared)

    def _check_plan(self, reply: pb.Reply) -> None:
        found, right = (reply.round, reply.plan), (self._plan.round, self._plan.number)
        if reply.round != self._plan.round:
            raise MessageError(
                f"a reply to round {reply.round}: round {self._plan.round} is open",
                Status.FAILED_PRECONDITION,
            )
        if found != right:
            raise MessageError(
                f"a reply to plan {reply.plan} of round {reply.round}: must be {right[1]}",
                Status.FAILED_PRECONDITION,
            )
        if not reply.parts:
            raise MessageError("a reply without parts: must have one for each device")

    def _vote(self, device: int, vector: RawVector) -> None:
        if device in self.votes or device in self.refused:
            raise MessageError(
                f"a second reply of device {device}: the first one stands", Status.ALREADY_EXISTS
            )
        payload = vector.decode(self._width, self._mask)
        self._prepared.experiment.compressor.admit(payload, self._width)
        self.votes[device] = payload

    def _refuse(self, device: int, reason: str) -> None:
        if device in self.votes or device in self.refused:
            self.stray.append((device, reason))
        else:
            self.refused[device] = reason

    def _verdict(self, stream: _Stream, slot: int | None, error: MessageError) -> Verdict:
        self._refusals[stream] += 1
        answer = encode_refusal(self._plan.round, slot, error.status, str(error))
        self._counted.add(Direction.DOWN, Layer.MESSAGE, stream, len(answer))
        return Verdict(stream[slot or 0], str(error), answer)


def _common_mask(prepared: Prepared, plan: Plan) -> NDArray[np.int64] | None:
    compressor = prepared.experiment.compressor
    if not (plan.common_key and isinstance(compressor, SharesMask)):
        return None
    return compressor.mask(prepared.width, plan.common_key)


def _patience(stream: _Stream) -> int:
    """How many refusals a stream is answered in a round."""
    return 4 * len(stream) + 4
