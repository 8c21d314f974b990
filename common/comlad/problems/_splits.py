"""Cutting samples into those to train on, in subsets, and those held out.

The functions named after a split give the subset of every sample.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.config import require
from comlad.errors import ConfigError

__all__ = ["Cut", "Split", "cut_samples", "require_cut"]

Split = Literal["label", "dirichlet", "iid"]

_DIRICHLET_TRIES = 100


@dataclass(frozen=True, slots=True)
class Cut:
    """Which samples go where, by their positions in the data set.

    Args:
        train: The samples to train on, in the order of their subsets.
        sizes: How many of them each subset has, shape (N,).
        held_out: The others, on which accuracy is measured.
    """

    train: NDArray[np.intp]
    sizes: NDArray[np.intp]
    held_out: NDArray[np.intp]


def require_cut(alpha: float, held_out: float, data_seed: int | None) -> None:
    """Raise ConfigError unless these parameters of a problem can be."""
    require(0 < alpha < np.inf, "alpha", alpha, "must be a positive number")
    require(0 < held_out < 1, "held_out", held_out, "must be between 0 and 1")
    require((data_seed or 0) >= 0, "data_seed", data_seed, "must be at least 0")


def cut_samples(
    labels: NDArray[np.int64],
    subsets: int,
    rng: Generator,
    *,
    split: Split,
    alpha: float,
    held_out: float,
) -> Cut:
    """Hold a fraction of the samples out at random and split the others.

    Raises:
        ConfigError: Nothing would be held out, or a subset would be empty.
    """
    order = rng.permutation(len(labels))
    others, train = np.split(order, [round(held_out * len(order))])
    right = "leaves no sample to measure accuracy on; must be more"
    require(len(others) > 0, "held_out", held_out, right)
    right = f"must be at most {len(train)}, the number of training samples"
    require(subsets <= len(train), "devices.count", subsets, right)
    if split == "label":
        owners = label_split(labels[train], subsets)
    elif split == "dirichlet":
        owners = dirichlet_split(labels[train], subsets, alpha, rng)
    else:
        owners = even_split(len(train), subsets, rng)
    sizes = np.bincount(owners, minlength=subsets)
    return Cut(train[np.argsort(owners, kind="stable")], sizes, others)


def label_split(labels: NDArray[np.int64], subsets: int) -> NDArray[np.intp]:
    """Subsets in the order of the labels, every class taking the same share of them.

    With as many subsets as classes each is one class; with more, a class is cut
    evenly; with fewer, neighbouring classes share a subset.
    """
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(codes, kind="stable")
    ranks = np.empty(len(labels), np.intp)
    ranks[order] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    sizes = counts[codes]
    # Whole numbers throughout: a sample on a boundary must not fall either way by rounding.
    owners = (codes * sizes + ranks) * subsets // (len(classes) * sizes)
    if np.bincount(owners, minlength=subsets).min() == 0:
        raise ConfigError(
            f"split = 'label': leaves some of {subsets} subsets empty; have fewer devices"
        )
    return owners


def dirichlet_split(
    labels: NDArray[np.int64], subsets: int, alpha: float, rng: Generator
) -> NDArray[np.intp]:
    """Each class divided over the subsets in proportions drawn from Dirichlet(alpha).

    Draws again, a hundred times at most, until no subset is empty.
    """
    for _ in range(_DIRICHLET_TRIES):
        owners = np.empty(len(labels), np.intp)
        for label in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == label))
            shares = np.cumsum(rng.dirichlet(np.full(subsets, alpha)))[:-1]
            owners[members] = np.searchsorted(
                shares, np.arange(len(members)) / len(members), "right"
            )
        if np.bincount(owners, minlength=subsets).min() > 0:
            return owners
    raise ConfigError(
        f"alpha = {alpha}: left a subset empty in each of {_DIRICHLET_TRIES} draws; "
        "must be larger, or the devices fewer"
    )


def even_split(samples: int, subsets: int, rng: Generator) -> NDArray[np.intp]:
    """Subsets of equal size, but for one sample, at random."""
    return rng.permutation(np.arange(samples) * subsets // samples)
