"""The tables of Figs. 2 and 3, computed with another program to 14 digits, and what follows."""

import math

import pytest

from comlad.errors import ConfigError
from comlad.theory import Bounds, Regime, baseline_error, load_that_helps

FIG_2 = {
    0.0: 224.9801116011,
    0.5: 799.1726941344,
    1.0: 1117.0499458015,
    1.5: 1362.7161778708,
    2.0: 1570.4165435994,
    2.5: 1753.6898405477,
    3.0: 1919.5446330026,
    3.5: 2072.1672715968,
    4.0: 2214.2953946312,
    4.5: 2347.8355666994,
    5.0: 2474.1786928899,
    10.0: 3494.8329045580,
}
# d: κ1, κ2, (33)
FIG_3 = {
    1: (209.2307692, 0.02052307692, 1788.7512274640),
    5: (41.7964258, 0.004102874903, 799.1726941344),
    10: (20.86713287, 0.00205034965, 564.4096709380),
    20: (10.4024864, 0.001024087024, 398.1203293127),
    50: (4.123698524, 0.0004083294483, 249.9350623816),
    100: (2.030769231, 0.0002030769231, 174.5323421648),
}
LAD = {
    1: 513.5526,
    3: 293.4895,
    4: 252.8558,
    5: 224.9801,
    10: 154.8419,
    20: 103.2280,
    50: 51.6140,
    99: 5.1874,
    100: 0.0,
}


def paper(load: int = 5, delta: float = 0.0, **changes: float) -> Regime:
    return Regime(100, 65, load, 1.5, delta=delta, **changes)


class TestFigures:
    @pytest.mark.parametrize(("delta", "error"), FIG_2.items())
    def test_2_has_these_numbers(self, delta: float, error: float) -> None:
        assert Bounds(paper(delta=delta)).order() == pytest.approx(error, rel=1e-12)

    @pytest.mark.parametrize(("load", "row"), FIG_3.items())
    def test_3_has_these_numbers(self, load: int, row: tuple[float, float, float]) -> None:
        bounds = Bounds(paper(load, 0.5))

        assert bounds.constants[:2] == pytest.approx(row[:2], rel=1e-9)
        assert bounds.order() == pytest.approx(row[2], rel=1e-12)

    @pytest.mark.parametrize(("load", "error"), LAD.items())
    def test_have_these_numbers_without_compression(self, load: int, error: float) -> None:
        assert Bounds(paper(load)).order() == pytest.approx(error, abs=5e-5)


class TestConstants:
    def test_are_those_of_the_definitions(self) -> None:
        # N = 4, H = 3, d = 2, δ = 1, β = 2: A = 2 / 72 and (1/H + 1) 4δ/d = 8/3.
        constants = Bounds(Regime(4, 3, 2, 1.0, beta=2.0, delta=1.0)).constants

        assert constants == pytest.approx(
            (
                4 * 4 * 8 / 3 + 4 * 4 * 2 * 4 / (2 * 3 * 3),
                (8 / 3 + 4 * 2 / 72) / 4,
                (4 / 6 + 4 * 2 / 72) * 4 * 4,
                2 / 16 + 4 / (3 * 2 * 4) + 4 * 2 / 72 / 4,
            )
        )

    def test_take_the_printed_8_where_the_lemma_has_4(self) -> None:
        derived = Bounds(paper()).constants
        printed = Bounds(paper(), as_printed=True).constants

        assert printed[:2] == derived[:2]
        assert printed[2] == pytest.approx(2 * derived[2])
        assert printed[3] - 2 / 100**2 == pytest.approx(2 * (derived[3] - 2 / 100**2))

    def test_are_printed_alike_with_compression(self) -> None:
        regime = paper(delta=0.5)

        assert Bounds(regime, as_printed=True).constants == Bounds(regime).constants


class TestTheorem1:
    @pytest.mark.parametrize("delta", [delta for delta in FIG_2 if delta])
    def test_says_nothing_of_any_point_of_fig_2_with_compression(self, delta: float) -> None:
        bounds = Bounds(paper(delta=delta))

        assert not bounds.feasible
        assert bounds.largest_step == 0
        assert bounds.error(1e-9) == math.inf

    @pytest.mark.parametrize("load", FIG_3)
    def test_says_nothing_of_any_point_of_fig_3(self, load: int) -> None:
        assert not Bounds(paper(load, 0.5)).feasible

    @pytest.mark.parametrize(("load", "feasible"), [(3, False), (4, True), (100, True)])
    def test_needs_a_load_of_4_where_the_paper_recommends_3(
        self, load: int, feasible: bool
    ) -> None:
        assert Bounds(paper(load)).feasible is feasible

    def test_needs_little_compression_even_at_full_load(self) -> None:
        # κκ2 < 1/N² is δ < N / (4κN(1 + 1/H)) at d = N.
        limit = 1 / (4 * 1.5 * (1 + 1 / 65))

        assert Bounds(paper(100, 0.99 * limit)).feasible
        assert not Bounds(paper(100, 1.01 * limit)).feasible

    def test_bounds_the_error_for_steps_below_the_largest_only(self) -> None:
        bounds = Bounds(paper(5))
        largest = bounds.largest_step

        errors = [bounds.error(share * largest) for share in (1e-9, 0.1, 0.5, 0.9)]

        assert errors == sorted(errors)
        assert errors[0] == pytest.approx(bounds.order() / 2 / bounds.margin, rel=1e-6)
        assert bounds.error(largest) == math.inf

    def test_has_the_form_of_32(self) -> None:
        regime = paper(20, 0.01, smoothness=3.0)
        first, second, third, fourth = Bounds(regime).constants
        step = Bounds(regime).largest_step / 2

        error = Bounds(regime).error(step)

        numerator = first * math.sqrt(1.5) / (2 * math.sqrt(second))
        numerator += step * (3 * 1.5 * first + 3 * third)
        denominator = 1 / 100 - math.sqrt(1.5 * second) - step * (3 * 1.5 * second + 3 * fourth)
        assert error == pytest.approx(numerator / denominator)


class TestSimplifiedError:
    @pytest.mark.parametrize(
        ("load", "error"), [(1, 2.5549), (2, 1.7974), (3, 1.4601), (5, 1.1193), (20, 0.5136)]
    )
    def test_has_these_numbers(self, load: int, error: float) -> None:
        assert Bounds(paper(load)).simplified() == pytest.approx(error, abs=5e-5)

    def test_is_below_the_baseline_from_the_threshold_on(self) -> None:
        assert load_that_helps(paper()) == pytest.approx(2.847, abs=5e-4)
        assert Bounds(paper(2)).simplified() > baseline_error(paper()) == 1.5
        assert Bounds(paper(3)).simplified() < 1.5

    def test_vanishes_where_each_computes_everything(self) -> None:
        assert Bounds(paper(100)).simplified() == 0

    def test_is_infinite_where_nobody_lies(self) -> None:
        assert Bounds(Regime(10, 10, 2, 1.0)).simplified() == math.inf

    def test_is_not_for_compressed_vectors(self) -> None:
        with pytest.raises(ConfigError, match=r"^delta = 0\.5: must be 0"):
            Bounds(paper(delta=0.5)).simplified()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((1, 1, 1, 1.0), "devices = 1: must be at least 2"),
        ((10, 5, 1, 1.0), "honest = 5: must be more than half of 10"),
        ((10, 11, 1, 1.0), "honest = 11: "),
        ((10, 8, 0, 1.0), "load = 0: must be from 1 to 10"),
        ((10, 8, 11, 1.0), "load = 11: "),
        ((10, 8, 1, -1.0), "kappa = -1.0: "),
        ((10, 8, 1, math.inf), "kappa = inf: "),
    ],
)
def test_refuses_numbers_that_mean_nothing(
    numbers: tuple[int, int, int, float], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Regime(*numbers)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("smoothness", [0.0, -1.0, math.inf, math.nan])
def test_refuses_a_smoothness_without_a_step(smoothness: float) -> None:
    with pytest.raises(ConfigError, match=r"^smoothness = .*: must be a positive number$"):
        paper(smoothness=smoothness)
