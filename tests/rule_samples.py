"""Rules and pre-aggregations to try: samples of every kind, and vectors for them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.aggregation import Aggregation, Aggregator, Context

__all__ = ["LINKS", "RULES", "apply", "cloud"]

RULES: list[dict[str, Any]] = [
    {"kind": "mean"},
    {"kind": "trimmed-mean"},
    {"kind": "trimmed-mean", "trim": 1},
    {"kind": "trimmed-mean", "trim": 0.25},
    {"kind": "median"},
    {"kind": "meamed"},
    {"kind": "phocas"},
    {"kind": "phocas", "trim": 0.25},
    {"kind": "geometric-median"},
    {"kind": "geometric-median", "iterations": 3, "start": "zero"},
    {"kind": "krum"},
    {"kind": "krum", "neighbors": "n-f-1"},
    {"kind": "multi-krum"},
    {"kind": "multi-krum", "neighbors": "n-f-1", "select": 4},
    {"kind": "bulyan"},
    {"kind": "mda"},
    {"kind": "mda", "exact": False},
    {"kind": "smea"},
    {"kind": "monna", "trusted": 1},
    {"kind": "faba"},
    {"kind": "caf"},
    {"kind": "centered-clipping"},
    {"kind": "maximum-correntropy"},
    {"kind": "norm-thresholding"},
    {"kind": "norm-thresholding", "beta": 0.2},
]
LINKS: list[dict[str, Any]] = [
    {"kind": "nnm"},
    {"kind": "bucketing", "size": 1},
    {"kind": "bucketing", "size": 2},
    {"kind": "clipping", "limit": 100.0},
    {"kind": "arc"},
]


def cloud(n: int = 11, dimension: int = 5) -> NDArray[np.float64]:
    return fresh_rng().normal(3, 2, (n, dimension))


def apply(
    rule: Aggregator | Aggregation, vectors: NDArray[np.float64], f: int
) -> NDArray[np.float64]:
    """What a rule makes of vectors in the order of their devices' ids, 0, 1, …"""
    return rule(vectors, Context(f, fresh_rng(), devices=tuple(range(len(vectors)))))
