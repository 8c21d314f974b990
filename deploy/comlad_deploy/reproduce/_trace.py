"""One curve for one draw of the data: the loss at some rounds of a run in this process."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from comlad.experiment import Prepared, prepare, read_experiment
from comlad.rounds import State, initial_state, model_sha256, simulate

__all__ = ["Stopped", "Trace", "compute", "horizons", "marks"]

_POINTS = 200


class Stopped(Exception):
    """Whoever watches a run wants no more of it."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a run was like.

    Args:
        losses: F(x_t) at every one of `marks(T)`; infinite where it is not finite.
        model_sha256: Of x_T, as in a run's summary.json.
        skipped: Rounds in which the model stayed where it was.
        decode_failed: Rounds in which a code could not be decoded.
        seconds: Of one core.
    """

    losses: tuple[float, ...]
    model_sha256: str
    skipped: int
    decode_failed: int
    seconds: float


def horizons(rounds: int) -> tuple[int, ...]:
    """T/50, T/10, T/5, T/2 and T in whole rounds: where claims are looked at."""
    return tuple(sorted({-(-rounds // part) for part in (50, 10, 5, 2, 1)}))


def marks(rounds: int) -> tuple[int, ...]:
    """The t at which F(x_t) is recorded: evenly spread, with 0, T and the horizons among them."""
    points = min(rounds, _POINTS)
    even = {round(point * rounds / points) for point in range(points + 1)}
    return tuple(sorted(even | set(horizons(rounds))))


def compute(tables: Mapping[str, Any], watch: Callable[[int], None] = lambda _: None) -> Trace:
    """Run an experiment.

    Args:
        tables: Of its file.
        watch: Called with t after every round; may raise Stopped.

    Raises:
        ConfigError: The experiment cannot be.
        Stopped: `watch` did.
    """
    started = time.process_time()
    prepared = prepare(read_experiment(tables))
    wanted = set(marks(prepared.experiment.rounds))
    state = initial_state(prepared)
    losses, skipped, decode_failed = [_loss(prepared, state)], 0, 0
    with threadpool_limits(1):  # another number of BLAS threads changes the last bits
        for state, outcome in simulate(prepared):
            skipped += outcome.skipped is not None
            decode_failed += outcome.decode_failed
            if state.round in wanted:
                losses.append(_loss(prepared, state))
            watch(state.round)
    return Trace(
        losses=tuple(losses),
        model_sha256=model_sha256(state.model),
        skipped=skipped,
        decode_failed=decode_failed,
        seconds=time.process_time() - started,
    )


def _loss(prepared: Prepared, state: State) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        loss = prepared.objective.loss(state.model)
    return loss if math.isfinite(loss) else math.inf
