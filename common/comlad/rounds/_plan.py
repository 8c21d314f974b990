"""What every device is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.compression import mask_scope
from comlad.estimators import Memory
from comlad.experiment import Prepared
from comlad.rng import Stream, run_generator

__all__ = ["MASK_KEY_BYTES", "Plan", "State", "initial_state", "plan_round"]

MASK_KEY_BYTES = 16


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The server's between two rounds.

    Args:
        round: t, how many rounds are closed.
        model: x_t, float64, shape (Q,).
        memories: What the estimator remembers of each device, by id.
        aggregate: g_{t−1}, what the round before stepped along, shape (Q,); None before the
            first, and where no rule uses it.
        decoding: What the code remembers.
    """

    round: int
    model: NDArray[np.float64]
    memories: Mapping[int, Memory] = field(default_factory=dict)
    aggregate: NDArray[np.float64] | None = None
    decoding: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What devices are told in a round.

    Args:
        round: t.
        number: 32 bits drawn for this plan, which every answer repeats.
        model: x_t as it is told, float64, shape (Q,).
        permutation: p_t, shape (N,); None if each device is told its own subsets only.
        tasks: T_i of each device that is told; of all N in the server's own plan.
        subsets: What T_i and p_t mean, in the code's order, a row for each device that
            is told, shape (M, d); None if p_t is told.
        common_key: What decides the coordinates that all devices keep; empty if there is
            no such mask.
        mask_keys: What decides the coordinates that each device that is told keeps; none
            if they have no masks of their own.
    """

    round: int
    number: int
    model: NDArray[np.float64]
    permutation: NDArray[np.intp] | None
    tasks: NDArray[np.intp]
    subsets: NDArray[np.intp] | None = None
    common_key: bytes = b""
    mask_keys: tuple[bytes, ...] = ()

    def mask_key(self, slot: int) -> bytes:
        """The key of the mask of the device in a slot; empty if the server chose none."""
        return self.mask_keys[slot] if self.mask_keys else self.common_key

    def told(self, devices: Sequence[int]) -> "Plan":
        """From the server's own plan, what the process of these devices is told."""
        rows = list(devices)
        return replace(
            self,
            tasks=self.tasks[rows],
            subsets=None if self.subsets is None else self.subsets[rows],
            mask_keys=tuple(self.mask_keys[row] for row in rows) if self.mask_keys else (),
        )


def initial_state(prepared: Prepared) -> State:
    """Before the first round: x_0 = 0."""
    return State(0, np.zeros(prepared.objective.dimension))


def plan_round(prepared: Prepared, state: State) -> Plan:
    """The plan of round t = `state.round`; what is drawn follows from the seed and t alone."""
    experiment = prepared.experiment
    devices, downlink = experiment.devices.count, experiment.downlink
    rng = run_generator(experiment.seed, Stream.PLAN, state.round)
    tasks, permutation = experiment.coding.draw(devices, rng)
    number = int(rng.integers(2**32))
    scope = mask_scope(experiment.compressor)
    own = downlink.permutation == "own"
    return Plan(
        round=state.round,
        number=number,
        model=_as_single(state.model) if downlink.model == "float32" else state.model,
        permutation=None if own else permutation,
        tasks=tasks,
        subsets=experiment.coding.subsets(tasks, permutation) if own else None,
        common_key=rng.bytes(MASK_KEY_BYTES) if scope == "round" else b"",
        mask_keys=_keys(rng, devices) if scope == "device" else (),
    )


def _keys(rng: Generator, count: int) -> tuple[bytes, ...]:
    data = rng.bytes(count * MASK_KEY_BYTES)  # for one after the other it takes ten times as long
    return tuple(
        data[start : start + MASK_KEY_BYTES] for start in range(0, len(data), MASK_KEY_BYTES)
    )


def _as_single(model: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded to float32, whose largest number stands for what is beyond it."""
    most = float(np.finfo(np.float32).max)
    return model.clip(-most, most).astype(np.float32).astype(np.float64)
