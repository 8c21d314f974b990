"""What every device is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from comlad.compression import shares_mask
from comlad.estimators import Memory
from comlad.experiment import Prepared
from comlad.rng import Stream, run_generator

__all__ = ["COMMON_KEY_BYTES", "Plan", "State", "initial_state", "plan_round"]

COMMON_KEY_BYTES = 16


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The server's between two rounds.

    Args:
        round: t, how many rounds are closed.
        model: x_t, float64, shape (Q,).
        memories: What the estimator remembers of each device, by id.
        aggregate: g_{t−1}, what the round before stepped along, shape (Q,); None before the first.
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
        model: x_t, float64, shape (Q,).
        permutation: p_t, shape (N,).
        tasks: T_i of each device that is told; of all N in the server's own plan.
        common_key: What decides the coordinates that all devices keep; empty if each
            keeps its own.
    """

    round: int
    number: int
    model: NDArray[np.float64]
    permutation: NDArray[np.intp]
    tasks: NDArray[np.intp]
    common_key: bytes = b""

    def told(self, devices: Sequence[int]) -> "Plan":
        """From the server's own plan, what the process of these devices is told."""
        return replace(self, tasks=self.tasks[list(devices)])


def initial_state(prepared: Prepared) -> State:
    """Before the first round: x_0 = 0."""
    return State(0, np.zeros(prepared.objective.dimension))


def plan_round(prepared: Prepared, state: State) -> Plan:
    """The plan of round t = `state.round`; what is drawn follows from the seed and t alone."""
    experiment = prepared.experiment
    rng = run_generator(experiment.seed, Stream.PLAN, state.round)
    tasks, permutation = experiment.coding.draw(experiment.devices.count, rng)
    number = int(rng.integers(2**32))
    common_key = rng.bytes(COMMON_KEY_BYTES) if shares_mask(experiment.compressor) else b""
    return Plan(state.round, number, state.model, permutation, tasks, common_key)
