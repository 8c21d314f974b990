"""What every device is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.coding import Coding
from comlad.compression import mask_scope
from comlad.estimators import Memory, remembers
from comlad.experiment import Prepared
from comlad.rng import Stream, run_generator

__all__ = [
    "MASK_KEY_BYTES",
    "Answered",
    "Plan",
    "State",
    "drawn_tasks",
    "initial_state",
    "plan_round",
]

MASK_KEY_BYTES = 16


class Answered(NamedTuple):
    """The last answer of a device that counted; by itself, that there is none.

    Args:
        after: 1 + its round.
        held: The `fingerprint` of what the server has remembered of the device since.
    """

    after: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The server's between two rounds.

    Args:
        round: t, how many rounds are closed.
        model: x_t, float64, shape (Q,).
        memories: What the estimator remembers of each device, by id.
        answered: By device, of those of which an answer has counted, the last one; empty
            where devices remember nothing.
        aggregate: g_{t−1}, what the round before stepped along, shape (Q,); None before the
            first, and where no rule uses it.
        decoding: What the code remembers.
    """

    round: int
    model: NDArray[np.float64]
    memories: Mapping[int, Memory] = field(default_factory=dict)
    answered: Mapping[int, Answered] = field(default_factory=dict)
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
        full: Whether gradients of all samples are asked for.
        answered: Of each device that is told its last answer that counted: it goes on from
            what it remembered then. None where devices remember nothing.
    """

    round: int
    number: int
    model: NDArray[np.float64]
    permutation: NDArray[np.intp] | None
    tasks: NDArray[np.intp]
    subsets: NDArray[np.intp] | None = None
    common_key: bytes = b""
    mask_keys: tuple[bytes, ...] = ()
    full: bool = False
    answered: tuple[Answered, ...] | None = None

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
            answered=None if self.answered is None else tuple(self.answered[row] for row in rows),
        )


def initial_state(prepared: Prepared) -> State:
    """Before the first round: x_0 = 0."""
    return State(0, np.zeros(prepared.objective.dimension))


def plan_round(prepared: Prepared, state: State) -> Plan:
    """The plan of round t = `state.round`; what is drawn follows from the seed and t alone."""
    experiment = prepared.experiment
    devices, downlink = experiment.devices.count, experiment.downlink
    rng = _generator(experiment.seed, state.round)
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
        full=_is_full(prepared, state, rng),
        answered=_answered(prepared, state),
    )


def drawn_tasks(coding: Coding, devices: int, seed: int, round: int) -> NDArray[np.intp]:
    """T_i of all N devices in a round, as its plan has them; shape (N,)."""
    tasks, _ = coding.draw(devices, _generator(seed, round))
    return tasks


def _generator(seed: int, round: int) -> Generator:
    """What is drawn for a plan; the tasks first."""
    return run_generator(seed, Stream.PLAN, round)


def _is_full(prepared: Prepared, state: State, rng: Generator) -> bool:
    """Whether devices are asked for the gradients of all their samples."""
    refresh = prepared.experiment.estimator.refresh
    return refresh > 0 and bool(rng.random() < refresh or not state.answered)


def _answered(prepared: Prepared, state: State) -> tuple[Answered, ...] | None:
    if not remembers(prepared.experiment.estimator):
        return None
    devices = range(prepared.experiment.devices.count)
    return tuple(state.answered.get(device, Answered()) for device in devices)


def _keys(rng: Generator, count: int) -> tuple[bytes, ...]:
    data = rng.bytes(count * MASK_KEY_BYTES)  # for one after the other it takes ten times as long
    return tuple(
        data[start : start + MASK_KEY_BYTES] for start in range(0, len(data), MASK_KEY_BYTES)
    )


def _as_single(model: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded to float32, whose largest number stands for what is beyond it."""
    most = float(np.finfo(np.float32).max)
    return model.clip(-most, most).astype(np.float32).astype(np.float64)
