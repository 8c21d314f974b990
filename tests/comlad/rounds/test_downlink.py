"""What devices are told, and what they make of it, when the downlink is narrowed."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from samples import answers, dense, first_plan, permutation_of, small

from comlad.attacks import View
from comlad.experiment import Prepared
from comlad.rounds import (
    Plan,
    State,
    close_round,
    device_messages,
    local_site,
    plan_round,
)

OWN = "downlink.permutation=own"


def test_a_model_told_as_float32_is_one() -> None:
    model = np.array([0.1, 1e-50, -1e300, 3.0, 1 / 3, -0.1])

    plan = plan_round(small("downlink.model=float32"), State(0, model))

    told = np.array([0.1, 0, -3.4028235e38, 3, 1 / 3, -0.1], np.float32)
    assert plan.model.tobytes() == told.astype(np.float64).tobytes()


def test_the_server_steps_from_its_own_model() -> None:
    # A step so short that the model stays where it was, and not where the devices think.
    prepared = small(
        "downlink.model=float32", "step.learning_rate=1e-300", "devices.byzantine=0", attack=None
    )
    state = State(0, np.full(6, 0.1))
    plan = plan_round(prepared, state)

    votes = dict(enumerate(answers(prepared, plan)))
    after, outcome = close_round(prepared, plan, state, votes)

    assert outcome.skipped is None
    assert after.model.tobytes() == state.model.tobytes()
    assert (plan.model != state.model).all()


class TestOwnSubsets:
    @pytest.mark.parametrize("load", [1, 2, 5])
    def test_are_those_of_the_broadcast(self, load: int) -> None:
        whole = first_plan(small(f"coding.load={load}"))
        own = first_plan(small(f"coding.load={load}", OWN))

        assert own.permutation is None
        assert own.subsets is not None
        coding = small(f"coding.load={load}").experiment.coding
        expected = coding.subsets(whole.tasks, permutation_of(whole))
        assert own.subsets.tolist() == expected.tolist()

    def test_make_no_difference_to_who_is_honest(self) -> None:
        honest, own = (
            small("devices.byzantine=0", attack=None),
            small("devices.byzantine=0", OWN, attack=None),
        )

        sent = [dense(payload) for payload in answers(honest, first_plan(honest))]
        also = [dense(payload) for payload in answers(own, first_plan(own))]

        assert np.array(sent).tobytes() == np.array(also).tobytes()

    def test_are_all_that_a_process_is_told(self) -> None:
        plan = first_plan(small(OWN))

        told = plan.told([4, 1])

        assert plan.subsets is not None
        assert told.subsets is not None
        assert told.subsets.tolist() == plan.subsets[[4, 1]].tolist()


class _Spy:
    def __init__(self) -> None:
        self.seen: dict[int, View] = {}

    def __call__(self, view: View) -> np.ndarray[Any, Any]:
        self.seen[view.device] = view
        return view.honest


def seven(coding: dict[str, Any]) -> Prepared:
    """Seven devices that are told their own subsets."""
    return small(
        OWN,
        "devices.count=7",
        "devices.byzantine=3",
        coding=coding,
        compressor={"kind": "identity"},
    )


def views(plan: Plan, coding: dict[str, Any], *devices: int) -> dict[int, View]:
    """What liars in one process see."""
    spy, prepared = _Spy(), seven(coding)
    site = local_site(prepared)
    site = replace(
        site,
        devices=devices,
        keys=tuple(site.keys[device] for device in devices),
        attack=spy,
        liars=lambda _: frozenset(devices),
    )
    device_messages(site, plan.told(devices), {})
    return spy.seen


CODINGS: list[dict[str, Any]] = [
    {"kind": "cyclic", "load": 3},
    {"kind": "draco-cyclic", "load": 7},
    {"kind": "draco-repetition", "load": 7},
]


class TestALiar:
    @pytest.mark.parametrize("coding", CODINGS, ids=lambda coding: coding["kind"])
    def test_guesses_what_agrees_with_what_it_was_told(self, coding: dict[str, Any]) -> None:
        prepared = seven(coding)
        plan = first_plan(prepared)
        assert plan.subsets is not None

        for device, view in views(plan, coding, 0, 3, 6).items():
            assert sorted(view.permutation.tolist()) == list(range(7))
            (subsets,) = prepared.experiment.coding.subsets(np.array([view.task]), view.permutation)
            assert subsets.tolist() == plan.subsets[device].tolist()
            assert view.pool.vector(view.task) == pytest.approx(view.honest, rel=1e-12)

    def test_guesses_the_same_whoever_is_in_its_process(self) -> None:
        coding = CODINGS[0]
        plan = first_plan(seven(coding))

        alone, together = views(plan, coding, 3), views(plan, coding, 0, 3, 6)

        assert alone[3].permutation.tolist() == together[3].permutation.tolist()
        assert alone[3].pool.vectors.tobytes() == together[3].pool.vectors.tobytes()
        assert alone[3].permutation.tolist() != together[0].permutation.tolist()

    def test_guesses_anew_in_every_round(self) -> None:
        coding = CODINGS[0]
        prepared = seven(coding)
        plans = [plan_round(prepared, State(t, np.zeros(6))) for t in range(5)]

        guesses = [views(plan, coding, 3)[3].permutation.tolist() for plan in plans]

        assert all(before != after for before, after in pairwise(guesses))
