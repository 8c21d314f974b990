from collections.abc import Callable
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.errors import ConfigError
from comlad.problems import Data, LinearRegression


def papers_data(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """LAD, Section VII, as spelled out for whoever wants the same numbers."""
    r = np.random.default_rng(seed)
    k = np.arange(1, 101)
    Z = r.normal(0, 10, (100, 100))
    X = r.normal(0, 1, (100, 100)) * np.sqrt(1 + 0.3 * k)[:, None]
    y = (Z * X).sum(1) + r.normal(0, 1, 100)
    return Z, y


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_makes_the_papers_data(seed: int) -> None:
    features, targets = papers_data(seed)

    train = LinearRegression().load(100, seed).train

    assert train["features"].tobytes() == features.tobytes()
    assert train["targets"].tobytes() == targets.tobytes()


def test_has_the_papers_loss_before_the_first_step() -> None:
    problem = LinearRegression()

    loss = problem.objective(problem.load(100, 0)).loss(np.zeros(100))

    assert loss == pytest.approx(8.407e6, rel=1e-4)


def test_loads_given_arrays(tmp_path: Path) -> None:
    features, targets = papers_data(3)
    np.savez(tmp_path / "data.npz", features=features, targets=targets)
    problem = LinearRegression(arrays="data.npz").relative_to(tmp_path)

    objective = problem.objective(problem.load(100, 0))

    drawn = LinearRegression().objective(LinearRegression().load(100, 3))
    model = fresh_rng().normal(0, 1, 100)
    assert objective.loss(model) == drawn.loss(model)
    subsets = np.arange(100)
    here, there = objective.gradients(model, subsets), drawn.gradients(model, subsets)
    assert here.tobytes() == there.tobytes()


def test_takes_the_dimension_from_given_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", features=np.ones((4, 3), np.int8), targets=np.ones(4))
    problem = LinearRegression(dimension=100, arrays=str(tmp_path / "data.npz"))

    assert problem.objective(problem.load(4, 0)).dimension == 3


@pytest.mark.parametrize("dimension", [1, 2, 3, 8, 101, 9001])
@pytest.mark.parametrize("subsets", [1, 2, 3, 17, 100])
def test_gives_the_same_bits_for_any_number_of_rows(dimension: int, subsets: int) -> None:
    problem = LinearRegression(dimension)
    objective = problem.objective(problem.load(100, 0))
    model, chosen = fresh_rng().normal(0, 1, dimension), fresh_rng(1).permutation(100)[:subsets]

    together = objective.gradients(model, chosen)

    for row, subset in zip(together, chosen, strict=True):
        assert row.tobytes() == objective.gradients(model, np.array([subset]))[0].tobytes()


def test_has_the_gradient_of_the_paper() -> None:
    data = Data({"features": np.array([[1.0, 2.0], [0.0, 1.0]]), "targets": np.array([4.0, 1.0])})
    objective = LinearRegression().objective(data)

    gradients = objective.gradients(np.array([3.0, 1.0]), np.array([0, 1]))

    assert gradients.tolist() == [[1.0, 2.0], [0.0, 0.0]]
    assert objective.loss(np.array([3.0, 1.0])) == 0.5


def test_has_no_accuracy() -> None:
    problem = LinearRegression()

    assert problem.objective(problem.load(3, 0)).accuracy(np.zeros(100)) is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dimension": 0}, "dimension = 0: must be at least 1"),
        ({"dimension": 2**31}, "dimension = 2147483648: must be less than 2^31"),
        ({"heterogeneity": -0.1}, "heterogeneity = -0.1: must be a number from 0 up"),
        ({"heterogeneity": float("nan")}, "heterogeneity = nan: must be a number from 0 up"),
        ({"heterogeneity": float("inf")}, "heterogeneity = inf: must be a number from 0 up"),
    ],
)
def test_refuses_parameters_that_cannot_be(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LinearRegression(**parameters)

    assert str(caught.value).startswith(message)


GOOD: dict[str, Any] = {"features": np.ones((4, 2)), "targets": np.ones(4)}


def stored(arrays: dict[str, Any], save: Callable[..., None] = np.savez) -> bytes:
    file = BytesIO()
    save(file, **arrays)
    return file.getvalue()


def spoilt(archive: bytes) -> bytes:
    """With other bytes in the middle of its first member."""
    return archive[:60] + bytes(8) + archive[68:]


class TestGivenArrays:
    """A file that a person gave is read with suspicion."""

    def refusal(self, path: Path) -> str:
        problem = LinearRegression(arrays=str(path))
        with pytest.raises(ConfigError) as caught:
            problem.objective(problem.load(4, 0))
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_says_that_a_file_is_missing(self, tmp_path: Path) -> None:
        message = self.refusal(tmp_path / "none.npz")

        assert message.startswith(f"arrays = {str(tmp_path / 'none.npz')!r}: must be an .npz file")
        assert "No such file" in message

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"features",
            b"PK\x03\x04 and no more",
            stored(GOOD)[:-30],
            stored(GOOD).replace(b"NUMPY", b"NUMPI"),
            stored(GOOD).replace(b"(4, 2)", b"(9, 9)"),
            spoilt(stored(GOOD, np.savez_compressed)),
            stored({"arr": np.ones(4)}, np.save),
            stored(GOOD | {"features": np.array([None] * 4)}),
            stored({"targets": np.ones(4)}),
        ],
        ids=[
            "empty",
            "text",
            "no archive",
            "cut off",
            "no arrays",
            "too short",
            "spoilt inside",
            "a single array",
            "pickled",
            "without features",
        ],
    )
    def test_refuses_another_file(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "data.npz"
        path.write_bytes(content)

        assert "must be an .npz file with features and targets" in self.refusal(path)

    def test_refuses_a_directory(self, tmp_path: Path) -> None:
        assert "must be an .npz file with features and targets" in self.refusal(tmp_path)

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"features": np.ones((5, 2))}, "features has shape (5, 2): must have a row for each"),
            ({"targets": np.ones(3)}, "targets has shape (3,): must have a row for each of 4"),
            ({"targets": np.float64(1)}, "targets has shape (): must have a row for each of 4"),
            ({"targets": np.ones((4, 1))}, "must be (N, Q) and (N,)"),
            ({"features": np.ones(4)}, "must be (N, Q) and (N,)"),
            ({"features": np.ones((4, 0))}, "must be (N, Q) and (N,)"),
            ({"targets": np.array([1, np.nan, 1, 1])}, "targets must hold finite numbers"),
            ({"features": np.full((4, 2), np.inf)}, "features must hold finite numbers"),
            ({"targets": np.array(["a"] * 4)}, "targets must hold finite numbers"),
            ({"targets": np.ones(4, complex)}, "targets must hold finite numbers"),
        ],
    )
    def test_refuses_arrays_that_do_not_fit(
        self, tmp_path: Path, arrays: dict[str, Any], message: str
    ) -> None:
        np.savez(tmp_path / "data.npz", **(GOOD | arrays))

        assert message in self.refusal(tmp_path / "data.npz")

    def test_are_looked_for_beside_the_experiment(self) -> None:
        problem = LinearRegression(arrays="data/mine.npz")

        assert problem.relative_to(PurePath("/exp")).arrays == "/exp/data/mine.npz"

    def test_are_left_where_they_are_if_the_path_is_absolute(self) -> None:
        problem = LinearRegression(arrays="/data/mine.npz")

        assert problem.relative_to(PurePath("/exp")) == problem

    def test_need_not_be_given(self) -> None:
        assert LinearRegression().relative_to(PurePath("/exp")) == LinearRegression()
