"""A sample of every attack, and views for them to act on."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from samples import draws, fresh_rng

from comlad.attacks import ATTACKS, Attack, Pool, Remembers, View
from comlad.coding import Cyclic
from comlad.compression import Compressor, Identity, Payload
from comlad.problems import LinearRegression, Objective

__all__ = ["ATTACKS_TO_TRY", "Given", "attack_of", "informed", "regression_view", "view_of"]

TRIMMED_MEAN = {"kind": "trimmed-mean", "trim": 1, "before": [{"kind": "nnm"}]}

ATTACKS_TO_TRY: list[dict[str, Any]] = [
    {"kind": "sign-flip"},
    {"kind": "sign-flip", "factor": 0.5},
    {"kind": "sign-flip", "factor": -1.0, "target": "mean"},
    {"kind": "sign-flip", "factor": -1.0, "target": "random"},
    {"kind": "gradient-ascent"},
    {"kind": "gradient-ascent", "factor": 100.0},
    {"kind": "gaussian"},
    {"kind": "gaussian", "deviation": 0.5, "around": "own", "relative": False},
    {"kind": "label-flip"},
    {"kind": "bit-flip"},
    {"kind": "bit-flip", "bit": "any", "rate": 0.5},
    {"kind": "zero"},
    {"kind": "constant"},
    {"kind": "non-finite"},
    {"kind": "non-finite", "value": "-inf"},
    {"kind": "alie", "f": 2},
    {"kind": "alie", "z": 1.5, "direction": "plus"},
    {"kind": "ipm"},
    {"kind": "foe"},
    {"kind": "mimic"},
    {"kind": "mimic", "warmup": 1},
    {"kind": "min-max"},
    {"kind": "min-max", "direction": "unit", "start": 10.0},
    {"kind": "min-sum"},
    {"kind": "min-sum", "direction": "sign", "start": 10.0},
    {"kind": "opt-alie", "aggregator": TRIMMED_MEAN, "f": 2},
    {"kind": "opt-alie", "aggregator": {"kind": "mean"}, "f": 1, "direction": "minus"},
    {"kind": "opt-ipm", "aggregator": TRIMMED_MEAN, "f": 2, "tolerate": 1},
    {"kind": "crash"},
    {"kind": "crash", "since": 10**6},
    {"kind": "straggler"},
    {"kind": "straggler", "delay": 2},
    {"kind": "replay"},
    {"kind": "replay", "delay": 2},
    {"kind": "wrong-task"},
    {"kind": "wrong-task", "choose": "next"},
    {"kind": "partial-corruption"},
    {"kind": "norm-hiding"},
    {"kind": "norm-hiding", "beta": 0.4, "f": 1},
    {"kind": "quantizer-range"},
]


class Given:
    """Functions whose gradients are given: ∇f_k(x) = rows_k + x; −rows_k with flipped labels."""

    def __init__(self, rows: NDArray[np.float64]) -> None:
        self.rows = rows

    @property
    def dimension(self) -> int:
        return int(self.rows.shape[1])

    def gradients(
        self, model: NDArray[np.float64], subsets: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        return self.rows[subsets] + model

    def with_flipped_labels(self) -> "Given":
        return Given(-self.rows)

    def loss(self, model: NDArray[np.float64]) -> float:
        return float((self.rows @ model).sum() + len(self.rows) * (model @ model) / 2)

    def accuracy(self, model: NDArray[np.float64]) -> float | None:
        return None


def attack_of(table: Mapping[str, Any]) -> Attack:
    """A configured attack."""
    return ATTACKS.read(table)


def view_of(
    rows: Any,
    task: int = 0,
    *,
    load: int = 1,
    model: NDArray[np.float64] | None = None,
    objective: Objective | None = None,
    permutation: NDArray[np.intp] | None = None,
    compressor: Compressor | None = None,
    round: int = 2,
    seed: int = 3,
) -> View:
    """What a device sees whose pool is these rows, (N, Q), unless the load is above 1.

    No array in it can be written to.
    """
    rows = np.array(rows, np.float64)
    count = len(rows)
    objective = Given(rows) if objective is None else objective
    coding, compressor = Cyclic(load), Identity() if compressor is None else compressor
    model = np.zeros(objective.dimension) if model is None else model
    permutation = np.arange(count) if permutation is None else permutation
    tasks = np.array([task])
    (subsets,) = coding.subsets(tasks, permutation)
    own = np.arange(load)[None]
    honest = coding.encode(objective.gradients(model, subsets), own, tasks, count)[0]
    for array in (rows, honest, model, permutation):
        array.flags.writeable = False
    return View(
        honest=honest,
        round=round,
        device=3,
        task=task,
        model=model,
        permutation=permutation,
        objective=objective,
        coding=coding,
        compressor=compressor,
        compress=partial(_compress, compressor),
        generator=partial(fresh_rng, seed),
        pool=Pool.of(objective, coding, model, permutation),
    )


def regression_view(task: int = 4, seed: int = 3, round: int = 2, model_seed: int = 2) -> View:
    """What one of seven devices sees of a linear regression, d = 2, Q = 5."""
    problem = LinearRegression(dimension=5)
    objective = problem.objective(problem.load(7, 0))
    for array in (objective.features, objective.targets):
        array.flags.writeable = False
    return view_of(
        np.zeros((7, 5)),
        task,
        load=2,
        model=fresh_rng(model_seed).normal(0, 1, 5),
        objective=objective,
        permutation=fresh_rng(1).permutation(7),
        round=round,
        seed=seed,
    )


def informed(attack: Attack, rounds: int = 2, task: int = 4) -> View:
    """The view of round `rounds` of a device that heard all rounds before."""
    view = regression_view(task, round=0, model_seed=100)
    for round in range(1, rounds + 1):
        memory = attack.remember(view) if isinstance(attack, Remembers) else {}
        for array in memory.values():
            array.flags.writeable = False
        view = replace(regression_view(task, round=round, model_seed=100 + round), memory=memory)
    return view


def _compress(compressor: Compressor, vector: NDArray[np.float64]) -> Payload:
    return compressor.compress(vector, draws())
