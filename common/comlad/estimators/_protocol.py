"""What every gradient estimator offers."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MODEL",
    "Arrival",
    "Estimator",
    "Footprint",
    "Memory",
    "Setting",
    "Vector",
    "Work",
    "fingerprint",
    "remembers",
]

Vector = NDArray[np.float64]

# What one end of the line remembers of one device between rounds: named float64 vectors.
Memory = Mapping[str, Vector]
# In the memory of a device, x of its last answer, for an estimator that compares.
MODEL = "model"


class Footprint(NamedTuple):
    """How many vectors of a coded gradient's length belong to the memory of a device, at most.

    Args:
        server: At the server.
        device: At the device itself, x of its last answer included where that is kept. A
            device process keeps those of earlier rounds, too: see `Recollection`.
    """

    server: int = 0
    device: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What an estimator is run with.

    Args:
        compressor: Its kind, for complaints.
        bounded: Whether it says anything of its error; else nothing is asked of it.
        biased: Whether it is known to be.
        delta: δ of E‖C(v) − v‖² ≤ δ‖v‖², if it is unbiased and there is one; else None.
        alpha: α of E‖C(v) − v‖² ≤ (1 − α)‖v‖²; None if none above 0 is known.
        share: b/m, which part of its samples a device looks at in a round; 1 for all.
    """

    compressor: str
    bounded: bool = True
    biased: bool = False
    delta: float | None = 0.0
    alpha: float | None = 1.0
    share: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What a device has computed in a round.

    Args:
        model: x_t as the device was told it, shape (Q,).
        gradient: s, its coded gradient there, shape (width,): of the samples that it drew,
            or of all in a full round.
        before: s', that of the same samples at the model in the device's memory; None if
            it was not asked for or there is no such model.
        full: Whether it is a full round.
    """

    model: Vector
    gradient: Vector
    before: Vector | None = None
    full: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """What the server knows when it takes an answer.

    Args:
        full: Whether it is a full round.
        previous: g_{t−1}, what the last step was along, shape (width,); None before the
            first, and unless the estimator uses it.
    """

    full: bool = False
    previous: Vector | None = None


class Estimator(Protocol):
    """A configured estimator: a frozen dataclass whose fields are its parameters.

    Memory goes in and comes out, and no array in it is changed. Both ends start from an
    empty one. A device's answer counts or it does not: if not, both go on from the
    memories before it. What a device adds to its memory is what was decoded, not what it
    meant, so that both ends hold the same bits.

        target, memory = estimator.track(work, memory)        # the device; a liar has its own
        offered, memory = estimator.offer(target, memory)     # target, to be compressed
        memory = estimator.settle(offered, decoded, memory)   # what the server got of that
        estimate, memory = estimator.receive(decoded, memory, arrival)  # the server
    """

    @property
    def footprint(self) -> Footprint:
        """What is remembered, at most."""

    @property
    def mirrored(self) -> tuple[str, ...]:
        """The names of what both ends remember, the same to the last bit."""

    @property
    def compares(self) -> bool:
        """Whether gradients are also taken at the model in the device's memory, MODEL."""

    @property
    def refresh(self) -> float:
        """The probability of a full round, one with the gradients of all samples; 0 for none."""

    @property
    def uses_previous(self) -> bool:
        """Whether an estimate builds on what the last step was along.

        Then what a device remembers is worth nothing once it has missed a round.
        """

    def fitted(self, setting: Setting) -> Self:
        """The estimator with the parameters that follow from the setting.

        Raises:
            ConfigError: It does not work there; says why and what would be right.
        """

    def whole(self, full: bool, first: bool) -> bool:
        """Whether a message is not compressed.

        Args:
            full: Whether it is a full round.
            first: Whether no answer of the device has counted yet.
        """

    def track(self, work: Work, memory: Memory) -> tuple[Vector, Memory]:
        """What the device wants the server to hold, shape (width,), and its new memory."""

    def offer(self, target: Vector, memory: Memory) -> tuple[Vector, Memory]:
        """What is compressed so that the server comes nearer to the target, shape (width,).

        Args:
            target: What `track` gave, or what a liar puts in its place.
            memory: What `track` gave.
        """

    def settle(self, offered: Vector, decoded: Vector, memory: Memory) -> Memory:
        """The memory once the message is sent.

        Args:
            offered: What was compressed; of a liar's own message, what it decodes to.
            decoded: What the server decodes.
            memory: What `offer` gave; of a liar's own message, what `track` did.
        """

    def receive(self, decoded: Vector, memory: Memory, arrival: Arrival) -> tuple[Vector, Memory]:
        """The server's estimate for the device, shape (width,), and its memory of it."""

    def restart(self, held: Memory, model: Vector) -> Memory:
        """The memory of a device that has lost its own, from what the server holds of it.

        Args:
            held: The server's memory of the device.
            model: x_t as the device was told it.

        Raises:
            KeyError: A name is missing.
        """


def remembers(estimator: Estimator) -> bool:
    """Whether either end remembers anything, so that it matters whether an answer counted."""
    return any(estimator.footprint)


def fingerprint(memory: Memory, names: Sequence[str]) -> int | None:
    """CRC-32 of some vectors of a memory; 0 of none, None if one is missing.

    By it a device finds out that it remembers something else than the server does. It
    deceives nobody but itself.
    """
    found = 0
    for name in names:
        if name not in memory:
            return None
        found = zlib.crc32(memory[name].astype("<f8", copy=False).data, found)
    return found
