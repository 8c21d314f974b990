"""Honest work on wrong labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.errors import ConfigError
from comlad.problems import FlipsLabels, Objective

__all__ = ["LabelFlip"]


@dataclass(frozen=True, slots=True)
class LabelFlip:
    """The coded gradients of data with flipped labels (as in Karimireddy et al., ICML 2021).

    The device does all that an honest one does, but on labels K−1−y in place of y where
    there are K classes, and on −y where y is a number or ±1.

    The attacker must know: the data of its own subsets.
    """

    def __call__(self, view: View) -> NDArray[np.float64]:
        objective = view.pool.once(self, lambda: _flipped(view.objective))
        return view.coded(view.task, objective=objective)


def _flipped(objective: Objective) -> Objective:
    if not isinstance(objective, FlipsLabels):
        raise ConfigError("label-flip: the problem says of no labels how they could be flipped")
    return objective.with_flipped_labels()
