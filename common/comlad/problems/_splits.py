"""Cutting samples into subsets: each function gives the subset of every sample."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.errors import ConfigError

__all__ = ["dirichlet_split", "even_split", "label_split"]

_DIRICHLET_TRIES = 100


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
