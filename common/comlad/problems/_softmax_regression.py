"""Softmax regression on real images."""

from copy import copy
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.config import require
from comlad.errors import ConfigError
from comlad.problems._protocol import Arrays, Data
from comlad.problems._splits import dirichlet_split, even_split, label_split
from comlad.rng import Stream, run_generator

__all__ = ["SoftmaxRegression"]


@dataclass(frozen=True, slots=True)
class SoftmaxRegression:
    """Multinomial logistic regression with a bias, on scikit-learn's handwritten digits.

    With m training samples in all, f_k(x) = (N/m) Σ_{D_k} −log p(label | image), so
    that F/N, which is the loss reported and whose gradient the devices' mean
    estimates, is the mean cross-entropy of a training sample. Q = 65 · 10.

    Args:
        data: "digits": 1797 images of 8×8 pixels, ten classes.
        split: How samples become subsets: "label", in the order of their labels (with
            ten devices, a class each); "dirichlet", each class spread over the
            subsets by a Dirichlet draw; "iid", at random.
        alpha: The Dirichlet parameter; small values make subsets of few classes.
        held_out: Fraction of the samples kept from training to measure accuracy.
        data_seed: Seed of the split alone; the run's seed unless given.
    """

    data: Literal["digits"] = "digits"
    split: Literal["label", "dirichlet", "iid"] = "label"
    alpha: float = 0.5
    held_out: float = 0.2
    data_seed: int | None = None

    def __post_init__(self) -> None:
        require(0 < self.alpha < np.inf, "alpha", self.alpha, "must be a positive number")
        require(0 < self.held_out < 1, "held_out", self.held_out, "must be between 0 and 1")
        require((self.data_seed or 0) >= 0, "data_seed", self.data_seed, "must be at least 0")

    def load(self, subsets: int, seed: int) -> Data:
        features, labels = _load_digits()
        rng = run_generator(seed if self.data_seed is None else self.data_seed, Stream.DATA)
        order = rng.permutation(len(labels))
        held_out, train = np.split(order, [round(self.held_out * len(order))])
        right = "leaves no sample to measure accuracy on; must be more"
        require(len(held_out) > 0, "held_out", self.held_out, right)
        require(
            subsets <= len(train),
            "devices.count",
            subsets,
            f"must be at most {len(train)}, the number of training samples",
        )
        if self.split == "label":
            owners = label_split(labels[train], subsets)
        elif self.split == "dirichlet":
            owners = dirichlet_split(labels[train], subsets, self.alpha, rng)
        else:
            owners = even_split(len(train), subsets, rng)
        train = train[np.argsort(owners, kind="stable")]
        sizes = np.bincount(owners, minlength=subsets)
        return Data(
            {"features": features[train], "labels": labels[train], "sizes": sizes},
            {"features": features[held_out], "labels": labels[held_out]},
        )

    def objective(self, data: Data) -> "CrossEntropy":
        try:
            return CrossEntropy(data.train, data.held_out)
        except KeyError as missing:
            raise ConfigError(f"softmax regression without an array {missing}") from missing


class CrossEntropy:
    """f_k(x) = (N/m) Σ_{D_k} cross-entropy; x is the (P + 1, K) matrix of weights, flat.

    Args:
        train: `features` (m, P), `labels` (m,) in 0..K-1, both in the order of the
            subsets; `sizes` (N,), how many samples each subset has.
        held_out: `features` and `labels` of the samples to measure accuracy on, or empty.
    """

    def __init__(self, train: Arrays, held_out: Arrays) -> None:
        features, labels, sizes = train["features"], train["labels"], train["sizes"]
        if features.ndim != 2 or len(features) != len(labels) or sizes.sum() != len(labels):
            raise ConfigError(
                f"features {features.shape}, labels {labels.shape} and sizes {sizes.sum()}: "
                "must speak of the same number of samples"
            )
        if not labels.size or labels.min() < 0 or sizes.min() < 0:
            raise ConfigError("there must be samples, with labels and sizes that are not negative")
        self.features = _with_bias(features)
        self.labels = labels.astype(np.intp)
        self.starts = np.concatenate([[0], np.cumsum(sizes.astype(np.intp))])
        self.classes = int(self.labels.max()) + 1
        self.held_out = held_out and (_with_bias(held_out["features"]), held_out["labels"])

    @property
    def dimension(self) -> int:
        return int(self.features.shape[1]) * self.classes

    def gradients(
        self, model: NDArray[np.float64], subsets: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        weights = model.reshape(-1, self.classes)
        scale = (len(self.starts) - 1) / len(self.labels)
        result = np.empty((len(subsets), model.size))
        # A product of its own for each subset: one large product of many subsets
        # could be blocked, and so rounded, in another way.
        for row, subset in zip(result, subsets, strict=True):
            samples = slice(self.starts[subset], self.starts[subset + 1])
            features, labels = self.features[samples], self.labels[samples]
            errors = np.exp(_log_softmax(features @ weights))
            errors[np.arange(len(labels)), labels] -= 1
            row[:] = (features.T @ errors).ravel()
        result *= scale
        return result

    def with_flipped_labels(self) -> "CrossEntropy":
        flipped = copy(self)
        flipped.labels = self.classes - 1 - self.labels
        return flipped

    def loss(self, model: NDArray[np.float64]) -> float:
        log_probabilities = _log_softmax(self.features @ model.reshape(-1, self.classes))
        return float(-log_probabilities[np.arange(len(self.labels)), self.labels].mean())

    def accuracy(self, model: NDArray[np.float64]) -> float | None:
        if not self.held_out:
            return None
        features, labels = self.held_out
        return float(((features @ model.reshape(-1, self.classes)).argmax(1) == labels).mean())


def _load_digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ConfigError(
            "data = 'digits': scikit-learn has them and is not installed; pip install 'comlad[lab]'"
        ) from error
    features, labels = load_digits(return_X_y=True)
    return features / 16, labels.astype(np.int64)


def _with_bias(features: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.hstack([features.astype(np.float64), np.ones((len(features), 1))])


def _log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted: NDArray[np.float64] = scores - scores.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
