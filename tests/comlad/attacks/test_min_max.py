from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from attack_samples import view_of
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.attacks import MinMax, MinSum
from comlad.errors import ConfigError

Vector = NDArray[np.float64]
Direction = Literal["std", "unit", "sign"]
DIRECTIONS: list[Direction] = ["std", "unit", "sign"]


def distance(one: Vector, other: Vector) -> float:
    return float(((one - other) ** 2).sum())


def passes_min_max(rows: Vector, vector: Vector, slack: float = 0) -> bool:
    most = max(distance(one, other) for one in rows for other in rows)
    return max(distance(vector, row) for row in rows) <= most * (1 + slack)


def passes_min_sum(rows: Vector, vector: Vector, slack: float = 0) -> bool:
    most = max(sum(distance(one, other) for other in rows) for one in rows)
    return sum(distance(vector, row) for row in rows) <= most * (1 + slack)


def perturbation(rows: Vector, direction: Direction) -> Vector:
    mean = rows.mean(axis=0)
    ways: dict[Direction, Vector] = {
        "std": -rows.std(axis=0, ddof=1),
        "unit": -mean / np.linalg.norm(mean),
        "sign": -np.sign(mean),
    }
    return ways[direction]


def search(passes: Callable[[float], bool], start: float) -> float:
    """The paper's Algorithm 1, as it stands there."""
    gamma, step, best = start, start, 0.0
    while abs(best - gamma) > 1e-5:
        if passes(gamma):
            best = gamma
            gamma = gamma + step / 2
        else:
            gamma = gamma - step / 2
        step = step / 2
    return best


FAMILIES: list[tuple[Any, Callable[..., bool]]] = [
    (MinMax, passes_min_max),
    (MinSum, passes_min_sum),
]


def cloud(seed: int, size: float = 1.0) -> Vector:
    rng = fresh_rng(seed)
    rows: Vector = rng.normal(0.5, 1, (8, 5)) * rng.exponential(1, (8, 1)) * size
    return rows


@pytest.mark.parametrize(("attack", "passes"), FAMILIES)
@pytest.mark.parametrize("direction", DIRECTIONS)
class TestBoth:
    @pytest.mark.parametrize("seed", range(10))
    def test_go_exactly_as_far_as_goes_unnoticed(
        self, attack: Any, passes: Callable[..., bool], direction: Direction, seed: int
    ) -> None:
        rows = cloud(seed, 1000.0)
        mean = rows.mean(axis=0)

        vector = attack(direction)(view_of(rows))

        assert passes(rows, vector, 1e-12)
        assert not passes(rows, mean + (vector - mean) * (1 + 1e-6))

    def test_go_along_their_direction(
        self, attack: Any, passes: Callable[..., bool], direction: Direction
    ) -> None:
        rows = cloud(0)
        way = perturbation(rows, direction)

        gone = attack(direction)(view_of(rows)) - rows.mean(axis=0)

        assert gone == pytest.approx(way * (gone @ way) / (way @ way), abs=1e-12)
        assert gone @ way > 0

    @pytest.mark.parametrize("seed", range(10))
    @pytest.mark.parametrize("start", [10.0, 0.7])
    def test_find_what_the_papers_search_finds(
        self,
        attack: Any,
        passes: Callable[..., bool],
        direction: Direction,
        seed: int,
        start: float,
    ) -> None:
        rows = cloud(seed)
        mean, way = rows.mean(axis=0), perturbation(rows, direction)
        gamma = search(lambda g: passes(rows, mean + g * way), start)

        vector = attack(direction, start)(view_of(rows))

        assert vector == pytest.approx(mean + gamma * way, abs=1e-9)

    def test_agree_with_their_search_where_it_gets_there(
        self, attack: Any, passes: Callable[..., bool], direction: Direction
    ) -> None:
        view = view_of(cloud(3))

        exact, searched = attack(direction)(view), attack(direction, 10.0)(view)

        # γ is found to about 1e-5, and no coordinate of p is above 10.
        assert searched == pytest.approx(exact, abs=2e-4)

    def test_end_their_search_wherever_it_starts(
        self, attack: Any, passes: Callable[..., bool], direction: Direction
    ) -> None:
        """Where γ is so large that halving a step no longer changes it."""
        view = view_of(cloud(3, 1e30))

        exact, searched = attack(direction)(view), attack(direction, 1e40)(view)

        assert searched == pytest.approx(exact, rel=1e-4)

    @pytest.mark.parametrize("start", [1e300, np.finfo(np.float64).max])
    def test_find_it_from_where_no_square_is_finite(
        self, attack: Any, passes: Callable[..., bool], direction: Direction, start: float
    ) -> None:
        view = view_of(cloud(3))

        exact, searched = attack(direction)(view), attack(direction, float(start))(view)

        assert searched == pytest.approx(exact, abs=2e-4)

    def test_send_the_mean_where_there_is_nowhere_to_hide(
        self, attack: Any, passes: Callable[..., bool], direction: Direction
    ) -> None:
        rows = np.tile([1.0, 2, 3], (4, 1))

        assert attack(direction)(view_of(rows)).tolist() == [1, 2, 3]


def test_min_max_of_two_vectors_by_hand() -> None:
    """On the line 0, 2 with M = 1: as far as 2 from 2 is 0, against the mean."""
    assert MinMax("unit")(view_of([[0.0], [2.0]])) == pytest.approx([0])


def test_min_sum_of_two_vectors_by_hand() -> None:
    """On the line 0, 2 with M = 1: x² + (x − 2)² ≤ 4 down to x = 0."""
    assert MinSum("sign")(view_of([[0.0], [2.0]])) == pytest.approx([0])


@pytest.mark.parametrize("attack", [MinMax, MinSum])
@pytest.mark.parametrize("start", [0.0, -1.0, np.inf, np.nan])
def test_refuses_a_start_that_leads_nowhere(attack: Any, start: float) -> None:
    with pytest.raises(ConfigError, match=r"^start = .*: must be a positive number$"):
        attack(start=start)
