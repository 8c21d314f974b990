from typing import Any

import numpy as np
import pytest

from comlad_deploy.reproduce._claims import Claim, describe, judge
from comlad_deploy.reproduce._comparisons import (
    Losses,
    below,
    gain_grows,
    gap_grows,
    less_decrease,
    missing_decrease,
    same,
    within,
)


def losses(**curves: list[list[float]]) -> Losses:
    """Curves by name: a row for each seed, a column for each of t = 0, 1, …"""
    arrays = {name: np.array(rows, dtype=float) for name, rows in curves.items()}
    return Losses(tuple(range(next(iter(arrays.values())).shape[1])), arrays)


def judged(losses: Losses, *comparisons: Any, at: int = 1) -> dict[str, Any]:
    verdict = judge(Claim("key", "text", comparisons), losses, at)
    return describe(verdict, [verdict])


def test_holds_if_the_mean_ratio_is_below_one() -> None:
    found = judged(losses(a=[[8, 2], [8, 3]], b=[[8, 4], [8, 4]]), below("a", "b"))

    assert found["holds"]
    assert found["seeds_for"] == 2
    (comparison,) = found["comparisons"]
    assert comparison["mean"] == 0.625
    assert comparison["standard_error"] == 0.125  # half the distance of two numbers


def test_fails_for_equal_losses() -> None:
    assert not judged(losses(a=[[8, 4]], b=[[8, 4]]), below("a", "b"))["holds"]


def test_says_how_many_seeds_disagree_with_the_mean() -> None:
    found = judged(losses(a=[[8, 1], [8, 5], [8, 5]], b=[[8, 4]] * 3), below("a", "b"))

    assert found["holds"]
    assert found["seeds_for"] == 1
    assert "a / b: 0.92 ± 0.33 (1 of 3 seeds)" in found["measured"]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([1.00002, 1.00004], "1.000030 ± 0.000010"),
        ([0.5, 0.6], "0.550 ± 0.050"),
        ([0.5, 0.5], "0.5 ± 0"),
        ([1e9, 3e9], "2e+09 ± 1e+09"),
    ],
)
def test_shows_as_many_digits_as_mean_something(numbers: list[float], text: str) -> None:
    found = judged(losses(a=[[8, n] for n in numbers], b=[[8, 1]] * 2), below("a", "b"))

    assert found["measured"].startswith(f"a / b: {text} (")


def test_compares_within_a_seed_not_between_seeds() -> None:
    # The means of the losses, 52.5 and 51, would say that b is better.
    found = judged(losses(a=[[9, 1], [999, 104]], b=[[9, 2], [999, 100]]), below("a", "b"))

    assert found["holds"]
    assert found["comparisons"][0]["mean"] == pytest.approx((1 / 2 + 1.04) / 2)


def test_holds_only_if_all_its_comparisons_do() -> None:
    data = losses(a=[[8, 2]], b=[[8, 3]], c=[[8, 1]])

    found = judged(data, below("a", "b"), below("a", "c"))

    assert not found["holds"]
    assert [entry["holds"] for entry in found["comparisons"]] == [True, False]


def test_counts_the_seeds_in_which_all_comparisons_hold() -> None:
    data = losses(a=[[8, 2], [8, 2]], b=[[8, 3], [8, 1]], c=[[8, 1], [8, 3]])

    found = judged(data, below("a", "b"), below("a", "c"))

    assert found["seeds_for"] == 0
    assert [entry["seeds_for"] for entry in found["comparisons"]] == [1, 1]


def test_gives_the_reason_of_what_fails_only() -> None:
    data = losses(a=[[8, 2]], b=[[8, 3]], c=[[8, 1]])

    found = judged(data, below("a", "b", ("not this",)), below("a", "c", ("this", "that")))

    assert found["reasons"] == ["this", "that"]


def test_gives_a_reason_once() -> None:
    data = losses(a=[[8, 2]], b=[[8, 1]], c=[[8, 1]])

    found = judged(data, below("a", "b", ("this",)), below("a", "c", ("this",)))

    assert found["reasons"] == ["this"]


def test_gives_no_reason_for_what_holds() -> None:
    assert judged(losses(a=[[8, 2]], b=[[8, 3]]), below("a", "b", ("why not",)))["reasons"] == []


def test_judges_every_horizon_by_itself() -> None:
    data = losses(a=[[8, 4, 1]], b=[[8, 3, 2]])
    claim = Claim("key", "text", (below("a", "b"),))

    found = describe(judge(claim, data, 2), [judge(claim, data, round) for round in (1, 2)])

    assert [(entry["rounds"], entry["holds"]) for entry in found["horizons"]] == [
        (1, False),
        (2, True),
    ]
    assert found["rounds"] == 2


def test_has_no_standard_error_from_one_seed() -> None:
    found = judged(losses(a=[[8, 2]], b=[[8, 4]]), below("a", "b"))

    assert found["comparisons"][0]["standard_error"] is None
    assert found["measured"] == "a / b: 0.5 (1 of 1 seeds)"


@pytest.mark.parametrize(("loss", "holds"), [(4.1, True), (4.3, False)])
def test_allows_an_excess(loss: float, holds: bool) -> None:
    assert judged(losses(a=[[8, loss]], b=[[8, 4]]), within("a", "b", 0.05))["holds"] is holds


@pytest.mark.parametrize(("loss", "holds"), [(4 + 1e-7, True), (4 - 1e-7, True), (4.1, False)])
def test_tells_whether_losses_are_the_same(loss: float, holds: bool) -> None:
    assert judged(losses(a=[[8, loss]], b=[[8, 4]]), same("a", "b", 1e-6))["holds"] is holds


@pytest.mark.parametrize(("loss", "missing"), [(4.0, 0.0), (4.4, 0.1), (8.0, 1.0), (3.6, -0.1)])
def test_measures_what_a_decrease_lacks(loss: float, missing: float) -> None:
    found = judged(losses(a=[[8, loss]], b=[[8, 4]]), missing_decrease("a", "b", 0.05))

    assert found["comparisons"][0]["mean"] == pytest.approx(missing)
    assert found["holds"] is (missing < 0.05)


@pytest.mark.parametrize(("loss", "part"), [(4.0, 1.0), (6.0, 0.5), (8.0, 0.0), (9.0, -0.25)])
def test_compares_decreases(loss: float, part: float) -> None:
    found = judged(losses(a=[[8, loss]], b=[[8, 4]]), less_decrease("a", "b", 0.8))

    assert found["comparisons"][0]["mean"] == part
    assert found["holds"] is (part < 0.8)


def test_finds_nothing_close_to_what_did_not_decrease() -> None:
    found = judged(losses(a=[[8, 9]], b=[[8, 9]]), missing_decrease("a", "b", 0.1))

    assert not found["holds"]
    assert found["comparisons"][0]["mean"] is None


def test_compares_gains_as_ratios() -> None:
    data = losses(a=[[8, 1]], A=[[8, 2]], b=[[80, 30]], B=[[80, 40]])

    found = judged(data, gain_grows(("a", "A"), ("b", "B")))

    assert found["comparisons"][0]["mean"] == pytest.approx((1 / 2) / (30 / 40))
    assert found["holds"]


def test_compares_gains_as_differences() -> None:
    data = losses(a=[[8, 1]], A=[[8, 2]], b=[[80, 30]], B=[[80, 40]])

    found = judged(data, gap_grows(("a", "A"), ("b", "B"), what="gap"))

    assert found["comparisons"][0]["mean"] == pytest.approx((10 - 1) / 8)
    assert not found["holds"]


def test_does_not_hold_where_the_better_curve_diverged() -> None:
    found = judged(losses(a=[[8, np.inf]], b=[[8, 4]]), below("a", "b"))

    assert not found["holds"]
    assert found["comparisons"][0]["mean"] is None
    assert found["measured"] == "a / b: not finite (0 of 1 seeds)"


def test_does_not_hold_where_both_diverged() -> None:
    assert not judged(losses(a=[[8, np.inf]], b=[[8, np.inf]]), below("a", "b"))["holds"]


def test_shows_what_fails_of_many_comparisons() -> None:
    data = losses(a=[[8, 2]], b=[[8, 3]], c=[[8, 1]], d=[[8, 4]], e=[[8, 5]])

    found = judged(data, *(below("a", name) for name in "bcde"))

    assert found["measured"] == "a / c: 2 (0 of 1 seeds) (of 4 comparisons what fails)"


def test_shows_the_nearest_of_many_that_hold() -> None:
    data = losses(a=[[8, 2]], b=[[8, 3]], c=[[8, 2.5]], d=[[8, 4]], e=[[8, 5]])

    found = judged(data, *(below("a", name) for name in "bcde"))

    assert (
        found["measured"]
        == "a / c: 0.8 (1 of 1 seeds) (of 4 comparisons what is nearest to failing)"
    )


@pytest.mark.parametrize(
    ("numbers", "holds", "clear"),
    [
        ([0.5, 0.5], True, True),  # no spread at all
        ([0.5, 0.6], True, True),
        ([0.5, 1.3], True, False),
        ([1.5, 1.6], False, True),
        ([0.9, 1.3], False, False),
        ([1.5, 1.5], False, True),
        ([np.inf, 0.5], False, True),
        ([np.nan, 0.5], False, True),
        ([0.5], True, None),
    ],
)
def test_says_whether_the_seeds_leave_a_doubt(
    numbers: list[float], holds: bool, clear: bool | None
) -> None:
    ones = [[8.0, 1.0]] * len(numbers)
    found = judged(losses(a=[[8.0, number] for number in numbers], b=ones), below("a", "b"))

    assert (found["holds"], found["clear"]) == (holds, clear)


def test_is_clear_if_one_of_its_comparisons_is_not_finite() -> None:
    data = losses(a=[[8, 1], [8, 1]], b=[[8, 0.9], [8, 5]], c=[[8, np.nan], [8, 2]])

    for comparisons in ((below("a", "b"), below("a", "c")), (below("a", "c"), below("a", "b"))):
        found = judged(data, *comparisons)
        assert (found["holds"], found["clear"]) == (False, True)


def test_is_in_doubt_if_one_of_its_comparisons_is() -> None:
    data = losses(a=[[8, 1], [8, 1]], b=[[8, 2], [8, 2]], c=[[8, 0.9], [8, 5]])

    assert judged(data, below("a", "b"))["clear"]
    assert not judged(data, below("a", "b"), below("a", "c"))["clear"]
