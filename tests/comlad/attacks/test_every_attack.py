"""What every attack promises."""

from typing import Any

import numpy as np
import pytest
from samples import fresh_rng, name_of

from comlad.attacks import ATTACKS, SignFlip, View
from comlad.coding import Cyclic
from comlad.errors import ConfigError
from comlad.problems import LinearRegression

ATTACKS_TO_TRY: list[dict[str, Any]] = [
    {"kind": "sign-flip"},
    {"kind": "sign-flip", "factor": 0.5},
]


def view() -> View:
    """What device 3 of seven sees in round 2; no array in it can be written to."""
    problem, coding = LinearRegression(dimension=5), Cyclic(2)
    objective = problem.objective(problem.load(7, 0))
    tasks, permutation = coding.draw(7, fresh_rng(1))
    model = fresh_rng(2).normal(0, 1, 5)
    subsets = coding.subsets(tasks[3:4], permutation)
    honest = coding.encode(objective.gradients(model, subsets[0]), np.arange(2)[None])[0]
    for array in (honest, model, permutation):
        array.flags.writeable = False
    return View(
        honest=honest,
        round=2,
        device=3,
        task=int(tasks[3]),
        model=model,
        permutation=permutation,
        objective=objective,
        coding=coding,
        rng=fresh_rng(3),
    )


def test_has_a_sample_of_every_kind() -> None:
    assert {table["kind"] for table in ATTACKS_TO_TRY} == set(ATTACKS.own)


@pytest.mark.parametrize("table", ATTACKS_TO_TRY, ids=name_of)
class TestEveryAttack:
    def test_gives_a_vector_that_can_be_compressed(self, table: dict[str, Any]) -> None:
        vector = ATTACKS.read(table)(view())

        assert vector.shape == (5,)
        assert vector.dtype == np.float64
        assert np.isfinite(vector).all()

    def test_repeats_itself_for_the_same_draws(self, table: dict[str, Any]) -> None:
        attack = ATTACKS.read(table)

        assert attack(view()).tobytes() == attack(view()).tobytes()

    def test_does_not_tell_the_truth(self, table: dict[str, Any]) -> None:
        seen = view()

        assert not np.array_equal(ATTACKS.read(table)(seen), seen.honest)

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        attack = ATTACKS.read(table)

        assert ATTACKS.read(ATTACKS.write(attack)) == attack


class TestSignFlip:
    def test_sends_minus_twice_the_truth(self) -> None:
        seen = view()

        assert SignFlip()(seen).tolist() == (-2 * seen.honest).tolist()

    def test_sends_the_truth_times_its_factor(self) -> None:
        seen = view()

        assert SignFlip(-0.25)(seen).tolist() == (-0.25 * seen.honest).tolist()

    @pytest.mark.parametrize("factor", [float("nan"), float("inf"), float("-inf")])
    def test_refuses_a_factor_that_is_no_number(self, factor: float) -> None:
        with pytest.raises(ConfigError, match=f"^factor = {factor}: must be a finite number$"):
            SignFlip(factor)
