"""Logistic regression with two classes, convex or not."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.config import require
from comlad.errors import ConfigError
from comlad.problems._arrays import check_samples
from comlad.problems._datasets import load_breast_cancer, load_digits
from comlad.problems._libsvm import read_libsvm
from comlad.problems._protocol import Arrays, Data
from comlad.problems._regularizers import REGULARIZERS, Regularizer
from comlad.problems._rows import SubsetRows
from comlad.problems._splits import Cut, Split, cut_samples, require_cut
from comlad.rng import Stream, run_generator

__all__ = ["LogisticRegression"]


@dataclass(frozen=True, slots=True)
class LogisticRegression:
    """Binary logistic regression, on scikit-learn's data or a LIBSVM file.

    With labels y of −1 and 1 and m training samples in all,

        f_k(x) = (N/m) Σ_{D_k} log(1 + exp(−y <x, z>)) + λ r(x),

    so that F/N, which is the loss reported and whose gradient the devices' mean
    estimates, is the mean loss of a training sample plus λ r(x). Here r is ‖x‖²/2 or,
    as in Rammal et al. (AISTATS 2024) and Fatkhullin et al. (NeurIPS 2023), the
    non-convex Σ_q x_q² / (1 + x_q²). With rows of norm 1 and no bias F/N is smooth with
    constant 1/4 + λ or 1/4 + 2λ; with a bias it is 1/2 in place of 1/4.

    The columns of scikit-learn's data are shifted and scaled to mean 0 and variance 1
    over the training samples, a constant one to 0; those of a file are taken as they are.

    Args:
        data: "breast-cancer", 569 tumours by 30 measures, benign being 1; "digits", 1797
            images of 64 pixels, odd digits being 1 and even ones −1.
        path: Path of a LIBSVM file of two classes, plain or gzip, instead of `data`. The
            larger label becomes 1, the smaller −1.
        regularizer: r, "l2" or "non-convex".
        regularization: λ; that of Byz-DM21's released code on a9a unless given.
        split: How samples become subsets: "label", in the order of their labels (with
            two devices, a class each); "dirichlet", each class spread over the subsets
            by a Dirichlet draw; "iid", at random.
        alpha: The Dirichlet parameter; small values make subsets of one class.
        held_out: Fraction of the samples kept from training to measure accuracy.
        unit_rows: Whether every sample is divided by its Euclidean norm, as in
            Byz-DM21's released code; one of zeros stays.
        bias: Whether every sample then gets one more feature, which is 1. It is
            regularised like the others.
        data_seed: Seed of the split alone; the run's seed unless given.
    """

    data: Literal["breast-cancer", "digits"] = "breast-cancer"
    path: str | None = None
    regularizer: Regularizer = "l2"
    regularization: float = 5.6e-4
    split: Split = "label"
    alpha: float = 0.5
    held_out: float = 0.2
    unit_rows: bool = True
    bias: bool = False
    data_seed: int | None = None

    def __post_init__(self) -> None:
        right = "must be a number from 0 up"
        require(0 <= self.regularization < np.inf, "regularization", self.regularization, right)
        require_cut(self.alpha, self.held_out, self.data_seed)

    def relative_to(self, directory: PurePath) -> "LogisticRegression":
        """The same problem with paths that are meant from `directory`."""
        return replace(self, path=self.path and str(directory / self.path))

    def load(self, subsets: int, seed: int) -> Data:
        features, labels = self._samples()
        rng = run_generator(seed if self.data_seed is None else self.data_seed, Stream.DATA)
        cut = cut_samples(
            labels, subsets, rng, split=self.split, alpha=self.alpha, held_out=self.held_out
        )
        if self.path is None:
            features = _standardised(features, cut)
        if self.unit_rows:
            norms = np.sqrt((features**2).sum(axis=1, keepdims=True))
            features = features / np.where(norms > 0, norms, 1)
        if self.bias:
            features = np.hstack([features, np.ones((len(features), 1))])
        return Data(
            {"features": features[cut.train], "labels": labels[cut.train], "sizes": cut.sizes},
            {"features": features[cut.held_out], "labels": labels[cut.held_out]},
        )

    def objective(self, data: Data) -> "LogisticLoss":
        try:
            return LogisticLoss(data.train, data.held_out, self.regularizer, self.regularization)
        except KeyError as missing:
            raise ConfigError(f"logistic regression without an array {missing}") from missing

    def _samples(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        if self.path is not None:
            return read_libsvm(self.path)
        if self.data == "digits":
            features, digits = load_digits()
            return features, 2 * (digits % 2) - 1
        features, benign = load_breast_cancer()
        return features, 2 * benign - 1


class LogisticLoss:
    """f_k(x) = (N/m) Σ_{D_k} log(1 + exp(−y <x, z>)) + λ r(x).

    Args:
        train: `features` (m, Q) and `labels` (m,), −1 or 1, both in the order of the
            subsets; `sizes` (N,), how many samples each subset has.
        held_out: `features` and `labels` of the samples to measure accuracy on, or empty.
        regularizer: r.
        weight: λ.
    """

    def __init__(
        self, train: Arrays, held_out: Arrays, regularizer: Regularizer, weight: float
    ) -> None:
        features, labels, sizes = train["features"], train["labels"], train["sizes"]
        check_samples(features, labels, sizes)
        if labels.dtype.kind != "i" or not np.isin(labels, [-1, 1]).all():
            raise ConfigError(f"labels of {labels.dtype}: must be whole, each −1 or 1")
        self.rows = SubsetRows(features, sizes)
        self.labels = labels.astype(np.float64)
        self.held_out = held_out and (held_out["features"].astype(np.float64), held_out["labels"])
        self.regularizer = REGULARIZERS[regularizer]
        self.weight = weight

    @property
    def dimension(self) -> int:
        return int(self.rows.features.shape[1])

    @property
    def sizes(self) -> NDArray[np.intp]:
        return self.rows.sizes

    def gradients(
        self, model: NDArray[np.float64], subsets: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        result = self.rows.gradients(model, subsets, self._slopes)
        result += self.weight * self.regularizer.gradient(model)
        return result

    def sampled_gradients(
        self,
        model: NDArray[np.float64],
        subsets: NDArray[np.intp],
        samples: Sequence[NDArray[np.intp]],
    ) -> NDArray[np.float64]:
        result = self.rows.sampled_gradients(model, subsets, samples, self._slopes)
        result += self.weight * self.regularizer.gradient(model)
        return result

    def with_flipped_labels(self) -> "LogisticLoss":
        flipped = copy(self)
        flipped.labels = -self.labels
        return flipped

    def loss(self, model: NDArray[np.float64]) -> float:
        margins = self.labels * (self.rows.features @ model)
        mean = float(np.logaddexp(0, -margins).mean())
        return mean + self.weight * self.regularizer.value(model)

    def accuracy(self, model: NDArray[np.float64]) -> float | None:
        """The share of held-out samples y of the sign of <x, z>, that of 0 being 1."""
        if not self.held_out:
            return None
        features, labels = self.held_out
        return float((np.where(features @ model >= 0, 1, -1) == labels).mean())

    def _slopes(
        self, products: NDArray[np.float64], members: "slice | NDArray[np.intp]"
    ) -> NDArray[np.float64]:
        """−y / (1 + exp(y <x, z>)), written so that no margin is too large."""
        labels = self.labels[members]
        products *= labels
        slopes = np.exp(-np.logaddexp(0, products))
        slopes *= -labels
        return slopes


def _standardised(features: NDArray[np.float64], cut: Cut) -> NDArray[np.float64]:
    """With mean 0 and variance 1 of each column over the training samples; constant ones 0."""
    train = features[cut.train]
    varies = np.ptp(train, axis=0) > 0  # the deviation of equal numbers may not be 0
    result: NDArray[np.float64] = features - train.mean(axis=0)
    result /= np.where(varies, train.std(axis=0), np.inf)
    return result
