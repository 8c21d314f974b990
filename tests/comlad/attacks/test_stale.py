from dataclasses import replace

import numpy as np
import pytest
from attack_samples import view_of
from numpy.typing import NDArray

from comlad.attacks import Replay, Straggler, View
from comlad.errors import ConfigError
from comlad.estimators import Memory

ROWS = np.array([[1.0, 10], [2, 20], [6, 60]])


def view(round: int, task: int, memory: Memory) -> View:
    """Round t's x is (t, t)."""
    model = np.full(2, float(round))
    return replace(view_of(ROWS, task, model=model, round=round), memory=memory)


def run(attack: Straggler | Replay, rounds: dict[int, int]) -> list[NDArray[np.float64]]:
    """What is sent in these rounds, each with its task."""
    memory: Memory = {}
    sent = []
    for round, task in rounds.items():
        seen = view(round, task, memory)
        sent.append(attack(seen))
        memory = attack.remember(seen)
    return sent


class TestStraggler:
    def test_does_this_rounds_task_at_an_old_model(self) -> None:
        sent = run(Straggler(2), {0: 0, 1: 1, 2: 2, 3: 0})

        assert sent[2].tolist() == (ROWS[2] + 0).tolist()
        assert sent[3].tolist() == (ROWS[0] + 1).tolist()

    def test_is_honest_until_it_has_an_old_model(self) -> None:
        sent = run(Straggler(2), {0: 0, 1: 1})

        assert sent[0].tolist() == (ROWS[0] + 0).tolist()
        assert sent[1].tolist() == (ROWS[1] + 1).tolist()

    def test_is_honest_where_it_missed_the_round(self) -> None:
        sent = run(Straggler(1), {4: 0, 6: 1, 7: 2})

        assert sent[1].tolist() == (ROWS[1] + 6).tolist()
        assert sent[2].tolist() == (ROWS[2] + 6).tolist()


class TestReplay:
    def test_repeats_its_own_old_vector(self) -> None:
        sent = run(Replay(2), {0: 0, 1: 1, 2: 2, 3: 0})

        assert sent[2].tolist() == (ROWS[0] + 0).tolist()
        assert sent[3].tolist() == (ROWS[1] + 1).tolist()

    def test_is_honest_until_it_has_one(self) -> None:
        sent = run(Replay(2), {0: 0, 1: 1})

        assert sent[1].tolist() == (ROWS[1] + 1).tolist()

    def test_keeps_a_vector_of_its_own(self) -> None:
        """A row of its process's matrix would keep all of that alive."""
        matrix = np.ones((100, 2))
        seen = replace(view(0, 0, {}), honest=matrix[3])

        (kept,) = Replay().remember(seen).values()

        assert kept.base is None


@pytest.mark.parametrize("attack", [Straggler, Replay])
def test_refuses_no_delay_at_all(attack: type) -> None:
    with pytest.raises(ConfigError, match=r"^delay = 0: must be at least 1 round$"):
        attack(0)
