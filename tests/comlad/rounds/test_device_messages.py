from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from attack_samples import ATTACKS_TO_TRY
from samples import answers, dense, first_plan, fresh_rng, name_of, permutation_of, small

from comlad.compression import Payload
from comlad.errors import ConfigError
from comlad.experiment import byzantine_devices
from comlad.rng import device_key
from comlad.rounds import (
    Memories,
    Site,
    State,
    device_message,
    device_messages,
    local_site,
    plan_round,
)

SETTINGS: dict[str, dict[str, Any]] = {
    "as small as can be": {},
    "many": {"devices": {"count": 40, "byzantine": 13}, "coding": {"kind": "cyclic", "load": 7}},
    "all of it by everyone": {"coding": {"kind": "cyclic", "load": 5}},
    "redrawn": {"devices": {"count": 9, "byzantine": 4, "redraw": True}},
    "long vectors": {"problem": {"kind": "linear-regression", "dimension": 9001}},
    "images": {"problem": {"kind": "softmax-regression"}},
    "images, uneven": {
        "problem": {"kind": "softmax-regression", "split": "dirichlet", "alpha": 3.0},
        "compressor": {"kind": "identity"},
    },
}


@pytest.mark.parametrize("changes", SETTINGS.values(), ids=SETTINGS)
def test_are_the_same_bits_alone_and_together(changes: dict[str, Any]) -> None:
    prepared = small(**changes)
    site, model = local_site(prepared), fresh_rng().normal(0, 1, prepared.objective.dimension)
    plan = plan_round(prepared, State(3, model))

    together, _ = device_messages(site, plan, {})

    for device in site.devices:
        alone, _ = device_message(site, plan, device, {})
        assert same(alone, together[device])


def test_are_the_same_bits_in_whichever_process_a_device_is() -> None:
    prepared = small("devices.count=9")
    plan, whole = first_plan(prepared), local_site(prepared)
    hosted = (7, 2, 4)
    keys = tuple(device_key(prepared.experiment.seed, device) for device in hosted)

    there, _ = device_messages(replace(whole, devices=hosted, keys=keys), plan.told(hosted), {})

    here = answers(prepared, plan)
    for device, payload in zip(hosted, there, strict=True):
        assert same(payload, here[device])


def test_are_the_coded_gradients_where_nobody_lies_or_compresses() -> None:
    prepared = small("devices.byzantine=0", compressor={"kind": "identity"})
    plan = first_plan(prepared)

    sent = [dense(payload) for payload in answers(prepared, plan)]

    gradients = prepared.objective.gradients(plan.model, np.arange(5))
    for device, vector in enumerate(sent):
        task = int(plan.tasks[device])
        subsets = [permutation_of(plan)[(task + k) % 5] for k in range(2)]
        assert vector == pytest.approx(gradients[subsets].mean(axis=0), rel=1e-12)


def test_are_flipped_by_the_liars_and_by_no_one_else() -> None:
    lying = small("devices.byzantine=2", compressor={"kind": "identity"})
    honest = small("devices.byzantine=0", compressor={"kind": "identity"})
    liars = byzantine_devices(lying.experiment.devices, lying.experiment.seed)

    sent = answers(lying, first_plan(lying))

    truth = answers(honest, first_plan(honest))
    for device in range(5):
        factor = -2 if device in liars else 1
        assert dense(sent[device]).tobytes() == (factor * dense(truth[device])).tobytes()


def test_are_honest_where_nobody_is_said_to_lie() -> None:
    prepared, honest = small(), small("devices.byzantine=0")
    site, plan = local_site(prepared), first_plan(prepared)
    trusting = Site(
        objective=site.objective,
        coding=site.coding,
        estimator=site.estimator,
        compressor=site.compressor,
        devices=site.devices,
        keys=site.keys,
        count=site.count,
        attack=site.attack,
    )

    payloads, _ = device_messages(trusting, plan, {})

    for payload, truth in zip(payloads, answers(honest, plan), strict=True):
        assert same(payload, truth)


def test_are_flipped_by_others_in_every_round_if_redrawn() -> None:
    changes: dict[str, Any] = {"compressor": {"kind": "identity"}}
    lying = small("devices.byzantine=2", "devices.redraw=true", **changes)
    honest = small("devices.byzantine=0", **changes)
    flipped = set()

    for round in range(8):
        plan = plan_round(lying, State(round, np.zeros(6)))
        pairs = zip(answers(lying, plan), answers(honest, plan), strict=True)
        different = {d for d, (one, two) in enumerate(pairs) if dense(one)[0] != dense(two)[0]}
        assert different == byzantine_devices(lying.experiment.devices, 1, round)
        flipped.add(frozenset(different))

    assert len(flipped) > 3


def test_are_compressed_with_each_devices_own_draws_of_the_round() -> None:
    prepared = small("compressor.keep=3", coding={"kind": "cyclic", "load": 5})
    plans = [plan_round(prepared, State(round, np.zeros(6))) for round in range(8)]

    supports = {
        tuple(np.flatnonzero(dense(payload)).tolist())
        for plan in plans
        for payload in answers(prepared, plan)
    }

    assert len(supports) > 10  # of the 20 that there are


def test_leave_the_plan_alone() -> None:
    prepared = small()
    plan = first_plan(prepared)
    for array in (plan.model, permutation_of(plan), plan.tasks):
        array.flags.writeable = False

    assert len(answers(prepared, plan)) == 5


def test_do_not_warn_of_a_model_that_runs_away() -> None:
    prepared = small("devices.byzantine=0", "compressor.values=float32")
    plan = plan_round(prepared, State(0, np.full(6, 1e300)))

    assert not all(np.isfinite(dense(payload)).all() for payload in answers(prepared, plan))


def test_need_a_network_for_a_program_of_its_own() -> None:
    prepared = small(attack={"command": ["./attacker"]})

    with pytest.raises(ConfigError, match=r"^\[attack\] command: .* use --engine processes$"):
        local_site(prepared)


@pytest.mark.parametrize("table", ATTACKS_TO_TRY, ids=name_of)
def test_are_the_same_bits_alone_and_together_whatever_the_attack(table: dict[str, Any]) -> None:
    prepared = small(attack=table, devices={"count": 9, "byzantine": 4, "redraw": True})
    whole, hosted = local_site(prepared), (7, 2, 4)
    keys = tuple(device_key(prepared.experiment.seed, device) for device in hosted)
    part = replace(whole, devices=hosted, keys=keys)
    here: Memories = {}
    there: Memories = {}
    alone: dict[int, Memories] = {device: {} for device in range(9)}

    for round in range(5):
        plan = plan_round(prepared, State(round, fresh_rng(round).normal(0, 1, 6)))
        together, here = device_messages(whole, plan, here)
        among_three, there = device_messages(part, plan.told(hosted), there)
        for device in range(9):
            own, alone[device] = device_message(whole, plan, device, alone[device])
            assert same(own, together[device])
        for device, payload in zip(hosted, among_three, strict=True):
            assert same(payload, together[device])


def same(one: Payload | None, other: Payload | None) -> bool:
    if one is None or other is None:
        return one is other
    return dense(one).tobytes() == dense(other).tobytes()
