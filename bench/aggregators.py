"""Every rule and pre-aggregation beside byzfl's numpy version of it, in one run.

python -m bench.aggregators [--repeat 7] [--only KIND]... [--shape N,Q]...

All values are float64 and BLAS has one thread. Without byzfl, the dependency group of that
name beside comlad, only comlad is timed. Times are medians in ms; "x" is byzfl's by ours, "reads"
ours by the time to read the matrix once.
"""

import argparse
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bench.byzfl import load_byzfl
from comlad.aggregation import AGGREGATORS, PREAGGREGATORS, Context, TakesSparse
from comlad.errors import ConfigError

_SHAPES = ((100, 10**4), (100, 10**6), (20, 10**6))
# After so many seconds a call is not repeated.
_LONG = 5.0
# Ours and byzfl's, with the parameters that mean the same.
_RULES: tuple[tuple[dict[str, Any], str, dict[str, Any]], ...] = (
    ({"kind": "mean"}, "Average", {}),
    ({"kind": "median"}, "Median", {}),
    ({"kind": "trimmed-mean"}, "TrMean", {"f": ...}),
    ({"kind": "meamed"}, "Meamed", {"f": ...}),
    ({"kind": "phocas"}, "", {}),
    (
        {"kind": "geometric-median", "iterations": 3, "smoothing": 0.1, "start": "zero"},
        "GeometricMedian",
        {"nu": 0.1, "T": 3},
    ),
    ({"kind": "geometric-median"}, "", {}),
    ({"kind": "krum", "neighbors": "n-f-1"}, "Krum", {"f": ...}),
    ({"kind": "multi-krum", "neighbors": "n-f-1"}, "MultiKrum", {"f": ...}),
    ({"kind": "bulyan"}, "", {}),
    ({"kind": "mda"}, "MDA", {"f": ...}),
    ({"kind": "mda", "exact": False}, "", {}),
    ({"kind": "smea"}, "SMEA", {"f": ...}),
    ({"kind": "caf"}, "CAF", {"f": ...}),
    ({"kind": "monna", "trusted": 0}, "MoNNA", {"f": ..., "idx": 0}),
    (
        {"kind": "centered-clipping", "radius": 100.0, "iterations": 1},
        "CenteredClipping",
        {"L": 1, "tau": 100.0},
    ),
    ({"kind": "faba"}, "", {}),
    ({"kind": "maximum-correntropy"}, "", {}),
    ({"kind": "norm-thresholding"}, "", {}),
    ({"kind": "nnm"}, "NNM", {"f": ...}),
    ({"kind": "bucketing", "size": 2}, "Bucketing", {"s": 2}),
    ({"kind": "clipping", "limit": 2.0}, "Clipping", {"c": 2.0}),
    ({"kind": "arc"}, "ARC", {"f": ...}),
)
# For byzfl, which goes through all (n over f) subsets.
_INFEASIBLE = {
    ("MDA", 100): "10^20 subsets",
    ("SMEA", 100): "10^20 subsets",
    ("SMEA", 20): "4845 subsets, each copied",
}
# These of byzfl overwrite what they are given. comlad's do not, so that byzfl's time has
# the copy in it that a caller needs who keeps the vectors.
_OVERWRITE = {"Clipping", "ARC"}

_Rule = Callable[[NDArray[np.float64]], object]


def _ours(table: dict[str, Any], n: int, f: int) -> _Rule:
    """Ours, as it is configured.

    Raises:
        ConfigError: It cannot do that many vectors.
    """
    family = AGGREGATORS if table["kind"] in AGGREGATORS.own else PREAGGREGATORS
    rule = family.read(table)
    rule.check(n, f)
    devices = tuple(range(n))
    return lambda vectors: rule(vectors, Context(f, np.random.default_rng(0), devices))


def _byzfls(name: str, parameters: dict[str, Any], f: int) -> _Rule:
    kind = next(getattr(module, name) for module in load_byzfl() if hasattr(module, name))
    given = {key: f if value is ... else value for key, value in parameters.items()}

    def call(vectors: NDArray[np.float64]) -> object:
        # Anew each time: one of them keeps what came out for the next call.
        return kind(**given)(vectors.copy() if name in _OVERWRITE else vectors)

    return call


def _milliseconds(rule: _Rule, vectors: NDArray[np.float64]) -> float:
    begun = time.perf_counter()
    rule(vectors)
    return 1e3 * (time.perf_counter() - begun)


def _in_turns(rules: list[_Rule], vectors: NDArray[np.float64], repeat: int) -> list[float]:
    """Medians of several calls of each, in turns, so that a busy moment hits all."""
    times: list[list[float]] = [[] for _ in rules]
    for _ in range(repeat):
        for rule, taken in zip(rules, times, strict=True):
            if not taken or taken[0] < 1e3 * _LONG:
                taken.append(_milliseconds(rule, vectors))
    return [statistics.median(taken) for taken in times]


def _compare(n: int, dimension: int, repeat: int, kinds: list[str], byzfl: bool) -> None:
    vectors = np.random.default_rng(0).standard_normal((n, dimension))
    (reading,) = _in_turns([np.sum], vectors, max(repeat, 5))
    print(f"\nn = {n}, f = {n // 5}, Q = {dimension}: reading the matrix takes {reading:.2f} ms")
    print(f"{'':<36} {'comlad':>9} {'reads':>7} {'byzfl':>9} {'x':>6}")
    for table, name, parameters in _RULES:
        if kinds and table["kind"] not in kinds:
            continue
        label = " ".join(map(str, table.values()))
        try:
            ours = _ours(table, n, n // 5)
        except ConfigError as error:
            print(f"{label:<36} {error}")
            continue
        why_not = _INFEASIBLE.get((name, n), "")
        times = []
        if byzfl and name and not why_not:
            try:
                times = _in_turns([ours, _byzfls(name, parameters, n // 5)], vectors, repeat)
            except MemoryError as error:
                why_not = str(error)
        time_of_ours, *byzfls = times or _in_turns([ours], vectors, repeat)
        row = f"{label:<36} {time_of_ours:>9.2f} {time_of_ours / reading:>7.1f}"
        row += "".join(f" {other:>9.2f} {other / time_of_ours:>6.1f}" for other in byzfls)
        print(row + (f" {name}: {why_not}" if why_not else ""), flush=True)


def _memory_of_mixing() -> None:
    vectors = np.random.default_rng(0).standard_normal((100, 10**6))
    rule = _ours({"kind": "nnm"}, 100, 20)
    tracemalloc.start()
    rule(vectors)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"\nnnm at (100, 10^6) allocates {peak / vectors.nbytes:.3f} times the matrix at most")


def _sparse(repeat: int) -> None:
    """Com-LAD keeps a hundredth of the coordinates, in float32."""
    n, dimension, kept = 100, 10**6, 10**4
    rng = np.random.default_rng(0)
    rows = [np.sort(rng.choice(dimension, kept, replace=False)) for _ in range(n)]
    values = rng.standard_normal(n * kept).astype(np.float32).astype(np.float64)
    indices = np.concatenate(rows)
    vectors = np.zeros((n, dimension))
    for row, where, some in zip(vectors, rows, values.reshape(n, kept), strict=True):
        row[where] = some
    context = Context(20, rng)
    print(f"\n{n} vectors of {kept} values each, Q = {dimension}")
    print(f"{'':<36} {'sparse':>9} {'matrix':>9}")
    for table in (
        {"kind": "trimmed-mean", "trim": 0.1},
        {"kind": "trimmed-mean", "trim": 0},
        {"kind": "median"},
        {"kind": "mean"},
    ):
        rule = AGGREGATORS.read(table)
        assert isinstance(rule, TakesSparse)

        def sparse(_: object, rule: TakesSparse = rule) -> object:
            return rule.of_sparse(indices, values, n, dimension, context)

        fast, slow = _in_turns([sparse, _ours(table, n, 20)], vectors, repeat)
        label = " ".join(map(str, table.values()))
        print(f"{label:<36} {fast:>9.2f} {slow:>9.2f}", flush=True)


def _shape(text: str) -> tuple[int, int]:
    n, dimension = text.split(",")
    return int(n), int(dimension)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=7, help="calls; medians are shown")
    parser.add_argument("--only", nargs="+", default=[], metavar="KIND", help="rules to time")
    parser.add_argument("--shape", nargs="+", type=_shape, default=_SHAPES, metavar="N,Q")
    options = parser.parse_args()
    byzfl = find_spec("byzfl") is not None
    print(f"ms a call, {os.cpu_count()} cores; {'beside byzfl' if byzfl else 'byzfl is missing'}")
    with threadpool_limits(1):
        for n, dimension in options.shape:
            _compare(n, dimension, options.repeat, options.only, byzfl)
        if not options.only:
            _memory_of_mixing()
            _sparse(options.repeat)


if __name__ == "__main__":
    _main()
