"""Index codes and value types on the wire: bytes beside the entropy, and speed.

python -m bench.wire [--repeat 41]

Bytes are means over masks drawn anew; "ratio" is the bytes of indices by log2 C(Q, k) / 8.
"indices" is only those: to bytes and back, or the mask from its key. "reply" is all of a
reply with float32 values: from a payload to the bytes for gRPC and back, with the mask where
the server chose it. "common" needs that once a round: "indices" makes it, the rest has it at
hand. Speeds are medians, in millions of kept entries a second, taken in turns: only their
ratios mean something.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comlad.compression import (
    COMPRESSORS,
    Draws,
    IndexCodec,
    Masked,
    RandomSparsification,
    Sparse,
)
from comlad.rounds import Plan
from comlad.v1 import training_pb2, vector_pb2
from comlad.wire import encode_reply
from comlad.wire._indices import decode_indices, encode_indices, raw_indices
from comlad.wire._vectors import RawVector

_SHAPES = ((100, 30), (10**4, 10**2), (10**6, 10**4))
_CODECS: tuple[IndexCodec, ...] = ("gaps", "bitmap", "rice", "auto")
_MASKS = 200  # of which bytes are the mean; fewer of the longest
_VALUES: tuple[dict[str, Any], ...] = (
    {"kind": "identity", "values": "float64"},
    {"kind": "identity", "values": "float32"},
    {"kind": "identity", "values": "float16"},
    {"kind": "identity", "values": "bfloat16"},
    {"kind": "stochastic-quantization"},
    {"kind": "qsgd", "levels": 15},
    {"kind": "terngrad"},
    {"kind": "natural"},
    {"kind": "scaled-sign"},
)
_PLAN = Plan(0, 2**31, np.zeros(1), None, np.zeros(1, np.intp))

_Task = Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Row:
    """What is done for one way to tell indices, and the bytes that they take."""

    name: str
    index_bytes: float
    tasks: tuple[_Task, _Task, _Task, _Task]  # indices there and back, a reply there and back


def _explicit(codec: IndexCodec, dimension: int, kept: int, rng: np.random.Generator) -> _Row:
    def encode(indices: NDArray[np.int64]) -> vector_pb2.SparseVector:
        message = vector_pb2.SparseVector()
        encode_indices(indices, dimension, codec, message, told=True)
        return message

    masks = [_subset(rng, dimension, kept) for _ in range(max(10, _MASKS * 100 // dimension))]
    sizes = [len(raw_indices(encode(mask))[2]) for mask in masks]
    mask = masks[0]
    raw = raw_indices(encode(mask))
    payload = Sparse(dimension, mask, rng.standard_normal(kept).astype(np.float32), codec)
    data = encode_reply(_PLAN, [payload])
    return _Row(
        codec,
        statistics.mean(sizes),
        (
            lambda: encode(mask),
            lambda: decode_indices(raw, kept, dimension),
            lambda: encode_reply(_PLAN, [payload]),
            lambda: _decode(data, dimension),
        ),
    )


def _seeded(dimension: int, kept: int, rng: np.random.Generator) -> _Row:
    compressor = RandomSparsification(kept, "seeded")
    values = rng.standard_normal(kept).astype(np.float32)
    data = encode_reply(_PLAN, [Masked(dimension, np.arange(kept), values)])

    def mask() -> NDArray[np.int64]:
        return compressor.mask(dimension, rng.bytes(16))

    return _Row(
        "seeded",
        0,
        (
            mask,
            mask,
            lambda: encode_reply(_PLAN, [Masked(dimension, mask(), values)]),
            lambda: _decode(data, dimension, mask()),
        ),
    )


def _common(dimension: int, kept: int, rng: np.random.Generator) -> _Row:
    compressor, key = RandomSparsification(kept, "common"), rng.bytes(16)
    values = rng.standard_normal(kept).astype(np.float32)
    payload = Masked(dimension, compressor.mask(dimension, key), values)
    data = encode_reply(_PLAN, [payload])
    return _Row(
        "common",
        0,
        (
            lambda: compressor.mask(dimension, key),
            lambda: compressor.mask(dimension, key),
            lambda: encode_reply(_PLAN, [payload]),
            lambda: _decode(data, dimension, compressor.mask(dimension, key)),
        ),
    )


def _subset(rng: np.random.Generator, dimension: int, kept: int) -> NDArray[np.int64]:
    return np.sort(rng.choice(dimension, kept, replace=False, shuffle=False))


def _decode(data: bytes, dimension: int, mask: NDArray[np.int64] | None = None) -> object:
    (part,) = training_pb2.TrainRequest.FromString(data).reply.parts
    return RawVector.of(part).decode(dimension, mask)


def _seconds(task: _Task) -> float:
    begun = time.perf_counter()
    task()
    return time.perf_counter() - begun


def _in_turns(tasks: list[_Task], repeat: int) -> list[float]:
    """Medians of several calls of each, in turns, so that a busy moment hits all."""
    times = [[_seconds(task) for task in tasks] for _ in range(repeat)]
    return [statistics.median(taken) for taken in zip(*times, strict=True)]


def _indices(dimension: int, kept: int, repeat: int) -> None:
    rng = np.random.default_rng(0)
    entropy = RandomSparsification(kept).index_bits(dimension) / 8
    rows = [_explicit(codec, dimension, kept, rng) for codec in _CODECS]
    rows += [_seeded(dimension, kept, rng), _common(dimension, kept, rng)]
    times = iter(_in_turns([task for row in rows for task in row.tasks], repeat))
    print(f"\nQ = {dimension}, k = {kept}: log2 C(Q, k) / 8 = {entropy:.1f} bytes")
    print(f"{'':<8} {'bytes':>9} {'ratio':>7} {'indices':>8} {'back':>8} {'reply':>8} {'back':>8}")
    for row in rows:
        speeds = [kept / next(times) / 1e6 for _ in row.tasks]
        line = f"{row.name:<8} {row.index_bytes:>9.1f} {row.index_bytes / entropy:>7.3f}"
        print(line + "".join(f" {speed:>8.1f}" for speed in speeds), flush=True)


def _values(dimension: int, repeat: int) -> None:
    rng = np.random.default_rng(0)
    vector = rng.standard_normal(dimension)
    print(f"\nall of Q = {dimension} values: bytes of a reply, MB/s of float64 values, and back")
    for table in _VALUES:
        payload = COMPRESSORS.read(table).compress(vector, Draws(lambda: rng))
        data = encode_reply(_PLAN, [payload])
        tasks: list[_Task] = [
            lambda payload=payload: encode_reply(_PLAN, [payload]),  # type: ignore[misc]
            lambda data=data: _decode(data, dimension),  # type: ignore[misc]
        ]
        there, back = (8e-6 * dimension / seconds for seconds in _in_turns(tasks, repeat))
        label = " ".join(map(str, table.values()))
        print(f"{label:<24} {len(data):>9} {there:>9.0f} {back:>9.0f}", flush=True)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=41, help="calls; medians are shown")
    options = parser.parse_args()
    for dimension, kept in _SHAPES:
        _indices(dimension, kept, options.repeat)
    _values(10**6, max(3, options.repeat // 4))


if __name__ == "__main__":
    _main()
