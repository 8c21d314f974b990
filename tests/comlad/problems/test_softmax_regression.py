import sys
from functools import cache
from typing import Any, Literal

import numpy as np
import pytest

from comlad.errors import ConfigError
from comlad.problems import Data, SoftmaxRegression

Split = Literal["label", "dirichlet", "iid"]


@cache
def classes_by_subset(subsets: int, split: Split, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    """How many samples of each class are in each subset."""
    train = SoftmaxRegression(split=split).load(subsets, seed).train
    cuts = np.cumsum(train["sizes"])[:-1]
    parts = np.split(train["labels"], cuts)
    return [np.bincount(part, minlength=10) for part in parts]


def test_holds_a_fifth_of_the_digits_out() -> None:
    data = SoftmaxRegression().load(10, 0)

    assert len(data.train["labels"]) == 1438
    assert len(data.held_out["labels"]) == 359
    assert data.train["features"].shape == (1438, 64)


def test_trains_on_no_image_that_is_held_out() -> None:
    data = SoftmaxRegression().load(10, 0)

    rows = np.vstack([data.train["features"], data.held_out["features"]])

    assert len(np.unique(rows, axis=0)) == 1797


def test_has_a_weight_and_a_bias_for_every_class() -> None:
    problem = SoftmaxRegression()

    assert problem.objective(problem.load(10, 0)).dimension == 650


class TestSplitByLabel:
    def test_gives_each_of_ten_devices_a_class(self) -> None:
        counts = classes_by_subset(10, "label")

        assert [np.flatnonzero(count).tolist() for count in counts] == [[k] for k in range(10)]

    def test_cuts_each_class_in_two_for_twenty_devices(self) -> None:
        counts = classes_by_subset(20, "label")

        owned = [np.flatnonzero(count).tolist() for count in counts]
        assert owned == [[subset // 2] for subset in range(20)]
        for one, two in zip(counts[::2], counts[1::2], strict=True):
            assert abs(one.sum() - two.sum()) <= 1

    def test_joins_neighbouring_classes_for_five_devices(self) -> None:
        counts = classes_by_subset(5, "label")

        owned = [np.flatnonzero(count).tolist() for count in counts]
        assert owned == [[2 * subset, 2 * subset + 1] for subset in range(5)]

    def test_shares_a_class_where_numbers_do_not_divide(self) -> None:
        counts = classes_by_subset(4, "label")

        owned = [np.flatnonzero(count).tolist() for count in counts]
        assert owned == [[0, 1, 2], [2, 3, 4], [5, 6, 7], [7, 8, 9]]

    def test_gives_one_device_everything(self) -> None:
        (counts,) = classes_by_subset(1, "label")

        assert counts.sum() == 1438


class TestOtherSplits:
    @pytest.mark.parametrize("split", ["label", "dirichlet", "iid"])
    @pytest.mark.parametrize("subsets", [1, 7, 20])
    def test_hand_out_every_sample_once(self, split: Split, subsets: int) -> None:
        counts = classes_by_subset(subsets, split)
        whole = classes_by_subset(1, split)

        assert len(counts) == subsets
        assert sum(counts).tolist() == whole[0].tolist()  # type: ignore[union-attr]
        assert min(count.sum() for count in counts) > 0

    def test_make_iid_subsets_of_equal_size(self) -> None:
        sizes = [count.sum() for count in classes_by_subset(100, "iid")]

        assert max(sizes) - min(sizes) <= 1

    def test_make_iid_subsets_of_all_classes(self) -> None:
        for count in classes_by_subset(5, "iid"):
            assert count.min() > 10

    def test_make_dirichlet_subsets_uneven(self) -> None:
        shares = np.array([count / count.sum() for count in classes_by_subset(10, "dirichlet")])

        # α = 0.5: some class has more than its double share in every subset.
        assert shares.max(axis=1).min() > 0.2

    def test_spread_classes_the_more_evenly_the_larger_alpha_is(self) -> None:
        def unevenness(alpha: float) -> float:
            problem = SoftmaxRegression(split="dirichlet", alpha=alpha)
            return float(problem.load(10, 0).train["sizes"].std())

        assert unevenness(1000.0) < unevenness(10.0) < unevenness(0.3)

    @pytest.mark.parametrize("split", ["dirichlet", "iid"])
    def test_are_drawn_from_the_seed(self, split: Split) -> None:
        first, second = (classes_by_subset(10, split, seed) for seed in (0, 1))

        assert np.array(first).tolist() != np.array(second).tolist()


class TestAccuracy:
    def test_is_the_share_of_held_out_samples_that_are_right(self) -> None:
        train = {"features": np.eye(2), "labels": np.array([0, 1]), "sizes": np.array([1, 1])}
        held_out = {"features": np.eye(2)[[0, 1, 1, 1]], "labels": np.array([0, 1, 1, 0])}
        objective = SoftmaxRegression().objective(Data(train, held_out))

        model = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]).ravel()

        assert objective.accuracy(model) == 0.75

    def test_is_not_known_where_nothing_was_held_out(self) -> None:
        data = SoftmaxRegression().load(10, 0)
        objective = SoftmaxRegression().objective(Data(data.train))

        assert objective.accuracy(np.zeros(650)) is None


def test_starts_from_the_loss_of_a_guess() -> None:
    problem = SoftmaxRegression()

    loss = problem.objective(problem.load(10, 0)).loss(np.zeros(650))

    assert loss == pytest.approx(np.log(10))


def test_keeps_its_head_at_a_model_far_out() -> None:
    problem = SoftmaxRegression()
    objective = problem.objective(problem.load(10, 0))
    model = np.full(650, 1e6)
    model[::10] = -1e6

    assert np.isfinite(objective.loss(model))
    assert np.isfinite(objective.gradients(model, np.arange(10))).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": 0.0}, "alpha = 0.0: must be a positive number"),
        ({"alpha": float("nan")}, "alpha = nan: must be a positive number"),
        ({"held_out": 0.0}, "held_out = 0.0: must be between 0 and 1"),
        ({"held_out": 1.0}, "held_out = 1.0: must be between 0 and 1"),
    ],
)
def test_refuses_parameters_that_cannot_be(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SoftmaxRegression(**parameters)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("problem", "subsets", "message"),
    [
        (SoftmaxRegression(), 1439, "devices.count = 1439: must be at most 1438"),
        (SoftmaxRegression(), 1430, "split = 'label': leaves some of 1430 subsets empty"),
        (SoftmaxRegression(split="dirichlet"), 1000, "alpha = 0.5: left a subset empty in each"),
        (SoftmaxRegression(split="dirichlet", alpha=1e-9), 10, "alpha = 1e-09: left a subset"),
        (SoftmaxRegression(split="dirichlet", alpha=1e-320), 10, "alpha = 1e-320: left a subset"),
        (SoftmaxRegression(held_out=1e-4), 10, "held_out = 0.0001: leaves no sample"),
        (SoftmaxRegression(held_out=0.9999), 10, "devices.count = 10: must be at most 0"),
    ],
)
def test_refuses_a_split_that_cannot_be(
    problem: SoftmaxRegression, subsets: int, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        problem.load(subsets, 0)

    assert str(caught.value).startswith(message)


def test_says_what_to_install_where_the_images_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)

    with pytest.raises(ConfigError, match=r"^data = 'digits': .*pip install 'comlad\[lab\]'$"):
        SoftmaxRegression().load(10, 0)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"features": np.ones(3)},
        {"features": np.ones((4, 2))},
        {"labels": np.array([0, 1])},
        {"labels": np.array([0, 1, -1])},
        {"sizes": np.array([1, 1])},
        {"sizes": np.array([4, -1])},
        {"features": np.ones((0, 2)), "labels": np.zeros(0, int), "sizes": np.zeros(2, int)},
    ],
)
def test_refuses_arrays_that_do_not_fit(spoilt: dict[str, Any]) -> None:
    good = {"features": np.ones((3, 2)), "labels": np.array([0, 1, 1]), "sizes": np.array([2, 1])}

    with pytest.raises(ConfigError):
        SoftmaxRegression().objective(Data(good | spoilt))
