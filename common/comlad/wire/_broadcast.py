"""The broadcast: serialised once a round, with each stream's own tasks appended."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from comlad.errors import MessageError
from comlad.rounds import COMMON_KEY_BYTES, ByteCount, Direction, Layer, Plan
from comlad.v1 import training_pb2 as pb

__all__ = ["Broadcast", "decode_round"]


class Broadcast:
    """A round's plan as messages for each stream.

    Concatenated messages merge, so that a stream's message is the shared bytes followed
    by its own.
    """

    def __init__(self, plan: Plan) -> None:
        self._tasks: list[int] = plan.tasks.tolist()
        permutation = plan.permutation.astype(_index_type(len(plan.permutation))).tobytes()
        model = plan.model.astype("<f8", copy=False).tobytes()
        response = pb.TrainResponse()
        response.round.round = plan.round
        response.round.plan = plan.number
        response.round.model_float64 = model
        response.round.permutation = permutation
        response.round.common_key = plan.common_key
        self._shared = response.SerializeToString()
        self._payload_bytes = len(model) + len(permutation) + len(plan.common_key)

    def message(self, devices: Sequence[int]) -> bytes:
        """The message to the stream of these devices, in the order of its slots."""
        return self._shared + self._own_part(devices)

    def charge(self, counted: ByteCount, devices: tuple[int, ...]) -> None:
        """Charge that message to the stream, and to each device the bytes of its own task."""
        down, size = Direction.DOWN, len(self._shared) + len(self._own_part(devices))
        counted.add(down, Layer.PAYLOAD, devices, self._payload_bytes)
        if len(devices) > 1:
            for slot, device in enumerate(devices):
                own = max(1, -(-self._tasks[device].bit_length() // 7))  # its varint
                counted.add(down, Layer.MESSAGE, devices, own, slot)
                size -= own
        counted.add(down, Layer.MESSAGE, devices, size)

    def _own_part(self, devices: Sequence[int]) -> bytes:
        """What of the message is the devices' own: their tasks."""
        response = pb.TrainResponse()
        response.round.tasks.extend([self._tasks[device] for device in devices])
        return response.SerializeToString()


def decode_round(
    message: pb.Round,
    devices: int,
    device_count: int,
    dimension: int,
    shares_mask: bool = False,
) -> Plan:
    """The plan that a process was told.

    Args:
        message: As it came.
        devices: M, how many devices the process hosts.
        device_count: N.
        dimension: Q.
        shares_mask: Whether the compressor needs a common key.

    Raises:
        MessageError: The message does not fit these numbers.
    """
    if len(message.model_float64) != 8 * dimension:
        raise MessageError(
            f"a model of {len(message.model_float64)} bytes: must be {8 * dimension}"
        )
    index_type = _index_type(device_count)
    if len(message.permutation) != device_count * index_type.itemsize:
        raise MessageError(f"a permutation of {len(message.permutation)} bytes for {device_count}")
    permutation = np.frombuffer(message.permutation, index_type)
    order = permutation.tolist()
    if max(order) >= device_count or len(set(order)) != device_count:
        raise MessageError("a permutation that leaves out a subset: must hold each once")
    tasks = list(message.tasks)
    if len(tasks) != devices or max(tasks) >= device_count:
        raise MessageError(f"tasks {tasks}: must be {devices}, each below {device_count}")
    if len(message.common_key) != (right := COMMON_KEY_BYTES if shares_mask else 0):
        raise MessageError(f"a common key of {len(message.common_key)} bytes: must be {right}")
    model = np.frombuffer(message.model_float64, "<f8").astype(np.float64, copy=False)
    return Plan(
        message.round,
        message.plan,
        model,
        permutation.astype(np.intp),
        np.array(tasks, np.intp),
        message.common_key,
    )


@cache
def _index_type(count: int) -> np.dtype[np.unsignedinteger]:
    for name in ("<u1", "<u2"):
        if count <= 2 ** (8 * np.dtype(name).itemsize):
            return np.dtype(name)
    return np.dtype("<u4")
