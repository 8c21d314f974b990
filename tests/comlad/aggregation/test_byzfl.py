"""Beside what byzfl 0.0.11 made of the same vectors: see tests/byzfl_values.py."""

import itertools
import json
from typing import Any

import numpy as np
import pytest
from byzfl_values import INPUTS, RECORDED, digest
from numpy.random import Generator
from numpy.typing import NDArray
from samples import InOrder, context, fresh_rng

from comlad.aggregation import AGGREGATORS, PREAGGREGATORS, Context, MeanAroundMedian

# byzfl's name and ours, with the parameters that mean byzfl's variant.
RULES: dict[str, dict[str, Any]] = {
    "Average": {"kind": "mean"},
    "Median": {"kind": "median"},
    "TrMean": {"kind": "trimmed-mean"},
    "GeometricMedian": {
        "kind": "geometric-median",
        "iterations": 3,
        "smoothing": 0.1,
        "start": "zero",
    },
    "Krum": {"kind": "krum", "neighbors": "n-f-1"},
    "MultiKrum": {"kind": "multi-krum", "neighbors": "n-f-1"},
    "CenteredClipping": {"kind": "centered-clipping", "radius": 100.0, "iterations": 1},
    "MDA": {"kind": "mda"},
    "MoNNA": {"kind": "monna", "trusted": 0},
    "Meamed": {"kind": "meamed"},
    "NNM": {"kind": "nnm"},
    "Clipping": {"kind": "clipping", "limit": 2.0},
    "ARC": {"kind": "arc"},
}
VALUES = json.loads(RECORDED.read_text())
# Here byzfl has to choose among what is equally near, and takes what np.argpartition
# happens to leave in front. That depends on the order of the vectors and on the processor.
TIED = {("Meamed", "integers 12"), ("NNM", "integers 12")}


def ours(rule: str, name: str, rng: Generator | None = None) -> NDArray[np.float64]:
    f, vectors = INPUTS[name]
    told = Context(f, rng or InOrder(), devices=tuple(range(len(vectors))))
    table = RULES[rule]
    family = AGGREGATORS if table["kind"] in AGGREGATORS.own else PREAGGREGATORS
    return family.read(table)(vectors, told)


def test_was_recorded_with_these_vectors() -> None:
    assert {name: values["input"] for name, values in VALUES.items()} == {
        name: digest(vectors) for name, (_, vectors) in INPUTS.items()
    }


@pytest.mark.parametrize(
    ("rule", "name"), [case for case in itertools.product(RULES, INPUTS) if case not in TIED]
)
def test_equals_byzfl(rule: str, name: str) -> None:
    byzfl = np.array(VALUES[name][rule])

    assert ours(rule, name) == pytest.approx(byzfl, rel=1e-10, abs=1e-10)


def test_meamed_differs_from_byzfl_only_where_two_are_equally_near() -> None:
    f, vectors = INPUTS["integers 12"]
    byzfl = np.array(VALUES["integers 12"]["Meamed"])

    lesser = ours("Meamed", "integers 12")
    greater = -MeanAroundMedian()(-vectors, context(f))

    assert (lesser <= byzfl + 1e-10).all()
    assert (byzfl <= greater + 1e-10).all()
    assert (lesser < greater).all()


def test_nnm_may_draw_what_byzfl_takes() -> None:
    byzfl = np.array(VALUES["integers 12"]["NNM"])

    draws = np.array([ours("NNM", "integers 12", fresh_rng(seed)) for seed in range(100)])

    # Row by row: byzfl's choice in one row says nothing about that in another.
    assert np.isclose(draws, byzfl, rtol=1e-10, atol=1e-10).all(axis=2).any(axis=0).all()
