import sys
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.errors import ConfigError
from comlad.problems import Data, LogisticRegression

FILE = b"""+1 1:3 2:4
0 2:2
1 1:1 3:5
0
"""


def train_rows(problem: LogisticRegression, subsets: int = 4) -> NDArray[np.float64]:
    return np.asarray(problem.load(subsets, 0).train["features"], np.float64)


def file_rows(directory: Path, **parameters: Any) -> list[list[float]]:
    """All samples of the file above that are trained on."""
    (directory / "data").write_bytes(FILE)
    problem = LogisticRegression(path=str(directory / "data"), held_out=0.2, **parameters)
    data = problem.load(1, 0)
    rows = [*np.asarray(data.train["features"]), *np.asarray(data.held_out["features"])]
    return sorted(row.tolist() for row in rows)


def tiny(**parameters: Any) -> Any:
    """Two subsets; x has two numbers."""
    train = {
        "features": np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]),
        "labels": np.array([1, -1, 1]),
        "sizes": np.array([2, 1]),
    }
    held_out = {"features": np.eye(2)[[0, 0, 1, 1]], "labels": np.array([1, -1, -1, -1])}
    return LogisticRegression(**parameters).objective(Data(train, held_out))


class TestFormula:
    MODEL = np.array([0.5, -1.0])

    @pytest.mark.parametrize(
        ("regularizer", "value"), [("l2", 1.25 / 2), ("non-convex", 0.25 / 1.25 + 1 / 2)]
    )
    def test_is_that_of_the_loss(self, regularizer: str, value: float) -> None:
        objective = tiny(regularizer=regularizer, regularization=0.1)

        loss = objective.loss(self.MODEL)

        losses = np.log1p(np.exp(-np.array([-1.5, -1.5, -1.0])))
        assert loss == pytest.approx(losses.mean() + 0.1 * value)

    @pytest.mark.parametrize(
        ("regularizer", "slope"), [("l2", [0.5, -1.0]), ("non-convex", [0.64, -0.5])]
    )
    def test_is_that_of_the_gradients(self, regularizer: str, slope: list[float]) -> None:
        objective = tiny(regularizer=regularizer, regularization=0.1)

        gradients = objective.gradients(self.MODEL, np.array([0, 1]))

        first, second = 1 / (1 + np.exp(-1.5)), 1 / (1 + np.exp(-1))
        expected = np.array(
            [2 / 3 * first * np.array([-1 + 3, -2]), 2 / 3 * second * np.array([0, -1])]
        )
        assert gradients == pytest.approx(expected + 0.1 * np.array(slope))

    @pytest.mark.parametrize("regularizer", ["l2", "non-convex"])
    def test_leaves_the_regulariser_out_at_0(self, regularizer: str) -> None:
        with_it, without = tiny(regularizer=regularizer), tiny(regularization=0.0)

        zero = np.zeros(2)

        assert with_it.loss(zero) == without.loss(zero) == pytest.approx(np.log(2))
        assert with_it.gradients(zero, [0, 1]).tolist() == without.gradients(zero, [0, 1]).tolist()

    def test_is_no_longer_convex_with_the_other_regulariser(self) -> None:
        objective = tiny(regularizer="non-convex", regularization=100.0)

        left, middle, right = (objective.loss(np.array([x, 0.0])) for x in (1.0, 3.0, 5.0))

        assert middle > (left + right) / 2


@pytest.mark.parametrize("regularizer", ["l2", "non-convex"])
@pytest.mark.parametrize("scale", [1e3, 1e100])
def test_keeps_its_head_at_a_model_far_out(regularizer: Any, scale: float) -> None:
    problem = LogisticRegression(regularizer=regularizer, data="digits")
    objective = problem.objective(problem.load(5, 0))
    model = scale * fresh_rng().normal(0, 1, 64)

    assert np.isfinite(objective.loss(model))
    assert np.isfinite(objective.gradients(model, np.arange(5))).all()


@pytest.mark.parametrize(
    ("regularizer", "bias", "constant"),
    [("l2", False, 0.35), ("non-convex", False, 0.45), ("l2", True, 0.6)],
)
def test_is_as_smooth_as_the_docstring_says(regularizer: Any, bias: bool, constant: float) -> None:
    problem = LogisticRegression(regularizer=regularizer, regularization=0.1, bias=bias)
    objective = problem.objective(problem.load(5, 0))
    rng = fresh_rng()

    for scale in (0.01, 0.1, 1, 10):
        one, step = scale * rng.normal(0, 1, (2, objective.dimension))
        gradients = [
            objective.gradients(x, np.arange(5)).mean(axis=0) for x in (one, one + step / 10)
        ]
        change = np.linalg.norm(gradients[1] - gradients[0])
        assert change <= constant * np.linalg.norm(step / 10)


class TestSamples:
    def test_are_standardised_over_those_trained_on(self) -> None:
        rows = train_rows(LogisticRegression(unit_rows=False))

        assert rows.shape == (455, 30)
        assert rows.mean(axis=0) == pytest.approx(np.zeros(30), abs=1e-12)
        assert rows.std(axis=0) == pytest.approx(np.ones(30))

    def test_are_0_where_a_column_is_constant(self) -> None:
        rows = train_rows(LogisticRegression(data="digits", unit_rows=False))

        deviations = rows.std(axis=0)
        assert rows.shape == (1438, 64)
        assert np.abs(rows[:, 0]).max() == 0
        assert set(deviations.round(9)) == {0, 1}

    @pytest.mark.parametrize("data", ["breast-cancer", "digits"])
    def test_are_of_norm_1(self, data: Any) -> None:
        rows = train_rows(LogisticRegression(data=data))

        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(rows)))

    def test_have_a_bias_of_1_whatever_their_norm(self) -> None:
        rows = train_rows(LogisticRegression(bias=True))

        assert rows.shape == (455, 31)
        assert set(rows[:, -1]) == {1}
        assert np.linalg.norm(rows[:, :-1], axis=1) == pytest.approx(np.ones(455))

    def test_are_odd_digits_against_even_ones(self) -> None:
        data = LogisticRegression(data="digits").load(1, 0)

        labels = np.concatenate([data.train["labels"], data.held_out["labels"]])

        assert [(labels == sign).sum() for sign in (-1, 1)] == [891, 906]

    def test_are_benign_tumours_against_malignant_ones(self) -> None:
        data = LogisticRegression().load(1, 0)

        labels = np.concatenate([data.train["labels"], data.held_out["labels"]])

        assert [(labels == sign).sum() for sign in (-1, 1)] == [212, 357]

    def test_of_one_label_make_each_of_two_subsets(self) -> None:
        train = LogisticRegression().load(2, 0).train

        first, second = np.split(train["labels"], [train["sizes"][0]])

        assert (set(first), set(second)) == ({-1}, {1})

    def test_of_a_file_are_taken_as_they_are(self, tmp_path: Path) -> None:
        rows = file_rows(tmp_path, unit_rows=False)

        assert rows == [[0, 0, 0], [0, 2, 0], [1, 0, 5], [3, 4, 0]]

    def test_of_a_file_stay_0_where_they_have_no_norm(self, tmp_path: Path) -> None:
        rows = file_rows(tmp_path, bias=True)

        assert rows[0] == [0, 0, 0, 1]
        assert rows[1] == [0, 1, 0, 1]
        assert rows[3] == pytest.approx([0.6, 0.8, 0, 1])


class TestPath:
    def test_is_looked_for_beside_the_experiment(self) -> None:
        problem = LogisticRegression(path="data/a9a")

        assert problem.relative_to(PurePath("/exp")).path == "/exp/data/a9a"

    def test_is_left_where_it_is_if_absolute(self) -> None:
        problem = LogisticRegression(path="/data/a9a")

        assert problem.relative_to(PurePath("/exp")) == problem

    def test_need_not_be_given(self) -> None:
        assert LogisticRegression().relative_to(PurePath("/exp")) == LogisticRegression()

    def test_is_in_the_complaint_about_the_file(self, tmp_path: Path) -> None:
        path = str(tmp_path / "a9a")
        Path(path).write_bytes(b"1 1:x")

        with pytest.raises(ConfigError, match="line 1 has '1:x': must be index:value") as caught:
            LogisticRegression(path=path).load(1, 0)

        assert str(caught.value).startswith(f"path = {path!r}: ")


class TestAccuracy:
    @pytest.mark.parametrize(
        ("model", "share"), [([1, -1], 0.75), ([-1, 1], 0.25), ([1, 1], 0.25), ([0, 0], 0.25)]
    )
    def test_is_the_share_of_held_out_samples_that_are_right(
        self, model: list[float], share: float
    ) -> None:
        assert tiny().accuracy(np.array(model, np.float64)) == share

    def test_is_not_known_where_nothing_was_held_out(self) -> None:
        problem = LogisticRegression()
        objective = problem.objective(Data(problem.load(4, 0).train))

        assert objective.accuracy(np.zeros(30)) is None

    def test_is_high_after_some_steps(self) -> None:
        problem = LogisticRegression()
        objective = problem.objective(problem.load(5, 0))
        model = np.zeros(30)

        for _ in range(100):
            model = model - 4 * objective.gradients(model, np.arange(5)).mean(axis=0)

        assert (objective.accuracy(model) or 0) > 0.9


def test_flips_labels_of_the_loss_and_not_of_the_accuracy() -> None:
    objective, model = tiny(regularization=0.0), np.array([1.0, -2.0])

    flipped = objective.with_flipped_labels()

    assert flipped.loss(model) == pytest.approx(objective.loss(-model))
    assert flipped.accuracy(model) == objective.accuracy(model)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"regularization": -1.0}, "regularization = -1.0: must be a number from 0 up"),
        ({"regularization": float("nan")}, "regularization = nan: must be a number from 0 up"),
        ({"regularization": float("inf")}, "regularization = inf: must be a number from 0 up"),
        ({"alpha": 0.0}, "alpha = 0.0: must be a positive number"),
        ({"held_out": 0.0}, "held_out = 0.0: must be between 0 and 1"),
        ({"held_out": 1.0}, "held_out = 1.0: must be between 0 and 1"),
    ],
)
def test_refuses_parameters_that_cannot_be(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LogisticRegression(**parameters)

    assert str(caught.value) == message


def test_refuses_more_devices_than_samples() -> None:
    with pytest.raises(ConfigError, match=r"^devices\.count = 456: must be at most 455"):
        LogisticRegression().load(456, 0)


@pytest.mark.parametrize("data", ["breast-cancer", "digits"])
def test_says_what_to_install_where_the_data_is_not(
    monkeypatch: pytest.MonkeyPatch, data: Any
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)

    with pytest.raises(ConfigError, match=rf"^data = '{data}': .*pip install 'comlad\[lab\]'$"):
        LogisticRegression(data=data).load(10, 0)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"features": np.ones(3)},
        {"features": np.ones((4, 2))},
        {"features": np.ones((3, 0))},
        {"labels": np.array([1, -1])},
        {"labels": np.array([1, -1, 0])},
        {"labels": np.array([1, -1, 2])},
        {"labels": np.array([1, -1, -(2**63)])},
        {"labels": np.array([1.0, -1.0, 1.0])},
        {"sizes": np.array([1, 1])},
        {"sizes": np.array([4, -1])},
        {"sizes": np.array([2.0, 1.0])},
        {"features": np.ones((0, 2)), "labels": np.zeros(0, int), "sizes": np.zeros(2, int)},
    ],
)
def test_refuses_arrays_that_do_not_fit(spoilt: dict[str, Any]) -> None:
    good = {"features": np.ones((3, 2)), "labels": np.array([-1, 1, 1]), "sizes": np.array([2, 1])}

    with pytest.raises(ConfigError):
        LogisticRegression().objective(Data(good | spoilt))
