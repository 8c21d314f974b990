"""Record what byzfl 0.0.11 makes of some vectors, for tests/comlad/aggregation/test_byzfl.py.

In an environment of its own, as byzfl needs torch, of which the CPU build will do:

    python -m venv byzfl-venv
    byzfl-venv/bin/pip install --group byzfl
    byzfl-venv/bin/python -m tests.byzfl_values

byzfl's numpy code is called with float64. What is random in it (CAF, SMEA, Bucketing) is
left out.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bench.byzfl import load_byzfl
from numpy.typing import NDArray

__all__ = ["INPUTS", "RECORDED", "digest"]

RECORDED = Path(__file__).parent / "recorded" / "byzfl.json"


def _random(n: int, dimension: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(3, 2, (n, dimension))


def _with_liars(n: int, f: int, dimension: int) -> NDArray[np.float64]:
    vectors = np.random.default_rng(n).standard_t(2, (n, dimension))
    vectors[-f:] *= -100
    return vectors


def _duplicates(n: int, dimension: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(n)
    return rng.normal(0, 1, (4, dimension))[rng.integers(0, 4, n)]


def _integers(n: int, dimension: int) -> NDArray[np.float64]:
    return np.random.default_rng(n).integers(-2, 3, (n, dimension)).astype(float)


def _of_one_length(n: int) -> NDArray[np.float64]:
    """Each (±3, ±4, ±12) in some order: 13 long."""
    rng = np.random.default_rng(n)
    signs = rng.choice([-1.0, 1.0], (n, 3))
    vectors: NDArray[np.float64] = signs * rng.permuted(np.tile([3.0, 4, 12], (n, 1)), axis=1)
    return vectors


# By name: f and the vectors.
INPUTS: dict[str, tuple[int, NDArray[np.float64]]] = {
    "random 5, f = 0": (0, _random(5, 4, 1)),
    "random 5": (2, _random(5, 3, 2)),
    "random 9": (2, _random(9, 30, 3)),
    "random 11": (5, _random(11, 1, 4)),
    "random 16": (3, _random(16, 20, 5)),
    "liars 10": (3, _with_liars(10, 3, 12)),
    "liars 20": (4, _with_liars(20, 4, 25)),
    "duplicates 8": (2, _duplicates(8, 6)),
    "duplicates 13": (3, _duplicates(13, 5)),
    "integers 7": (2, _integers(7, 2)),
    "integers 12": (3, _integers(12, 4)),
    "one length 9": (2, _of_one_length(9)),
    "all equal 6": (1, np.tile(_random(1, 4, 6), (6, 1))),
}


def digest(vectors: NDArray[np.float64]) -> str:
    """By which to see that it is these vectors that were given to byzfl."""
    return hashlib.sha256(vectors.tobytes()).hexdigest()[:16]


def _rules(f: int) -> dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]:
    rules, before = load_byzfl()
    return {
        "Average": rules.Average(),
        "Median": rules.Median(),
        "TrMean": rules.TrMean(f=f),
        "GeometricMedian": rules.GeometricMedian(nu=0.1, T=3),
        "Krum": rules.Krum(f=f),
        "MultiKrum": rules.MultiKrum(f=f),
        "CenteredClipping": rules.CenteredClipping(L=1, tau=100.0),
        "MDA": rules.MDA(f=f),
        "MoNNA": rules.MoNNA(f=f, idx=0),
        "Meamed": rules.Meamed(f=f),
        "NNM": before.NNM(f=f),
        "Clipping": before.Clipping(c=2.0),
        "ARC": before.ARC(f=f),
    }


def _main() -> None:
    inputs = []
    for name, (f, vectors) in INPUTS.items():
        recorded: dict[str, object] = {"input": digest(vectors)}
        for rule, call in _rules(f).items():
            recorded[rule] = call(vectors.copy()).tolist()  # some overwrite what they are given
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in recorded.items()]
        inputs.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text("{\n" + ",\n".join(inputs) + "\n}\n")


if __name__ == "__main__":
    _main()
