"""What the server makes of the answers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from comlad.compression import Payload
from comlad.errors import ConfigError
from comlad.experiment import Prepared
from comlad.rng import Stream, run_generator
from comlad.rounds._plan import State

__all__ = ["Outcome", "close_round"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a round.

    Args:
        update_norm: ‖x_{t+1} − x_t‖; infinite if its square is out of the finite numbers.
        skipped: Why the model stayed where it was; None if it moved.
    """

    update_norm: float
    skipped: str | None = None


def close_round(
    prepared: Prepared, state: State, payloads: Mapping[int, Payload], refused: int = 0
) -> tuple[State, Outcome]:
    """Aggregate what came and step.

    A device that was refused is surely a bad one, and one fewer that the rules must
    expect: f' = max(f − refused, 0). One that is missing may well be honest and leaves
    f as it is. Where n' vectors are too few for the rule, or the step would leave the
    finite numbers, the model stays.

    Args:
        prepared: What is being run.
        state: Before the round.
        payloads: By device; in any order.
        refused: How many devices' answers were refused.
    """
    experiment = prepared.experiment
    f = max(experiment.devices.tolerated - refused, 0)
    # In the order of the ids, never of arrival: float addition does not associate.
    devices = sorted(payloads)
    memories = dict(state.memories)
    try:
        if not devices:
            raise ConfigError("nobody answered")
        experiment.aggregator.check(len(devices), f)
    except ConfigError as error:
        return State(state.round + 1, state.model, memories), Outcome(0.0, str(error))
    vectors = np.zeros((len(devices), len(state.model)))
    for row, device in zip(vectors, devices, strict=True):
        payloads[device].write_to(row)
        estimate, memories[device] = experiment.estimator.receive(row, memories.get(device, {}))
        if estimate is not row:
            row[:] = estimate
    rng = run_generator(experiment.seed, Stream.AGGREGATION, state.round)
    with np.errstate(over="ignore", invalid="ignore"):
        aggregate = experiment.aggregator(vectors, f, rng)
        model = experiment.step(state.model, aggregate, state.round)
    if not np.isfinite(model).all():
        skipped = "the step would leave the finite numbers"
        return State(state.round + 1, state.model, memories), Outcome(0.0, skipped)
    with np.errstate(over="ignore"):  # a liar can make the square of a finite step infinite
        update_norm = float(np.sqrt(((model - state.model) ** 2).sum()))
    return State(state.round + 1, model, memories), Outcome(update_norm)
