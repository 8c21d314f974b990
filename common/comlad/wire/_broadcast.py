"""The broadcast: serialised once a round, with what is a stream's own appended."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise

from comlad.experiment import Downlink
from comlad.rounds import MASK_KEY_BYTES, ByteCount, Direction, Layer, Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire._chunks import chunk_bytes, cut, cut_sizes, hashed
from comlad.wire._fields import Buffer, size_of_pieces, wrapped
from comlad.wire._models import encode_change, encode_model, told_model
from comlad.wire._told import index_type

__all__ = ["Broadcast"]

_HELD_BYTES = 4
_ROUND = pb.TrainResponse.DESCRIPTOR.fields_by_name["round"].number


class Broadcast:
    """A round's plan as messages for each stream.

    Concatenated messages merge, so that a stream's message is the shared bytes followed
    by its own. The model's are a view of it: there is no copy for a stream, nor one for all.

    Args:
        plan: What was decided; its model must not change while it is sent.
        downlink: How it is told.
        base: The plan before, if a device that was told it may be told what has changed.
    """

    def __init__(self, plan: Plan, downlink: Downlink, base: Plan | None = None) -> None:
        self.number = plan.number
        self._plan = plan
        self._indices = index_type(len(plan.tasks))
        self._chunk = chunk_bytes(len(plan.tasks))
        model = encode_model(plan.model, downlink.model)
        self._whole = self._share(model, len(model[-1]))
        self._base: int | None = None
        if base is not None and downlink.delta:
            change = encode_change(plan.model, base, downlink.model)
            changed = self._share([change.SerializeToString()], told_model(change).payload_bytes)
            if changed.size < self._whole.size:
                self._base, self._changed = base.number, changed

    def messages(
        self,
        devices: tuple[int, ...],
        told: int | None = None,
        counted: Callable[[], ByteCount] | None = None,
    ) -> Iterator[tuple[bytes, bool]]:
        """What the stream of these devices is sent, each message with whether it is the last.

        Args:
            devices: Their ids, in the order of the slots.
            told: The number of the plan that the stream was told last.
            counted: Gives the tally that a message is charged to as it is handed out.
        """
        shared, own = self._shared(told), self._own_part(devices)
        ends = self._ends(shared, own)
        pieces = [*shared.pieces, own]
        messages = cut(
            pb.TrainResponse,
            self.number,
            pieces,
            lambda: shared.digest(own),
            chunk=self._chunk,
        )
        for (start, end), message in zip(pairwise(ends), messages, strict=True):
            if counted is not None:
                self._charge(counted(), devices, shared, range(start, end), ends[-1])
            yield message, end == ends[-1]

    def message(self, devices: Sequence[int], told: int | None = None) -> bytes:
        """All of that as one message, whatever its size."""
        return b"".join([*self._shared(told).pieces, self._own_part(devices)])

    def charge(self, counted: ByteCount, devices: tuple[int, ...], told: int | None = None) -> None:
        """Charge all of these messages to the stream, and to each device the bytes of its own."""
        shared = self._shared(told)
        ends = self._ends(shared, self._own_part(devices))
        self._charge(counted, devices, shared, range(ends[-1]), ends[-1])

    def _charge(
        self,
        counted: ByteCount,
        devices: tuple[int, ...],
        shared: "_Shared",
        part: range,
        size: int,
    ) -> None:
        """Charge a part of all bytes of the messages to a stream, which are `size`."""
        down = Direction.DOWN
        # What is no payload counts as sent first, and the devices' own last, so that never more
        # payload is charged than was sent.
        own = [self._own_payload(device) for device in devices]
        framing = size - shared.payload - sum(own)
        first, last = (
            min(max(end - framing, 0), shared.payload) for end in (part.start, part.stop)
        )
        counted.add(down, Layer.PAYLOAD, devices, last - first)
        left = len(part)
        for slot, device in enumerate(devices if part.stop == size else ()):
            counted.add(down, Layer.PAYLOAD, devices, own[slot], slot)
            if len(devices) > 1:
                numbers = self._own_numbers(device)
                counted.add(down, Layer.MESSAGE, devices, own[slot] + numbers, slot)
                left -= own[slot] + numbers
        counted.count_message(down, len(part))
        counted.add(down, Layer.MESSAGE, devices, left)

    def _share(self, model: list[Buffer], payload: int) -> "_Shared":
        """What of the message is everybody's.

        Args:
            model: A serialised Round with the model only.
            payload: How many bytes of it are payload.
        """
        plan, rest = self._plan, pb.Round()
        rest.round = plan.round
        rest.plan = plan.number
        rest.common_key = plan.common_key
        rest.full = plan.full
        if plan.permutation is not None:
            rest.permutation = plan.permutation.astype(self._indices).tobytes()
        payload += len(plan.common_key) + len(rest.permutation)
        return _Shared(wrapped(_ROUND, [rest.SerializeToString(), *model]), payload)

    def _shared(self, told: int | None) -> "_Shared":
        return self._changed if told is not None and told == self._base else self._whole

    def _ends(self, shared: "_Shared", own: bytes) -> list[int]:
        """Where among all their bytes the messages begin, and the end of the last."""
        size = shared.size + len(own)
        sizes = cut_sizes(pb.TrainResponse, self.number, size, chunk=self._chunk)
        return list(accumulate(sizes, initial=0))

    def _own_part(self, devices: Sequence[int]) -> bytes:
        """What of the message is the devices' own."""
        plan, response = self._plan, pb.TrainResponse()
        rows = list(devices)
        response.round.tasks.extend(plan.tasks[rows].tolist())
        if plan.mask_keys:
            response.round.mask_keys = b"".join([plan.mask_keys[row] for row in rows])
        if plan.subsets is not None:
            response.round.subsets = plan.subsets[rows].astype(self._indices).tobytes()
        if plan.answered is not None:
            response.round.answered.extend([plan.answered[row].after for row in rows])
            response.round.held.extend([plan.answered[row].held for row in rows])
        return response.SerializeToString()

    def _own_numbers(self, device: int) -> int:
        """The bytes of a device's own numbers."""
        task, answered = int(self._plan.tasks[device]), self._plan.answered
        if answered is None:
            return _varint_size(task)
        return _varint_size(task) + _varint_size(answered[device].after) + _HELD_BYTES

    def _own_payload(self, device: int) -> int:
        plan = self._plan
        subsets = 0 if plan.subsets is None else plan.subsets.shape[1] * self._indices.itemsize
        return subsets + (MASK_KEY_BYTES if plan.mask_keys else 0)


def _varint_size(number: int) -> int:
    return max(1, -(-number.bit_length() // 7))


class _Shared:
    """What of a broadcast is everybody's: a serialised message in pieces.

    Args:
        pieces: Its bytes.
        payload: How many of them are payload.
    """

    def __init__(self, pieces: list[Buffer], payload: int) -> None:
        self.pieces = pieces
        self.payload = payload
        self.size = size_of_pieces(pieces)

    def digest(self, own: bytes) -> bytes:
        """The SHA-256 of all that a stream is sent."""
        hashed = self._hashed.copy()
        hashed.update(own)
        return hashed.digest()

    @cached_property
    def _hashed(self) -> "hashlib._Hash":  # once a round, however many streams there are
        return hashed(self.pieces)
