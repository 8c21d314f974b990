"""Trials of DRACO's cyclic code: N = 100, s = 20, whoever lies and however.

python tests/draco_trials.py [--trials 500] [--framing 200]

In each trial N devices compute a round, some of them lie, the server decodes. Says for
each lie how many were decoded, how many could not be, and the largest relative error of
a mean that was given. Nothing but a given mean that is wrong is a mistake; only liars who
frame others, which takes knowledge of each other's tasks, bring one about.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from comlad.coding import DracoCyclic, Received
from comlad.coding._band_code import band_code

__all__ = ["ALL", "CODES", "LIES", "N", "Trial", "framing", "relative_error"]

N = 100
ALL = tuple(range(N))
_FRAMING = "framing others"
CODES = (DracoCyclic(41), DracoCyclic(42, values="real"))

Complex = NDArray[np.complexfloating[Any, Any]]
# What liars send, given what they should send, a row each.
Lie = Callable[[Complex, Generator], Complex]


def _noise(rng: Generator, *shape: int) -> Complex:
    noise: Complex = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return noise


def _of_all_sizes(own: Complex, rng: Generator) -> Complex:
    sizes = 10.0 ** rng.uniform(-10, 10, (len(own), 1))
    lie: Complex = own + sizes * _noise(rng, *own.shape)
    return lie


def _around_the_tolerance(own: Complex, rng: Generator) -> Complex:
    lie: Complex = own + 10.0 ** rng.uniform(-15, -9) * _noise(rng, *own.shape)
    return lie


def _one_coordinate(own: Complex, rng: Generator) -> Complex:
    lie = own.copy()
    lie[:, 0] += 1
    return lie


def _some_behave(own: Complex, rng: Generator) -> Complex:
    lie = own.copy()
    lie[::3] *= -2
    return lie


LIES: Mapping[str, Lie] = {
    "sign-flip": lambda own, rng: -2 * own,
    "identical": lambda own, rng: own + _noise(rng, own.shape[1]),
    "constant": lambda own, rng: own - 100,
    "rank-1": lambda own, rng: own + np.outer(_noise(rng, len(own)), _noise(rng, own.shape[1])),
    "tiny": lambda own, rng: own + 1e-4 * _noise(rng, *own.shape),
    "huge": lambda own, rng: own + 1e8 * _noise(rng, *own.shape),
    "beyond all bounds": lambda own, rng: own + 1e200 * _noise(rng, *own.shape),
    "NaN": lambda own, rng: own * np.nan,
    "of all sizes": _of_all_sizes,
    "around the tolerance": _around_the_tolerance,
    "one coordinate": _one_coordinate,
    "the same for all": lambda own, rng: np.tile(_noise(rng, own.shape[1]), (len(own), 1)),
    "zero": lambda own, rng: 0 * own,
    "each other's": lambda own, rng: np.roll(own, 1, axis=0),
    "some behave": _some_behave,
}


@dataclass(frozen=True, eq=False)
class Trial:
    """A round: what honest devices send.

    Args:
        code: The code.
        vectors: Shape (N, width).
        tasks: Shape (N,).
        mean: Of all gradients, shape (Q,).
    """

    code: DracoCyclic
    vectors: NDArray[np.float64]
    tasks: NDArray[np.intp]
    mean: NDArray[np.float64]

    @classmethod
    def drawn(cls, code: DracoCyclic, rng: Generator, dimension: int = 100) -> "Trial":
        """Subsets whose gradients have something in common, and sizes of their own."""
        sizes = rng.uniform(0.1, 3, (N, 1))
        gradients = rng.normal(size=(N, dimension)) * sizes + rng.normal(size=dimension)
        tasks, permutation = code.draw(N, rng)
        vectors = code.encode(gradients, code.subsets(tasks, permutation), tasks, N)
        return cls(code, vectors, tasks, gradients.mean(axis=0))

    def received(
        self,
        lie: Lie,
        liars: NDArray[np.intp],
        rng: Generator,
        present: tuple[int, ...] = ALL,
    ) -> Received:
        """What arrives if those lie and only those are present."""
        vectors = self.vectors.copy()
        with np.errstate(all="ignore"):
            vectors[liars] = self._flat(lie(self._complex(vectors[liars]), rng))
        return Received(vectors[list(present)], present, self.tasks[list(present)], N, rng)

    def _complex(self, vectors: NDArray[np.float64]) -> Complex:
        if self.code.values == "real":
            return vectors.astype(np.complex128)
        real, imaginary = np.split(vectors, 2, axis=1)
        return real + 1j * imaginary

    def _flat(self, rows: Complex) -> NDArray[np.float64]:
        if self.code.values == "real":
            return np.asarray(rows.real, np.float64)
        return np.hstack([rows.real, rows.imag])


def relative_error(mean: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(mean - right) / np.linalg.norm(right))


def framing(trial: Trial, liars: NDArray[np.intp], rng: Generator) -> Lie:
    """The worst lie known: a word of the code but for a few rows between those of the liars.

    It takes liars who tell each other their tasks. Without those rows the others are a
    word again, with another mean; the fewer they are, the likelier they seem to lie.
    """
    code, rows = band_code(N, trial.code.load), trial.tasks[liars]
    band = np.arange(N - trial.code.load + 1) - (N - trial.code.load) // 2
    words = np.exp(2j * np.pi / N * np.outer(np.arange(N), band))
    mine = np.isin(np.arange(N), rows)
    margin, least, best = int(rng.integers(-1, 9)), np.inf, words[:, 0]
    for start in range(N):
        for length in range(2 * len(rows), 3, -1):
            run = (start + np.arange(length)) % N
            framed = run[~mine[run]]
            if len(framed) <= min(length - len(framed) + margin, code.parities // 2):
                others = np.setdiff1d(np.arange(N), np.concatenate([rows, framed]))
                _, values, right = np.linalg.svd(words[others], full_matrices=False)
                if values[-1] < least:
                    least, best = values[-1], words @ right[-1].conj()
                break
    error = best[rows] / np.abs(best[rows]).max() * 10.0 ** rng.uniform(-9, 1)
    if trial.code.values == "real":
        error = error.real
    return lambda own, rng: own + np.outer(error, rng.normal(size=own.shape[1]))


def _whose(kind: str, count: int, rng: Generator) -> NDArray[np.intp]:
    if kind == "neighbours":
        return (rng.integers(N) + np.arange(count)) % N
    return rng.permutation(N)[:count]


def _run(trials: int, framed: int) -> None:
    errors = defaultdict[str, list[float | None]](list)
    for seed in range(trials + framed):
        rng = np.random.default_rng([1803, 9877, seed])
        code = CODES[seed % 2]
        trial, most = Trial.drawn(code, rng), code.corrects(N)
        if seed >= trials:
            liars = _whose("random", most, rng)
            name, lie, present = _FRAMING, framing(trial, liars, rng), ALL
        else:
            name = list(LIES)[seed // 2 % len(LIES)]
            case = ["random", "neighbours", "few", "absent", "too many"][seed // 30 % 5]
            count = {"few": int(rng.integers(1, most)), "too many": most + 1 + seed % 15}
            absent = 8 if case == "absent" else 0
            liars = _whose(case, count.get(case, most - absent // 2), rng)
            others = rng.permutation(np.setdiff1d(ALL, liars))
            present = tuple(sorted({*ALL} - {*others[:absent].tolist()}))
            lie, name = LIES[name], f"{name}, too many" if case == "too many" else name
        decoded = code.decode(trial.received(lie, liars, rng, present))
        mean = decoded.mean
        errors[name].append(None if mean is None else relative_error(mean, trial.mean))
    print(f"{'lie':32} {'decoded':>8} {'failed':>7} {'largest error':>14}")
    wrong = Counter[bool]()
    for name in sorted(errors):
        given = [error for error in errors[name] if error is not None]
        wrong[name == _FRAMING] += sum(error > 1e-10 for error in given)
        largest = f"{max(given):.1e}" if given else "-"
        print(f"{name:32} {len(given):8} {len(errors[name]) - len(given):7} {largest:>14}")
    print(f"means off by more than 1e-10: {wrong[False]} of {trials}")
    print(f"where others are framed:      {wrong[True]} of {framed}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--framing", type=int, default=200)
    options = parser.parse_args()
    with threadpool_limits(1):
        _run(options.trials, options.framing)


if __name__ == "__main__":
    main()
