"""Saying nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["Crash"]


@dataclass(frozen=True, slots=True)
class Crash:
    """Honest until a round, and silent from then on: a crash-stop fault.

    The device stays connected. On a network every round therefore lasts until the
    deadline: make [devices] deadline_s short, but longer than honest devices take. In one
    process nobody waits.

    The attacker must know: nothing.

    Args:
        since: The first round without an answer.
    """

    since: int = 0

    def __post_init__(self) -> None:
        require(self.since >= 0, "since", self.since, "must be a round, from 0 up")

    def __call__(self, view: View) -> NDArray[np.float64] | None:
        return None if view.round >= self.since else view.honest
