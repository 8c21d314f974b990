import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.coding import Cyclic
from comlad.errors import ConfigError
from comlad.problems import LinearRegression, SoftmaxRegression


def encode(
    coding: Cyclic,
    gradients: NDArray[np.float64],
    tasks: NDArray[np.intp],
    permutation: NDArray[np.intp],
) -> NDArray[np.float64]:
    return coding.encode(gradients, coding.subsets(tasks, permutation), tasks, len(permutation))


def encode_by_the_task_matrix(
    gradients: NDArray[np.float64],
    tasks: NDArray[np.intp],
    permutation: NDArray[np.intp],
    load: int,
) -> NDArray[np.float64]:
    """LAD, eq. (5): g_i = Σ_k ŝ(T_i, k) ∇f_{p_k}(x) / d, as one product with Ŝ."""
    n = len(gradients)
    matrix = np.zeros((n, n))
    for i in range(n):
        for j in range(load):
            matrix[i, (i + j) % n] = 1
    coded: NDArray[np.float64] = matrix[tasks] @ gradients[permutation] / load
    return coded


@pytest.mark.parametrize(("n", "load"), [(1, 1), (2, 2), (7, 1), (7, 3), (7, 7), (40, 11)])
def test_agrees_with_the_task_matrix(n: int, load: int) -> None:
    coding, gradients = Cyclic(load), fresh_rng().normal(0, 1, (n, 6))
    tasks, permutation = coding.draw(n, fresh_rng(1))

    coded = encode(coding, gradients, tasks, permutation)

    twin = encode_by_the_task_matrix(gradients, tasks, permutation, load)
    assert coded == pytest.approx(twin, rel=1e-12, abs=1e-14)


def test_adds_long_gradients_like_short_ones() -> None:
    coding, gradients = Cyclic(3), fresh_rng().normal(0, 1, (5, 100_000))
    tasks, permutation = coding.draw(5, fresh_rng(1))

    coded = encode(coding, gradients, tasks, permutation)

    some = slice(99_000, 100_000)
    short = encode(coding, gradients[:, some], tasks, permutation)
    assert coded[:, some].tobytes() == short.tobytes()


class TestFixedTasks:
    """Every device has data of its own, the same in all rounds."""

    @pytest.mark.parametrize("seed", [0, 1])
    def test_are_those_of_the_device_itself(self, seed: int) -> None:
        tasks, permutation = Cyclic(tasks="fixed").draw(7, fresh_rng(seed))

        assert tasks.tolist() == permutation.tolist() == list(range(7))
        assert Cyclic(tasks="fixed").subsets(tasks, permutation).tolist() == [[i] for i in range(7)]

    def test_are_shared_with_the_next_devices_under_redundancy(self) -> None:
        coding = Cyclic(3, tasks="fixed")

        subsets = coding.subsets(*coding.draw(4, fresh_rng()))

        assert subsets.tolist() == [[0, 1, 2], [1, 2, 3], [0, 2, 3], [0, 1, 3]]

    def test_draw_nothing(self) -> None:
        rng = fresh_rng()

        Cyclic(tasks="fixed").draw(7, rng)

        assert rng.random() == fresh_rng().random()

    def test_come_in_arrays_apart(self) -> None:
        tasks, permutation = Cyclic(tasks="fixed").draw(3, fresh_rng())

        tasks[0] = 2

        assert permutation.tolist() == [0, 1, 2]


@pytest.mark.parametrize("load", [1, 4, 9])
def test_has_every_subset_computed_by_as_many_devices(load: int) -> None:
    coding = Cyclic(load)

    subsets = coding.subsets(*coding.draw(9, fresh_rng()))

    assert np.bincount(subsets.ravel(), minlength=9).tolist() == [load] * 9


def test_sends_the_gradient_itself_without_redundancy() -> None:
    coding, gradients = Cyclic(1), fresh_rng().normal(0, 1, (5, 3))
    tasks, permutation = coding.draw(5, fresh_rng())

    coded = encode(coding, gradients, tasks, permutation)

    assert coded.tobytes() == gradients[permutation[tasks]].tobytes()


@pytest.mark.parametrize("load", [0, -3])
def test_refuses_to_compute_nothing(load: int) -> None:
    with pytest.raises(ConfigError, match=f"^load = {load}: must be at least 1$"):
        Cyclic(load)


@pytest.mark.parametrize(
    "problem", [LinearRegression(dimension=33), SoftmaxRegression(split="dirichlet")]
)
def test_makes_all_honest_devices_agree_to_the_last_bit_where_each_computes_everything(
    problem: LinearRegression | SoftmaxRegression,
) -> None:
    n = 10
    objective, coding = problem.objective(problem.load(n, 0)), Cyclic(n)
    gradients = objective.gradients(fresh_rng().normal(0, 1, objective.dimension), np.arange(n))

    coded = encode(coding, gradients, *coding.draw(n, fresh_rng()))

    assert {row.tobytes() for row in coded} == {coded[0].tobytes()}
    assert coded[0] == pytest.approx(gradients.mean(axis=0), rel=1e-9, abs=1e-12)


class TestTheory:
    """LAD, Section VI, over the draws of T and p; each within four standard errors."""

    DRAWS = 3000

    @pytest.mark.parametrize(
        ("n", "honest", "d"), [(20, 12, 5), (10, 7, 3), (10, 7, 1), (10, 7, 9), (12, 1, 4)]
    )
    def test_lemma_1(self, n: int, honest: int, d: int) -> None:
        # E‖(1/dH) h Ŝ − (1/N) 1‖²: coded unit vectors are the rows of Ŝ.
        deviations = [
            ((coded[:honest].mean(axis=0) - 1 / n) ** 2).sum() for coded in self.coded(np.eye(n), d)
        ]

        formula = (n - honest) * (n - d) / (d * honest * (n - 1) * n)
        self.assert_mean(deviations, formula)

    @pytest.mark.parametrize(("n", "d"), [(10, 1), (10, 3), (10, 9)])
    def test_lemma_2_with_equality(self, n: int, d: int) -> None:
        # β² is a bound on V = (1/N) Σ ‖∇f_k − µ‖²; with V itself both sides are the same.
        gradients = fresh_rng(3).normal(1, 2, (n, 4))
        mean = gradients.mean(axis=0)
        variance = ((gradients - mean) ** 2).sum(axis=1).mean()

        errors = [((coded[0] - mean) ** 2).sum() for coded in self.coded(gradients, d)]

        self.assert_mean(errors, (n - d) / (d * (n - 1)) * variance)

    def test_is_unbiased(self) -> None:
        gradients = fresh_rng(3).normal(1, 2, (10, 1))

        sent = [float(coded[0, 0]) for coded in self.coded(gradients, 3)]

        self.assert_mean(sent, float(gradients.mean()))

    @pytest.mark.parametrize("honest", [1, 6])
    def test_lemma_1_is_zero_where_each_computes_everything(self, honest: int) -> None:
        coded = next(iter(self.coded(np.eye(8), 8)))

        assert coded[:honest].mean(axis=0) == pytest.approx(np.full(8, 1 / 8), rel=1e-15)

    def coded(self, gradients: NDArray[np.float64], d: int) -> list[NDArray[np.float64]]:
        """The coded vectors of all devices in each of many draws."""
        coding, rng = Cyclic(d), fresh_rng(5)
        draws = (coding.draw(len(gradients), rng) for _ in range(self.DRAWS))
        return [encode(coding, gradients, *draw) for draw in draws]

    def assert_mean(self, values: list[float], formula: float) -> None:
        # The deterministic cases (d = 1, N − 1) have no spread but rounding.
        allowed = 4 * np.std(values) / np.sqrt(len(values)) + 1e-12
        assert abs(np.mean(values) - formula) < allowed
