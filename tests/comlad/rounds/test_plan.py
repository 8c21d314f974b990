import numpy as np
import pytest
from samples import answers, first_plan, permutation_of, small

from comlad.rounds import Plan, State, close_round, initial_state, plan_round


def test_starts_from_zero() -> None:
    state = initial_state(small())

    assert state.round == 0
    assert state.model.tolist() == [0.0] * 6


def test_gives_tasks_and_subsets_to_everyone() -> None:
    plan = first_plan(small())

    assert sorted(plan.tasks.tolist()) == list(range(5))
    assert sorted(permutation_of(plan).tolist()) == list(range(5))


def test_carries_the_round_and_its_model() -> None:
    model = np.arange(6.0)

    plan = plan_round(small(), State(41, model))

    assert plan.round == 41
    assert plan.model.tobytes() == model.tobytes()


def test_depends_on_the_seed_and_the_round_alone() -> None:
    first = plan_round(small(), State(2, np.zeros(6)))
    second = plan_round(small("step.learning_rate=1"), State(2, np.ones(6)))

    assert first.tasks.tolist() == second.tasks.tolist()
    assert permutation_of(first).tolist() == permutation_of(second).tolist()
    assert first.number == second.number


def test_is_drawn_anew_for_every_round_and_seed() -> None:
    numbers = {
        plan_round(small(f"seed={seed}"), State(round, np.zeros(6))).number
        for seed in range(5)
        for round in range(20)
    }

    assert len(numbers) == 100
    assert all(0 <= number < 2**32 for number in numbers)


def test_draws_a_key_only_where_a_mask_is_common() -> None:
    own, common = first_plan(small()), first_plan(small("compressor.index=common"))

    assert own.common_key == b""
    assert len(common.common_key) == 16
    # It comes last: the other draws are those of a run without.
    assert common.number == own.number
    assert common.tasks.tolist() == own.tasks.tolist()
    assert permutation_of(common).tolist() == permutation_of(own).tolist()


def test_draws_another_key_for_every_round() -> None:
    prepared = small("compressor.index=common")

    keys = {plan_round(prepared, State(round, np.zeros(6))).common_key for round in range(20)}

    assert len(keys) == 20


def test_tells_a_process_the_tasks_of_its_devices() -> None:
    plan = first_plan(small())

    told = plan.told([4, 1])

    assert told.tasks.tolist() == [plan.tasks[4], plan.tasks[1]]
    assert told.number == plan.number
    assert permutation_of(told).tolist() == permutation_of(plan).tolist()
    assert told.common_key == plan.common_key


@pytest.mark.parametrize("kind", ["byz-dasha-page", "byz-vr-marina"])
class TestAFullRound:
    """Where hardly any is drawn."""

    def after(self, kind: str, *answered: bool) -> Plan:
        """What is planned after rounds that all have answered, or nobody."""
        prepared = small("devices.byzantine=0", estimator={"kind": kind, "probability": 1e-9})
        state = initial_state(prepared)
        for everybody in answered:
            plan = plan_round(prepared, state)
            votes = dict(enumerate(answers(prepared, plan))) if everybody else {}
            state, outcome = close_round(prepared, plan, state, votes)
            assert (outcome.skipped is None) == everybody
        return plan_round(prepared, state)

    def test_is_the_first(self, kind: str) -> None:
        assert self.after(kind).full

    def test_is_the_next_one_where_that_was_skipped(self, kind: str) -> None:
        assert self.after(kind, False).full
        assert self.after(kind, False, False).full

    def test_is_none_once_answers_have_counted(self, kind: str) -> None:
        assert not self.after(kind, True).full
        assert not self.after(kind, False, True).full
        assert not self.after(kind, True, False).full
