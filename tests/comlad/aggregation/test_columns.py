import itertools
import os
import threading

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.aggregation._columns import _BLOCK, _FEW, _LARGE, _exchanges, reduce_ranked


def whole(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """All that ranking gives: a number that every place in the order has a part in."""
    weights = np.arange(1, len(vectors) + 1)
    return reduce_ranked(vectors, lambda ranked: (ranked.T * weights).sum(axis=1))


@pytest.mark.parametrize("n", [1, 2, _FEW, _FEW + 1, 40])
def test_ranks_every_column(n: int) -> None:
    width = _BLOCK // n
    vectors = fresh_rng(n).integers(-9, 9, (n, 2 * width + 3)).astype(float)

    ranked = np.sort(vectors, axis=0)

    assert (whole(vectors) == np.arange(1, n + 1) @ ranked).all()


@pytest.mark.parametrize("n", range(1, _FEW + 1))
def test_exchanges_put_everything_in_order(n: int) -> None:
    # What sorts all zeros and ones sorts everything (Knuth, volume 3, 5.3.4, Theorem Z).
    for bits in itertools.product((0, 1), repeat=n):
        values = list(bits)
        for low, high in _exchanges(n):
            assert low < high
            if values[low] > values[high]:
                values[low], values[high] = values[high], values[low]
        assert values == sorted(bits)


@pytest.mark.parametrize("n", [_FEW + 1, 100])
def test_does_not_depend_on_the_number_of_cores(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = fresh_rng().normal(0, 1, (n, _LARGE // n + 1))
    results = []
    threads = set()

    def reduce(ranked: NDArray[np.float64]) -> NDArray[np.float64]:
        threads.add(threading.get_ident())
        mean: NDArray[np.float64] = ranked[n // 4 : -n // 4].mean(axis=0)
        return mean

    for cores in (1, 2, 3, 64):
        affinity = set(range(cores))
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, a=affinity: a, raising=False)
        results.append(reduce_ranked(vectors, reduce).tobytes())

    assert len(set(results)) == 1
    assert len(threads) > 1


def test_keeps_quiet_in_threads_about_what_its_caller_ignores() -> None:
    vectors = np.full((_FEW + 1, _LARGE // _FEW), np.finfo(np.float64).max)

    with np.errstate(over="ignore"):
        sums = reduce_ranked(vectors, lambda ranked: ranked.sum(axis=0))

    assert np.isinf(sums).all()
