"""The server's judgement of what arrives while a round is open.

Every message is charged to its stream, then either it becomes a vote or it is refused
with a reason. Nothing a peer sends can raise past this file.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from comlad.compression import Payload, Sparse, TakesMask
from comlad.errors import MessageError, Status
from comlad.experiment import Prepared
from comlad.rounds import ByteCount, Direction, Layer, Plan, form_of
from comlad.v1 import training_pb2 as pb
from comlad.wire._requests import encode_refusal, parse_request, plan_bound
from comlad.wire._uploads import StrayError, Uploads
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
        self._heard: set[int] = set()  # devices with a vote or refused
        self._prepared = prepared
        self._width = prepared.width
        self._plan = plan
        self._counted = counted
        self._refusals: Counter[_Stream] = Counter()
        self._bounds: dict[_Stream, int] = {}
        self._uploads = Uploads(plan.number)

    def receive(self, stream: _Stream, data: bytes) -> list[Verdict]:
        """Take a message of the process that hosts these devices; what was refused comes back.

        Of a reply in chunks all but the last one only gather.
        """
        self._counted.count_message(Direction.UP, len(data))
        self._counted.add(Direction.UP, Layer.MESSAGE, stream, len(data))
        try:
            parts = self._parts(stream, data)
        except StrayError as error:
            self.stray.append((stream[0], str(error)))
            return [self._verdict(stream, None, error)]
        except MessageError as error:
            # Whose part is spoilt cannot be told: each device of the process has had its say.
            for device in stream:
                self._refuse(device, str(error))
            return [self._verdict(stream, None, error)]
        return self._judge(stream, parts)

    def leave(self, stream: _Stream) -> None:
        """The stream has ended, perhaps in the middle of a reply."""
        self._uploads.forget(stream)

    def replay(self, refused: Mapping[int, str]) -> None:
        """Take these answers as refused, as they were in a run that is repeated."""
        for device, reason in refused.items():
            self._refuse(device, reason)

    def drain(self) -> Iterator[tuple[int, Payload]]:
        """The votes, by device, which the inbox forgets; who gave one it still knows."""
        while self.votes:
            yield self.votes.popitem()

    def answered(self, devices: Collection[int]) -> bool:
        """Whether none of these devices has anything left to say in this round."""
        return self._heard.issuperset(devices)

    def heard(self, devices: Collection[int]) -> bool:
        """Whether any of these devices has had its say in this round."""
        return not self._heard.isdisjoint(devices)

    def exhausted(self, stream: _Stream) -> bool:
        """Whether a stream was refused so often in this round that it should be cut off.

        As often as a late reply is refused, the rest of it is dropped.
        """
        patience = _patience(stream)
        dropped = self._uploads.dropped[stream]
        return self._refusals[stream] > patience or dropped > patience * self._bound(stream)

    def missing(self) -> list[int]:
        """Devices that have said nothing."""
        everyone = range(self._prepared.experiment.devices.count)
        return [device for device in everyone if device not in self._heard]

    def _bound(self, stream: _Stream) -> int:
        if stream not in self._bounds:
            self._bounds[stream] = plan_bound(self._prepared, self._plan, stream)
        return self._bounds[stream]

    def _parts(self, stream: _Stream, data: bytes) -> list[tuple[int, RawVector]]:
        """Slots and vectors of the reply that is whole with this message, if one is.

        Raises:
            StrayError: It is none to this plan.
            MessageError: It is none at all.
        """
        request = self._request(stream, data)
        if request is None:
            return []
        if request.WhichOneof("event") != "reply":
            raise MessageError("a message that is no Reply: the stream has joined")
        reply = request.reply
        if (count := len(reply.parts)) > _patience(stream):
            # Built before they could be counted: nobody gets to do that twice.
            self._refusals[stream] += _patience(stream)
            raise MessageError(
                f"{count} parts: must be one for each of {len(stream)} devices",
                Status.RESOURCE_EXHAUSTED,
            )
        parts = [(part.slot, RawVector.of(part)) for part in reply.parts]
        self._charge(stream, reply, parts)
        self._check_plan(reply)
        return parts

    def _request(self, stream: _Stream, data: bytes) -> pb.TrainRequest | None:
        """The message, or the one that is put together with this chunk of it."""
        bound = self._bound(stream)
        request = parse_request(data, bound)
        if request.WhichOneof("event") != "chunk":
            return request
        begins = request.chunk.plan == self._plan.number and not request.chunk.offset
        if begins and self.answered(stream):  # not only once all of it is in memory
            self._uploads.spoil(stream)
            raise _second_reply(stream[0])
        whole = self._uploads.add(stream, request.chunk, bound)
        return None if whole is None else parse_request(whole, bound)

    def _judge(self, stream: _Stream, parts: list[tuple[int, RawVector]]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for slot, vector in parts:
            if slot >= len(stream):
                nobody = MessageError(
                    f"slot {slot}: the stream joined with {len(stream)}", Status.NOT_FOUND
                )
                self.stray.append((stream[0], str(nobody)))
                verdicts.append(self._verdict(stream, None, nobody))
                continue
            try:
                self._vote(stream[slot], vector)
            except MessageError as error:
                self._refuse(stream[slot], str(error))
                verdicts.append(self._verdict(stream, slot, error))
        return verdicts

    def _charge(self, stream: _Stream, reply: pb.Reply, parts: list[tuple[int, RawVector]]) -> None:
        """Charge payloads, and to each device of several the bytes of its own part."""
        count, up = self._counted, Direction.UP
        for part, (slot, vector) in zip(reply.parts, parts, strict=True):
            if slot < len(stream):
                count.add(up, Layer.PAYLOAD, stream, vector.payload_bytes, slot)
                if len(stream) > 1:  # has been charged to the stream with all that came
                    own = part.ByteSize()
                    count.add(up, Layer.MESSAGE, stream, own, slot)
                    count.add(up, Layer.MESSAGE, stream, -own)

    def _check_plan(self, reply: pb.Reply) -> None:
        if reply.round != self._plan.round:
            raise StrayError(
                f"a reply to round {reply.round}: round {self._plan.round} is open",
                Status.FAILED_PRECONDITION,
            )
        if reply.plan != self._plan.number:
            raise StrayError(
                f"a reply to plan {reply.plan} of round {reply.round}: must be {self._plan.number}",
                Status.FAILED_PRECONDITION,
            )
        if not reply.parts:
            raise StrayError("a reply without parts: must have one for each device")

    def _vote(self, device: int, vector: RawVector) -> None:
        if device in self._heard:
            raise _second_reply(device)
        experiment = self._prepared.experiment
        compressor = form_of(experiment.estimator, experiment.compressor, self._plan, device)
        mask = None
        if vector.kind == "masked" and (key := self._plan.mask_key(device)):
            # A plan has a key only for a compressor that takes masks.
            mask = cast("TakesMask", experiment.compressor).mask(self._width, key)
        payload = vector.decode(self._width, mask)
        compressor.admit(payload, self._width)
        if isinstance(payload, Sparse) and not self._plan.common_key:  # whose mask all share
            payload = payload.compact()
        self.votes[device] = payload
        self._heard.add(device)

    def _refuse(self, device: int, reason: str) -> None:
        if device in self._heard:
            self.stray.append((device, reason))
        else:
            self.refused[device] = reason
            self._heard.add(device)

    def _verdict(self, stream: _Stream, slot: int | None, error: MessageError) -> Verdict:
        self._refusals[stream] += 1
        answer = encode_refusal(self._plan.round, slot, error.status, str(error))
        self._counted.count_message(Direction.DOWN, len(answer))
        self._counted.add(Direction.DOWN, Layer.MESSAGE, stream, len(answer))
        return Verdict(stream[slot or 0], str(error), answer)


def _second_reply(device: int) -> MessageError:
    return MessageError(
        f"a second reply of device {device}: the first one stands", Status.ALREADY_EXISTS
    )


def _patience(stream: _Stream) -> int:
    """How many refusals a stream is answered in a round."""
    return 4 * len(stream) + 4
