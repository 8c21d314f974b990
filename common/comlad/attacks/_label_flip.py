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
    """All that an honest device does, on data with flipped labels.

    As in Karimireddy et al., ICML 2021: on labels K−1−y in place of y where there are K
    classes, and on −y where y is a number or ±1. What an estimator remembers is then of
    these data, too.

    The attacker must know: the data of its own subsets.
    """

    def poisoned(self, objective: Objective) -> Objective:
        if not isinstance(objective, FlipsLabels):
            raise ConfigError("label-flip: the problem says of no labels how they could be flipped")
        return objective.with_flipped_labels()

    def __call__(self, view: View) -> NDArray[np.float64]:
        return view.honest
