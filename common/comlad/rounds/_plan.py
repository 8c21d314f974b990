"""What every device is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from comlad.estimators import Memory
from comlad.experiment import Prepared
from comlad.rng import Stream, run_generator

__all__ = ["Plan", "State", "initial_state", "plan_round"]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The server's between two rounds.

    Args:
        round: t, how many rounds are closed.
        model: x_t, float64, shape (Q,).
        memories: What the estimator remembers of each device, by id.
    """

    round: int
    model: NDArray[np.float64]
    memories: Mapping[int, Memory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What devices are told in a round.

    Args:
        round: t.
        number: 32 bits drawn for this plan, which every answer repeats.
        model: x_t, float64, shape (Q,).
        permutation: p_t, shape (N,).
        tasks: T_i of each device that is told; of all N in the server's own plan.
    """

    round: int
    number: int
    model: NDArray[np.float64]
    permutation: NDArray[np.intp]
    tasks: NDArray[np.intp]

    def told(self, devices: Sequence[int]) -> "Plan":
        """From the server's own plan, what the process of these devices is told."""
        return replace(self, tasks=self.tasks[list(devices)])


def initial_state(prepared: Prepared) -> State:
    """Before the first round: x_0 = 0."""
    return State(0, np.zeros(prepared.objective.dimension))


def plan_round(prepared: Prepared, state: State) -> Plan:
    """The plan of round t = `state.round`; T and p are drawn from the seed and t alone."""
    experiment = prepared.experiment
    rng = run_generator(experiment.seed, Stream.PLAN, state.round)
    tasks, permutation = experiment.coding.draw(experiment.devices.count, rng)
    number = int(rng.integers(2**32))
    return Plan(state.round, number, state.model, permutation, tasks)
