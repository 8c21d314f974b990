"""Softmax regression on real images."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.errors import ConfigError
from comlad.problems._arrays import check_samples
from comlad.problems._datasets import load_digits
from comlad.problems._protocol import Arrays, Data
from comlad.problems._splits import Split, cut_samples, require_cut
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
    split: Split = "label"
    alpha: float = 0.5
    held_out: float = 0.2
    data_seed: int | None = None

    def __post_init__(self) -> None:
        require_cut(self.alpha, self.held_out, self.data_seed)

    def load(self, subsets: int, seed: int) -> Data:
        features, labels = load_digits()
        rng = run_generator(seed if self.data_seed is None else self.data_seed, Stream.DATA)
        cut = cut_samples(
            labels, subsets, rng, split=self.split, alpha=self.alpha, held_out=self.held_out
        )
        return Data(
            {"features": features[cut.train], "labels": labels[cut.train], "sizes": cut.sizes},
            {"features": features[cut.held_out], "labels": labels[cut.held_out]},
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
        check_samples(features, labels, sizes)
        if labels.min() < 0:
            raise ConfigError(f"a label {labels.min()}: must not be negative")
        self.features = _with_bias(features)
        self.labels = labels.astype(np.intp)
        self.sizes = sizes.astype(np.intp)
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.classes = int(self.labels.max()) + 1
        self.held_out = held_out and (_with_bias(held_out["features"]), held_out["labels"])

    @property
    def dimension(self) -> int:
        return int(self.features.shape[1]) * self.classes

    def gradients(
        self, model: NDArray[np.float64], subsets: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        result = np.empty((len(subsets), model.size))
        # A product of its own for each subset: one large product of many subsets
        # could be blocked, and so rounded, in another way.
        for row, subset in zip(result, subsets, strict=True):
            row[:] = self._sum(model, slice(self.starts[subset], self.starts[subset + 1]))
        result *= len(self.sizes) / len(self.labels)
        return result

    def sampled_gradients(
        self,
        model: NDArray[np.float64],
        subsets: NDArray[np.intp],
        samples: Sequence[NDArray[np.intp]],
    ) -> NDArray[np.float64]:
        result = np.empty((len(subsets), model.size))
        scale = len(self.sizes) / len(self.labels)
        for row, subset, chosen in zip(result, subsets, samples, strict=True):
            total = self._sum(model, self.starts[subset] + chosen)
            np.multiply(total, scale * self.sizes[subset] / len(chosen), out=row)
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

    def _sum(
        self, model: NDArray[np.float64], members: "slice | NDArray[np.intp]"
    ) -> NDArray[np.float64]:
        """The sum of the gradients of these samples' cross-entropies."""
        features, labels = self.features[members], self.labels[members]
        errors = np.exp(_log_softmax(features @ model.reshape(-1, self.classes)))
        errors[np.arange(len(labels)), labels] -= 1
        return (features.T @ errors).ravel()


def _with_bias(features: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.hstack([features.astype(np.float64), np.ones((len(features), 1))])


def _log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted: NDArray[np.float64] = scores - scores.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
