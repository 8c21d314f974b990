"""Smallest maximum eigenvalue averaging."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._geometry import products, reachable
from comlad.aggregation._protocol import Context
from comlad.config import mistake, require

__all__ = ["SMEA"]

# Subsets, and subsets times the square of their size: some seconds at the worst.
_SUBSETS = 200_000
_WORK = 200_000_000
# Numbers in the matrices that are decomposed in one go.
_BATCH = 1_000_000


@dataclass(frozen=True, slots=True)
class SMEA:
    """The mean of the n − f vectors that spread least in any direction (Allouah et al., ICML 2023).

    Smallest maximum eigenvalue averaging, of "On the Privacy-Robustness-Utility Trilemma
    in Distributed Learning": of all subsets of n − f vectors the one whose
    covariance has the smallest largest eigenvalue. Exact, which takes as long as there
    are subsets to look at; equal ones, to 12 digits, are told apart by a draw.

    Needs n > 2f and no more subsets than can be looked at in some seconds: f ≤ 9 for 20
    vectors, f ≤ 2 for 100.
    """

    def check(self, n: int, f: int) -> None:
        require(0 <= 2 * f < n, "tolerate", f, f"SMEA needs f ≥ 0 and 2f < {n} vectors")
        if not _feasible(n, f):
            most = max(fewer for fewer in range(f) if _feasible(n, fewer))
            right = f"too many subsets of {n} vectors ({math.comb(n, f)}); SMEA can do f ≤ {most}"
            raise mistake("tolerate", f, right)

    def kappa(self, n: int, f: int) -> float:
        """4f/(n − 2f).

        Let T be what the chosen S and the honest H have in common, at least n − 2f. Along
        a unit vector v the means of a set A and of a part T of it differ by no more than
        √((|A| − |T|) / |T| · λ_A), λ_A being A's largest eigenvalue: that much variance
        the difference makes by itself. Along x̄_S − x̄_H, by way of T,
        ‖x̄_S − x̄_H‖ ≤ √ρ (√λ_S + √λ_H) ≤ 2√(ρ λ_H) with ρ = f/(n − 2f), as S has the least λ;
        and λ_H is no more than the honest variance.
        """
        return 4 * f / (n - 2 * f) if n > 2 * f else math.inf

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        order = context.rng.permutation(n)
        gram = products(vectors)[np.ix_(order, order)]
        # A vector beyond reach is in no subset with a finite eigenvalue.
        near = reachable(gram)
        gram, order = gram[np.ix_(near, near)], order[near]
        chosen = order[_least_spread(gram, min(n - context.f, len(near)))]
        weights = np.zeros(n)
        weights[chosen] = 1 / len(chosen)
        return weights @ vectors


def _feasible(n: int, f: int) -> bool:
    subsets = math.comb(n, f)
    return f == 0 or (subsets <= _SUBSETS and subsets * (n - f) ** 2 <= _WORK)


def _least_spread(gram: NDArray[np.float64], size: int) -> NDArray[np.intp]:
    """The first subset, in lexicographic order, with the smallest largest eigenvalue."""
    n = len(gram)
    if size == n:
        return np.arange(n)
    count = math.comb(n, size)
    members = itertools.chain.from_iterable(itertools.combinations(range(n), size))
    subsets = np.fromiter(members, np.intp, count * size).reshape(count, size)
    # The variance along any direction is a lower bound. Along the direction in which
    # all vectors spread most, where liars stand out, it rules out most subsets.
    bounds = _along_top(gram)[subsets].var(axis=1)
    order = np.argsort(bounds, kind="stable")
    eigenvalues = np.full(count, np.inf)
    batch = max(_BATCH // size**2, 1)
    for start in range(0, count, batch):
        some = order[start : start + batch]
        if bounds[some[0]] > eigenvalues.min() * (1 + 1e-9):
            break
        eigenvalues[some] = _top_eigenvalues(gram, subsets[some])
    # What is equal but for rounding is a tie.
    chosen: NDArray[np.intp] = subsets[np.argmax(eigenvalues <= eigenvalues.min() * (1 + 1e-12))]
    return chosen


def _along_top(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """⟨v, x_i⟩ up to a constant, v being the top eigenvector of the covariance of all."""
    top = np.linalg.eigh(_centered(gram))[1][:, -1]
    # From the products as they are: the centred ones of honest vectors are all rounding
    # error beside a huge liar.
    along = gram @ top
    length = np.sqrt(max(top @ along, 0))
    return along / length if length > 0 else np.zeros(len(gram))


def _top_eigenvalues(gram: NDArray[np.float64], subsets: NDArray[np.intp]) -> NDArray[np.float64]:
    """The largest eigenvalue of each subset's covariance."""
    centered = _centered(gram[subsets[:, :, None], subsets[:, None, :]])
    top: NDArray[np.float64] = np.linalg.eigvalsh(centered)[:, -1] / subsets.shape[1]
    return np.maximum(top, 0)


def _centered(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """The products about the mean."""
    means = gram.mean(axis=-1, keepdims=True)
    overall = means.mean(axis=-2, keepdims=True)
    centered: NDArray[np.float64] = gram - means - means.swapaxes(-1, -2) + overall
    return centered
