"""Answers that come too late by some rounds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require
from comlad.estimators import Memory

__all__ = ["Replay", "Straggler"]


@dataclass(frozen=True, slots=True)
class Straggler:
    """This round's task at the model of some rounds ago, as from a device that lags behind.

    Honest where it has not heard that round, above all in the first ones.

    The attacker must know: the models that it was sent.

    Args:
        delay: How many rounds ago.
    """

    delay: int = 1

    def __post_init__(self) -> None:
        _check_delay(self.delay)

    def __call__(self, view: View) -> NDArray[np.float64]:
        model = view.memory.get(str(view.round - self.delay))
        return view.honest if model is None else view.coded(view.task, model=model)

    def remember(self, view: View) -> Memory:
        return _last(view, view.model, self.delay)


@dataclass(frozen=True, slots=True)
class Replay:
    """The very vector that the device would honestly have sent some rounds ago.

    A valid coded vector, of another task at another model: what a server would take that
    does not bind answers to rounds. Honest where it has not heard that round.

    The attacker must know: its own vectors.

    Args:
        delay: How many rounds ago.
    """

    delay: int = 1

    def __post_init__(self) -> None:
        _check_delay(self.delay)

    def __call__(self, view: View) -> NDArray[np.float64]:
        return view.memory.get(str(view.round - self.delay), view.honest)

    def remember(self, view: View) -> Memory:
        return _last(view, view.honest.copy(), self.delay)


def _check_delay(delay: int) -> None:
    require(delay >= 1, "delay", delay, "must be at least 1 round")


def _last(view: View, vector: NDArray[np.float64], count: int) -> Memory:
    """The vector and what is remembered of the rounds before, by round; `count` rounds at most."""
    oldest = view.round - count
    kept = {key: value for key, value in view.memory.items() if int(key) > oldest}
    return {**kept, str(view.round): vector}
