"""What a process makes of the round that it is told."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from comlad.coding import Coding
from comlad.compression import MaskScope
from comlad.errors import MessageError
from comlad.rounds import MASK_KEY_BYTES, Answered, Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire._models import told_model

__all__ = ["broadcast_bound", "decode_round", "index_type"]


def broadcast_bound(dimension: int, device_count: int, devices: int) -> int:
    """The bytes that the message of a round can have at most.

    Args:
        dimension: Q.
        device_count: N.
        devices: M, how many devices the process hosts; each may be told N subsets, a task,
            a key and which answer has counted.
    """
    return 8 * dimension + 4 * device_count + devices * (4 * device_count + 40) + 256


def decode_round(
    message: pb.Round,
    *,
    devices: int,
    device_count: int,
    dimension: int,
    coding: Coding,
    scope: MaskScope = "none",
    base: Plan | None = None,
    remembers: bool = False,
) -> Plan:
    """The plan that a process was told.

    Args:
        message: As it came.
        devices: M, how many devices the process hosts.
        device_count: N.
        dimension: Q.
        coding: The code in use.
        scope: Whose masks the server chooses.
        base: The plan that the process was told before, if any.
        remembers: Whether devices are told which of their answers have counted.

    Raises:
        MessageError: The message does not fit these numbers, or changes another model.
    """
    model = told_model(message).decode(dimension, base)
    width = index_type(device_count)
    tasks = np.array(message.tasks, np.intp)
    if len(tasks) != devices or tasks.max() >= device_count:
        raise MessageError(f"tasks {_some(tasks)}: must be {devices}, each below {device_count}")
    permutation = subsets = None
    if message.subsets and message.permutation:
        raise MessageError("a permutation and subsets: must be one of them")
    if message.subsets:
        places = coding.subsets(tasks, np.arange(device_count))
        subsets = _subsets(message.subsets, places.shape, width, device_count)
    else:
        permutation = _permutation(message.permutation, width, device_count)
    common, keys = message.common_key, message.mask_keys
    if len(common) != (right := MASK_KEY_BYTES if scope == "round" else 0):
        raise MessageError(f"a common key of {len(common)} bytes: must be {right}")
    if len(keys) != (right := devices * MASK_KEY_BYTES if scope == "device" else 0):
        raise MessageError(f"mask keys of {len(keys)} bytes: must be {right}")
    return Plan(
        round=message.round,
        number=message.plan,
        model=model,
        permutation=permutation,
        tasks=tasks,
        subsets=subsets,
        common_key=common,
        mask_keys=tuple(
            keys[start : start + MASK_KEY_BYTES] for start in range(0, len(keys), MASK_KEY_BYTES)
        ),
        full=message.full,
        answered=_answered(message, devices) if remembers else None,
    )


def _answered(message: pb.Round, devices: int) -> tuple[Answered, ...]:
    answered, held = list(message.answered), list(message.held)
    if len(answered) != devices or max(answered) > message.round:
        raise MessageError(
            f"answered {answered[:20]}: must be {devices} numbers of at most {message.round}"
        )
    if len(held) != devices:
        raise MessageError(f"{len(held)} fingerprints of what is held: must be {devices}")
    return tuple(map(Answered, answered, held))


def _permutation(data: bytes, width: np.dtype[np.unsignedinteger], count: int) -> NDArray[np.intp]:
    if len(data) != count * width.itemsize:
        right = count * width.itemsize
        raise MessageError(f"a permutation of {len(data)} bytes: must be {right}")
    permutation = np.frombuffer(data, width)
    order = permutation.tolist()
    if max(order) >= count or len(set(order)) != count:
        raise MessageError("a permutation that leaves out a subset: must hold each once")
    return permutation.astype(np.intp)


def _subsets(
    data: bytes, shape: tuple[int, ...], width: np.dtype[np.unsignedinteger], count: int
) -> NDArray[np.intp]:
    rows, load = shape
    if len(data) != (right := rows * load * width.itemsize):
        raise MessageError(f"subsets of {len(data)} bytes: must be {right}")
    subsets = np.frombuffer(data, width).reshape(rows, load).astype(np.intp)
    ordered = np.sort(subsets, axis=1)
    if ordered.max() >= count or (ordered[:, 1:] == ordered[:, :-1]).any():
        raise MessageError(f"subsets {_some(subsets)}: must be distinct, each below {count}")
    return subsets


def _some(numbers: NDArray[np.intp]) -> str:
    """The numbers, or the first of very many."""
    shown = numbers.reshape(-1)[:20].tolist()
    return str(shown if numbers.size > len(shown) else numbers.tolist())


@cache
def index_type(count: int) -> np.dtype[np.unsignedinteger]:
    """The type in which subset indices below `count` travel."""
    for name in ("<u1", "<u2"):
        if count <= 2 ** (8 * np.dtype(name).itemsize):
            return np.dtype(name)
    return np.dtype("<u4")
