from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from attack_samples import view_of
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.aggregation import Aggregation, Context, Mean, TrimmedMean
from comlad.attacks import OptimalALittleIsEnough, OptimalInnerProductManipulation
from comlad.attacks._optimal import maximise
from comlad.errors import ConfigError

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Spy:
    """The mean of the rows; keeps what it was shown."""

    seen: list[tuple[Vector, Context]] = field(default_factory=list, hash=False)

    def check(self, n: int, f: int) -> None:
        pass

    def __call__(self, vectors: Vector, context: Context) -> Vector:
        self.seen.append((vectors.copy(), context))
        mean: Vector = vectors.mean(axis=0)
        return mean


class TestMaximise:
    def test_walks_on_in_doubling_steps_while_that_is_better(self) -> None:
        tried: list[float] = []

        def rising(x: float) -> float:
            tried.append(x)
            return x

        assert maximise(rising, 6) == 310
        assert tried == [0, 10, 30, 70, 150, 310]

    def test_shrinks_its_step_once_it_has_gone_too_far(self) -> None:
        tried: list[float] = []

        def hill(x: float) -> float:
            tried.append(x)
            return -abs(x - 12)

        best = maximise(hill, 8)

        # 0 and 10 are good, 30 is not; then steps of 16, 12.8, … from the best.
        assert tried == pytest.approx([0, 10, 30, 26, 22.8, 20.24, 18.192, 16.5536])
        assert best == 10

    def test_goes_on_from_a_better_point(self) -> None:
        tried: list[float] = []

        def hill(x: float) -> float:
            tried.append(x)
            return -abs(x - 7)

        best = maximise(hill, 4)

        # 10 is better than 0, 30 is not; 10 + 16 is not either.
        assert tried == [0, 10, 30, 26]
        assert best == 10

    def test_tries_once_if_that_is_all_it_may(self) -> None:
        assert maximise(lambda x: x, 1) == 0

    def test_is_not_led_astray_by_what_is_no_number(self) -> None:
        assert maximise(lambda x: x if x < 25 else np.nan, 20) < 25

    @pytest.mark.parametrize(
        ("lie", "recorded"),
        [
            (lambda rows, x: rows.mean(axis=0) + x * rows.std(axis=0, ddof=1), 12.91985116),
            (lambda rows, x: -x * rows.mean(axis=0), -2.74877907),
        ],
    )
    def test_finds_what_byzfl_finds(
        self, lie: Callable[[Vector, float], Vector], recorded: float
    ) -> None:
        """The example in ByzFL's documentation: trimmed mean after NNM and clipping to 2, f = 1."""
        rows = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])

        def harm(x: float) -> float:
            vectors = np.vstack([rows, lie(rows, x)])
            mixed = []
            for vector in vectors:
                nearest = np.argsort(np.linalg.norm(vectors - vector, axis=1), kind="stable")
                mean = vectors[nearest[:3]].mean(axis=0)
                mixed.append(mean * min(1, 2 / np.linalg.norm(mean)))
            aggregate = np.sort(mixed, axis=0)[1:-1].mean(axis=0)
            return float(np.linalg.norm(aggregate - rows.mean(axis=0)))

        assert lie(rows, maximise(harm, 20))[0] == pytest.approx(recorded, abs=1e-6)


def rows_of(count: int = 7) -> Vector:
    return fresh_rng().normal(2, 1, (count, 4))


def attacks(rule: Any, f: int, **options: Any) -> list[Any]:
    aggregation = Aggregation(rule)
    return [
        OptimalALittleIsEnough(aggregation, f, **options),
        OptimalInnerProductManipulation(aggregation, f, **options),
    ]


@pytest.mark.parametrize("which", [0, 1], ids=["opt-alie", "opt-ipm"])
class TestBoth:
    def test_try_the_rule_on_as_many_vectors_as_the_server_will_see(self, which: int) -> None:
        spy, rows = Spy(), rows_of()

        attacks(spy, 2, tolerate=3)[which](view_of(rows))

        assert len(spy.seen) == 20
        for vectors, context in spy.seen:
            # Tasks ⌊0 · 7/2⌋ and ⌊1 · 7/2⌋ stand for the liars' own.
            assert vectors[:5].tolist() == rows[[1, 2, 4, 5, 6]].tolist()
            assert vectors[5].tolist() == vectors[6].tolist()
            assert context.f == 3
            assert context.devices == tuple(range(7))

    def test_give_the_rule_the_same_draws_every_time(self, which: int) -> None:
        spy = Spy()

        attacks(spy, 2)[which](view_of(rows_of()))

        assert len({float(context.rng.random()) for _, context in spy.seen}) == 1
        assert all(context.f == 2 for _, context in spy.seen)

    def test_move_the_rule_farther_than_any_factor_they_did_not_choose(self, which: int) -> None:
        rows, rule = rows_of(), TrimmedMean(2)
        mean, deviation = rows.mean(axis=0), rows.std(axis=0, ddof=1)

        def harm(x: float) -> float:
            lie = mean + x * deviation if which == 0 else -x * mean
            vectors = np.vstack([rows[[1, 2, 4, 5, 6]], lie, lie])
            return float(np.linalg.norm(rule(vectors, Context(2, fresh_rng())) - mean))

        vector = attacks(rule, 2)[which](view_of(rows))

        chosen = (vector - mean)[0] / deviation[0] if which == 0 else -vector[0] / mean[0]
        assert chosen == pytest.approx(maximise(harm, 20))
        assert harm(chosen) == pytest.approx(max(harm(x) for x in np.linspace(0, 50, 500)))

    def test_have_no_bound_against_a_mean(self, which: int) -> None:
        """Every step of the search is better: 10 · (2^19 − 1)."""
        rows = rows_of()

        vector = attacks(Mean(), 2)[which](view_of(rows))

        factor = 10 * (2**19 - 1)
        way = rows.std(axis=0, ddof=1) if which == 0 else -rows.mean(axis=0)
        offset = rows.mean(axis=0) if which == 0 else 0
        assert vector == pytest.approx(offset + factor * way)

    def test_are_searched_once_for_all_liars_of_a_process(self, which: int) -> None:
        spy, view = Spy(), view_of(rows_of())
        attack = attacks(spy, 2)[which]

        assert attack(view) is attack(view)
        assert len(spy.seen) == 20

    def test_pass_on_what_the_rule_says_of_its_numbers(self, which: int) -> None:
        with pytest.raises(ConfigError, match=r"^aggregator trim = 4: drops 4 at each end"):
            attacks(TrimmedMean(4), 2)[which].check(7)

    def test_refuse_half_of_them_liars(self, which: int) -> None:
        with pytest.raises(ConfigError, match=r"^f = 4: must be less than half of 7 devices$"):
            attacks(Mean(), 4)[which].check(7)

    @pytest.mark.parametrize(
        "wrong", [{"f": -1}, {"f": 1, "tolerate": -1}, {"f": 1, "evaluations": 0}]
    )
    def test_refuse_numbers_that_are_none(self, which: int, wrong: dict[str, int]) -> None:
        with pytest.raises(ConfigError, match="must be at least"):
            attacks(Mean(), **wrong)


def test_alie_can_go_the_other_way() -> None:
    rows = rows_of()
    mean = rows.mean(axis=0)

    up = OptimalALittleIsEnough(Aggregation(Mean()), 2)(view_of(rows))
    down = OptimalALittleIsEnough(Aggregation(Mean()), 2, direction="minus")(view_of(rows))

    assert (up > mean).all()
    assert (down < mean).all()
