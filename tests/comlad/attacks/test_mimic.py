from dataclasses import replace

import numpy as np
import pytest
from attack_samples import view_of
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.attacks import Mimic
from comlad.errors import ConfigError
from comlad.estimators import Memory

Vector = NDArray[np.float64]


def rounds(count: int, width: int = 12) -> list[Vector]:
    """Nine vectors a round that differ most along the first coordinate."""
    scales = np.array([5.0] + [1.0] * (width - 1))
    return [fresh_rng(seed).normal(2, 1, (9, width)) * scales for seed in range(count)]


def run(attack: Mimic, pools: list[Vector]) -> list[tuple[Vector, Memory]]:
    """What is sent and what is then remembered."""
    memory: Memory = {}
    result = []
    for round, rows in enumerate(pools):
        view = replace(view_of(rows, round=round), memory=memory)
        memory = attack.remember(view)
        result.append((attack(view), memory))
    return result


def by_hand(warmup: int, pools: list[Vector]) -> list[Vector]:
    """The same with a loop for every sum."""
    sent = []
    for t, rows in enumerate(pools):
        mean_now = sum(rows) / len(rows)
        if t == 0:
            mean = mean_now
            z = max((row - mean for row in rows), key=lambda a: float(a @ a))
        elif t < warmup:
            mean = t / (t + 1) * mean + mean_now / (t + 1)
        if t < warmup:
            step = sum((row - mean) * ((row - mean) @ z) for row in rows)
            z = t / (t + 1) * z + step / np.linalg.norm(step) / (t + 1)
            z = z / np.linalg.norm(z)
        sent.append(max(rows, key=lambda row: float(row @ z)))
    return sent


@pytest.mark.parametrize("warmup", [1, 4, 100])
def test_sends_what_plain_loops_send(warmup: int) -> None:
    pools = rounds(12)

    sent = [vector.tolist() for vector, _ in run(Mimic(warmup), pools)]

    assert sent == [vector.tolist() for vector in by_hand(warmup, pools)]


def test_sends_an_honest_vector() -> None:
    pools = rounds(5)

    for rows, (vector, _) in zip(pools, run(Mimic(), pools), strict=True):
        assert vector.tolist() in rows.tolist()


def test_learns_where_the_vectors_differ_most() -> None:
    *_, (_, memory) = run(Mimic(), rounds(40))

    direction = np.abs(memory["direction"])
    assert direction[0] > 0.99
    assert np.sqrt((direction**2).sum()) == pytest.approx(1)


def test_learns_no_more_after_the_warm_up() -> None:
    memories = [memory for _, memory in run(Mimic(3), rounds(6))]

    directions = [memory["direction"].tobytes() for memory in memories]
    assert len(set(directions)) == 3
    assert directions[2:] == [directions[2]] * 4


def test_learns_once_for_all_liars_of_a_process() -> None:
    first = view_of(rounds(1)[0])
    memory = Mimic().remember(first)

    others = [Mimic().remember(replace(first, device=device)) for device in range(3)]

    assert all(other is memory for other in others)


def test_refuses_no_warm_up_at_all() -> None:
    with pytest.raises(ConfigError, match=r"^warmup = 0: must be at least 1 round$"):
        Mimic(0)
