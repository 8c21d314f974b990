"""What every attack promises."""

import tomllib
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from attack_samples import ATTACKS_TO_TRY, attack_of, informed, regression_view, view_of
from numpy.typing import NDArray
from samples import dense, fresh_rng, name_of

from comlad.attacks import ATTACKS, Attack, Poisons, Pool, Remembers, Spies, View
from comlad.compression import Payload, StochasticQuantization
from comlad.config import inline, with_assignments

# By the nature of these: silence is their message, or numbers that are none.
SILENT = [{"kind": "crash"}]
NOT_FINITE = ["non-finite", "bit-flip"]
# They are honest until their time comes.
PATIENT = [{"kind": "crash", "since": 10**6}]
# Their message is a function of what all are told, and so the same for all liars.
AGREEING = [
    *("zero", "constant", "non-finite", "alie", "ipm", "foe", "mimic", "min-max", "min-sum"),
    *("opt-alie", "opt-ipm", "crash", "norm-hiding"),
]


def sent(attack: Attack, view: View) -> NDArray[np.float64] | None:
    """The vector that the message stands for."""
    if isinstance(attack, Poisons):  # its honest work is on other data
        objective = attack.poisoned(view.objective)
        view = replace(view, honest=view.coded(view.task, objective=objective))
    message = attack(view)
    return message if message is None or isinstance(message, np.ndarray) else dense(message)


def bytes_of(message: NDArray[np.float64] | None) -> bytes | None:
    return None if message is None else message.tobytes()


def test_has_a_sample_of_every_kind() -> None:
    assert {table["kind"] for table in ATTACKS_TO_TRY} == set(ATTACKS.own)


@pytest.mark.parametrize("table", ATTACKS_TO_TRY, ids=name_of)
class TestEveryAttack:
    def test_sends_a_vector_of_the_right_length_or_nothing(self, table: dict[str, Any]) -> None:
        attack = attack_of(table)

        message = attack(informed(attack))

        if table in SILENT:
            assert message is None
            return
        assert isinstance(message, np.ndarray)
        assert message.shape == (5,)
        assert message.dtype == np.float64
        assert np.isfinite(message).all() or table["kind"] in NOT_FINITE

    def test_sends_something_in_the_first_round_too(self, table: dict[str, Any]) -> None:
        message = attack_of(table)(regression_view(round=0))

        assert (message is None) == (table in SILENT)

    def test_repeats_itself_for_the_same_draws(self, table: dict[str, Any]) -> None:
        attack = attack_of(table)

        first, second = (bytes_of(sent(attack, informed(attack))) for _ in range(2))

        assert first == second

    def test_draws_from_nothing_but_its_view(self, table: dict[str, Any]) -> None:
        attack, messages = attack_of(table), set()

        for seed in range(2):
            np.random.seed(seed)  # noqa: NPY002  # that this makes no difference is the point
            messages.add(bytes_of(sent(attack, informed(attack))))
            following = np.random.random()  # noqa: NPY002
            np.random.seed(seed)  # noqa: NPY002
            assert following == np.random.random()  # noqa: NPY002

        assert len(messages) == 1

    def test_does_not_tell_the_truth(self, table: dict[str, Any]) -> None:
        attack = attack_of(table)
        view = informed(attack)

        message = sent(attack, view)

        assert (bytes_of(message) == view.honest.tobytes()) == (table in PATIENT)

    def test_copes_with_vectors_that_agree(self, table: dict[str, Any]) -> None:
        view = view_of(np.tile(fresh_rng().normal(0, 1, 5), (7, 1)))

        message = sent(attack_of(table), view)

        finite = message is None or np.isfinite(message).all()
        assert finite or table["kind"] in NOT_FINITE

    def test_copes_with_vectors_of_zeros(self, table: dict[str, Any]) -> None:
        message = sent(attack_of(table), view_of(np.zeros((7, 5))))

        finite = message is None or np.isfinite(message).all()
        assert finite or table["kind"] in NOT_FINITE

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        attack = attack_of(table)

        assert ATTACKS.read(ATTACKS.write(attack)) == attack

    def test_survives_the_command_line(self, table: dict[str, Any]) -> None:
        attack = attack_of(table)
        written = ATTACKS.write(attack)

        options = [f"{key}={inline(value)}" for key, value in written.items()]

        assert ATTACKS.read(with_assignments({}, options)) == attack
        assert tomllib.loads(f"attack = {inline(written)}") == {"attack": written}

    def test_says_what_its_attacker_must_know(self, table: dict[str, Any]) -> None:
        assert "\n    The attacker must know: " in (ATTACKS.lookup(table["kind"]).__doc__ or "")


AGREEING_TO_TRY = [t for t in ATTACKS_TO_TRY if t["kind"] in AGREEING and t not in PATIENT]


@pytest.mark.parametrize("table", AGREEING_TO_TRY, ids=name_of)
def test_says_the_same_in_every_liar_without_a_word_between_them(table: dict[str, Any]) -> None:
    attack = attack_of(table)
    other_view = replace(informed(attack, task=1), generator=partial(fresh_rng, 9), device=5)

    one, other = sent(attack, informed(attack, task=4)), sent(attack, other_view)

    assert bytes_of(one) == bytes_of(other)


REMEMBERING = [table for table in ATTACKS_TO_TRY if isinstance(attack_of(table), Remembers)]


@pytest.mark.parametrize("table", REMEMBERING, ids=name_of)
class TestEveryAttackWithAMemory:
    def test_remembers_the_same_of_the_same(self, table: dict[str, Any]) -> None:
        attack = attack_of(table)
        assert isinstance(attack, Remembers)

        first, second = (attack.remember(informed(attack)) for _ in range(2))

        assert first.keys() == second.keys()
        assert all(first[key].tobytes() == second[key].tobytes() for key in first)

    def test_remembers_no_more_with_time(self, table: dict[str, Any]) -> None:
        attack = attack_of(table)
        assert isinstance(attack, Remembers)

        early, late = (attack.remember(informed(attack, rounds)) for rounds in (4, 9))

        assert len(early) == len(late)
        assert all(array.dtype == np.float64 for array in late.values())


@pytest.mark.parametrize("table", ATTACKS_TO_TRY, ids=name_of)
def test_spies_if_what_it_says_depends_on_others(table: dict[str, Any]) -> None:
    attack, view = attack_of(table), informed(attack_of(table))
    asked = []

    def vectors() -> NDArray[np.float64]:
        asked.append(1)
        return informed(attack).pool.vectors

    shown = replace(view, pool=Pool(vectors))
    attack(shown)
    if isinstance(attack, Remembers):
        attack.remember(shown)

    assert bool(asked) == (isinstance(attack, Spies) and attack.spies)


def test_gives_a_payload_that_the_compressor_could_have_made() -> None:
    compressor = StochasticQuantization()
    view = view_of(fresh_rng().normal(0, 1, (7, 5)), compressor=compressor)

    message = attack_of({"kind": "quantizer-range"})(view)

    assert isinstance(message, Payload)
    compressor.admit(message, 5)
