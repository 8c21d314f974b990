"""What both ends remember agrees after every round, whatever gets lost on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from samples import fresh_rng, name_of, small

from comlad.estimators import Memory
from comlad.experiment import Prepared
from comlad.rounds import (
    DeviceMemory,
    Memories,
    Recollection,
    State,
    close_round,
    device_messages,
    initial_state,
    local_site,
    plan_round,
)
from comlad.wire import decode_held, encode_dataset

ROUNDS, DEVICES = 60, 5

# Of those whose server holds something: its name at both ends.
HELD = [
    ({"kind": "ef21"}, "top-k", "estimate"),
    ({"kind": "ef21-sgdm"}, "top-k", "estimate"),
    ({"kind": "byz-dm21"}, "top-k", "estimate"),
    ({"kind": "byz-dm21", "start": "warm"}, "top-k", "estimate"),
    ({"kind": "byz-vr-dm21"}, "top-k", "estimate"),
    ({"kind": "byz-vr-dm21", "start": "warm"}, "top-k", "estimate"),
    ({"kind": "byz-dasha-page"}, "random-sparsification", "estimate"),
    ({"kind": "diana"}, "random-sparsification", "shift"),
]


def prepared_with(estimator: dict[str, Any], compressor: str, **changes: Any) -> Prepared:
    return small(
        f"rounds={ROUNDS}",
        estimator=estimator,
        compressor={"kind": compressor, "keep": 2},
        coding={"kind": "cyclic", "tasks": "fixed"},
        step={"learning_rate": 1e-5},
        **changes,
    )


@dataclass
class Process:
    """A device process: what it remembers, and how often it has asked the server for that."""

    prepared: Prepared
    device: int
    recollection: Recollection = field(default_factory=Recollection)
    asked: int = 0

    def goes_on_from(self, plan: Any, held: Mapping[int, Memory]) -> DeviceMemory:
        """What it would answer a plan from."""
        told = plan.told([self.device])
        memories, lost = self.recollection.before(told, (self.device,))
        if not lost:
            return memories.get(self.device, DeviceMemory({}, {}))
        self.asked += 1
        sent = encode_dataset(held.get(self.device, {})).data
        restart = self.prepared.experiment.estimator.restart
        return DeviceMemory(restart(decode_held(sent, self.prepared.width), told.model), {})

    def answer(self, plan: Any, held: Mapping[int, Memory]) -> Any:
        site = local_site(self.prepared)
        alone = replace(
            site,
            devices=(self.device,),
            keys=(site.keys[self.device],),
            liars=lambda round: site.liars(round) & {self.device},
        )
        memories: Memories = {self.device: self.goes_on_from(plan, held)}
        (payload,), memories = device_messages(alone, plan.told([self.device]), memories)
        self.recollection.keep(plan.round, memories)
        return payload


class Cluster:
    """A server and device processes between which answers get lost.

    Args:
        prepared: What is run.
        seed: Of what goes wrong.
    """

    def __init__(self, prepared: Prepared, seed: int = 0) -> None:
        self.prepared, self.rng = prepared, fresh_rng(seed)
        self.state: State = initial_state(prepared)
        self.processes = [Process(prepared, device) for device in range(DEVICES)]

    def round(self, lose: float, restart: float, refuse: float = 0.0) -> None:
        """A round in which each answer is lost, each process killed, with these probabilities."""
        plan = plan_round(self.prepared, self.state)
        votes, refused = {}, 0
        for device in range(DEVICES):
            if self.rng.random() < restart:
                self.restart(device)
            process = self.processes[device]
            if self.rng.random() < lose / 2:
                continue  # it has not even heard of the round
            payload = process.answer(plan, self.state.memories)
            if self.rng.random() < refuse:
                refused += 1
            elif self.rng.random() >= lose / 2:
                votes[device] = payload
        self.state, _ = close_round(self.prepared, plan, self.state, votes, refused)

    def restart(self, device: int) -> None:
        """A device is killed, and comes back without a memory."""
        asked = self.processes[device].asked
        self.processes[device] = Process(self.prepared, device, asked=asked)

    def both_ends(self, name: str) -> list[tuple[bytes, bytes]]:
        """Of each device of which an answer has counted, what it goes on from and what is held."""
        plan, memories = plan_round(self.prepared, self.state), self.state.memories
        found = []
        for device in self.state.answered:
            goes_on = self.processes[device].goes_on_from(plan, memories)
            ends = goes_on.estimator[name], memories[device][name]
            found.append((ends[0].tobytes(), ends[1].tobytes()))
        return found


LOSSES: dict[str, dict[str, float]] = {
    "nothing": {"lose": 0, "restart": 0},
    "answers": {"lose": 0.3, "restart": 0},
    "processes": {"lose": 0, "restart": 0.1},
    "everything": {"lose": 0.2, "restart": 0.1, "refuse": 0.1},
}


def id_of(case: Any) -> str:
    return name_of(case) if isinstance(case, dict) else ""


@pytest.mark.parametrize(("estimator", "compressor", "name"), HELD, ids=id_of)
@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
def test_agrees_at_both_ends_after_every_round(
    estimator: dict[str, Any],
    compressor: str,
    name: str,
    losses: dict[str, float],
) -> None:
    cluster = Cluster(prepared_with(estimator, compressor, attack=None, devices={"count": DEVICES}))

    for _ in range(ROUNDS):
        cluster.round(**losses)
        for device, server in cluster.both_ends(name):
            assert device == server

    assert len(cluster.state.answered) == DEVICES
    assert (sum(process.asked for process in cluster.processes) > 0) == (losses["restart"] > 0)


def test_goes_back_with_a_server_that_was_killed() -> None:
    estimator = {"kind": "byz-vr-dm21"}
    cluster = Cluster(prepared_with(estimator, "top-k", attack=None, devices={"count": DEVICES}))
    undisturbed = Cluster(cluster.prepared)
    for _ in range(10):
        cluster.round(0, 0)
    checkpoint = cluster.state
    for _ in range(7):
        cluster.round(0, 0)

    cluster.state = checkpoint
    for _ in range(10):
        cluster.round(0, 0)

    for _ in range(20):
        undisturbed.round(0, 0)
    assert cluster.state.model.tobytes() == undisturbed.state.model.tobytes()
    assert sum(process.asked for process in cluster.processes) == 0


def test_counts_no_answer_of_a_round_that_is_skipped() -> None:
    estimator = {"kind": "byz-dm21"}
    cluster = Cluster(prepared_with(estimator, "top-k"))
    cluster.round(0, 0)
    before = cluster.state

    cluster.round(lose=2.0, restart=0)  # nobody is heard

    assert cluster.state.round == 2
    assert cluster.state.memories == before.memories
    assert cluster.state.answered == before.answered == dict.fromkeys(range(DEVICES), 1)


def test_does_not_hold_what_is_not_finite() -> None:
    prepared = prepared_with({"kind": "ef21"}, "top-k", attack={"kind": "non-finite"})
    site, state = local_site(prepared), initial_state(prepared)
    (liar,) = site.liars(0)
    plan = plan_round(prepared, state)
    payloads, _ = device_messages(site, plan, {})
    votes = {device: payload for device, payload in enumerate(payloads) if payload}

    state, outcome = close_round(prepared, plan, state, votes)

    assert outcome.skipped is None
    assert liar in votes
    assert state.answered.keys() == state.memories.keys() == set(range(DEVICES)) - {liar}


class TestAnAttackerWhoResetsOften:
    """It is sent what the server holds of it, which stays as it is: there is nothing to gain."""

    def run(self, restart: float) -> State:
        cluster = Cluster(prepared_with({"kind": "byz-dm21"}, "top-k"))
        (liar,) = local_site(cluster.prepared).liars(0)
        for _ in range(ROUNDS):
            if cluster.rng.random() < restart:
                cluster.restart(liar)
            cluster.round(0, 0)
        return cluster.state

    def test_is_held_for_what_it_has_said(self) -> None:
        cluster = Cluster(prepared_with({"kind": "byz-dm21"}, "top-k"))
        (liar,) = local_site(cluster.prepared).liars(0)
        for _ in range(10):
            cluster.round(0, 0)
        before = cluster.state.memories[liar]["estimate"].tobytes()

        cluster.restart(liar)
        plan = plan_round(cluster.prepared, cluster.state)
        cluster.processes[liar].goes_on_from(plan, cluster.state.memories)

        assert cluster.state.memories[liar]["estimate"].tobytes() == before

    def test_moves_the_model_no_farther(self) -> None:
        prepared = prepared_with({"kind": "byz-dm21"}, "top-k")
        honest = prepared_with({"kind": "byz-dm21"}, "top-k", attack=None, devices={"count": 5})
        undisturbed = Cluster(honest)
        for _ in range(ROUNDS):
            undisturbed.round(0, 0)

        once, often = self.run(0.0), self.run(0.5)

        losses = [prepared.objective.loss(state.model) for state in (once, often)]
        initial = prepared.objective.loss(np.zeros(6))
        least = prepared.objective.loss(undisturbed.state.model)
        assert least < losses[0] < initial
        assert losses[1] <= losses[0] + 0.1 * (initial - least)
