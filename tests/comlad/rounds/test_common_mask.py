"""A mask that all devices share, from the plan to the step."""

from typing import Any

import numpy as np
import pytest
from samples import answers, complaint, dense, draws, first_plan, small, tables

from comlad.compression import Masked
from comlad.rounds import close_round, initial_state

COMMON: dict[str, Any] = {
    "kind": "random-sparsification",
    "keep": 3,
    "index": "common",
    "values": "float64",
}


def test_is_the_same_for_all_devices_of_a_round() -> None:
    prepared = small(compressor=COMMON)

    sent = answers(prepared, first_plan(prepared))

    assert all(isinstance(payload, Masked) for payload in sent)
    kept = {tuple(np.flatnonzero(dense(payload)).tolist()) for payload in sent}
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("values", "load", "compressor"),
    [
        ("real", 5, COMMON),
        ("complex", 5, COMMON | {"keep": 6, "parts": 2}),
        ("complex", 6, COMMON | {"keep": 6, "parts": 2}),  # no real form of this one
        ("complex", 6, COMMON | {"keep": 0.5, "parts": 2}),
    ],
)
def test_lets_draco_decode_the_mean_under_it(
    values: str, load: int, compressor: dict[str, Any]
) -> None:
    """DRACO's decoder is linear: it gives C of the mean of all gradients, whoever lies."""
    prepared = small(
        "devices.count=9",
        "devices.byzantine=2",
        coding={"kind": "draco-cyclic", "load": load, "values": values},
        compressor=compressor,
        step={"learning_rate": 1.0},
    )
    state, plan = initial_state(prepared), first_plan(prepared)
    votes = dict(enumerate(answers(prepared, plan)))

    after, outcome = close_round(prepared, plan, state, votes)

    mean = prepared.objective.gradients(state.model, np.arange(9)).mean(axis=0)
    own = small(compressor=COMMON).experiment.compressor
    expected = dense(own.compress(mean, draws(mask_key=plan.common_key)))
    assert not outcome.decode_failed
    assert len(outcome.suspects) == 2
    assert -after.model == pytest.approx(expected, rel=1e-12)
    assert np.count_nonzero(after.model) == 3


@pytest.mark.parametrize(
    ("values", "parts", "right"), [("complex", 1, "must be 2: "), ("real", 2, "must be 1: ")]
)
def test_must_keep_both_parts_of_a_complex_number(values: str, parts: int, right: str) -> None:
    message = complaint(
        tables(
            "devices.byzantine=1",
            coding={"kind": "draco-cyclic", "load": 3, "values": values},
            compressor=COMMON | {"keep": 4, "parts": parts},
        )
    )

    assert message.startswith(f"[compressor] parts = {parts}: {right}of a complex number both ")
