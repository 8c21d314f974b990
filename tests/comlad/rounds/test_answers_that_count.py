"""What both ends remember agrees after every round, whatever gets lost on the way."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from samples import fresh_rng, name_of, small

from comlad.compression import Payload
from comlad.estimators import Memory
from comlad.experiment import Prepared
from comlad.rounds import (
    Attendance,
    Memories,
    Plan,
    Recollection,
    Site,
    Snapshot,
    State,
    after_close,
    close_round,
    device_messages,
    initial_state,
    local_site,
    plan_round,
    read_attendance,
    recovered,
)
from comlad.v1.training_pb2 import FetchEstimateResponse
from comlad.wire import decode_held, encode_held

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

    @cached_property
    def site(self) -> Site:
        site = local_site(self.prepared)
        return replace(
            site,
            devices=(self.device,),
            keys=(site.keys[self.device],),
            liars=lambda round: site.liars(round) & {self.device},
        )

    def goes_on_from(self, plan: Plan, held: Mapping[int, Memory]) -> Memories:
        """What it would answer a plan from, as its client finds that out."""
        told = plan.told([self.device])
        memories, lost = self.recollection.before(told, self.site)
        if not lost:
            return memories
        assert lost == (0,)
        assert told.answered is not None
        self.asked += 1
        messages = [message for message, _ in encode_held(held.get(self.device, {}))]
        sent = b"".join(FetchEstimateResponse.FromString(each).chunk for each in messages)
        memory = self.site.estimator.restart(decode_held(sent, self.prepared.width), told.model)
        self.recollection.restore(self.device, told.answered[0], memory)
        memories, lost = self.recollection.before(told, self.site)
        assert not lost
        return memories

    def answer(self, plan: Plan, held: Mapping[int, Memory]) -> Payload | None:
        memories = self.goes_on_from(plan, held)
        (payload,), memories = device_messages(self.site, plan.told([self.device]), memories)
        self.recollection.keep(plan.round, memories)
        return payload


class Cluster:
    """A server and device processes between which answers get lost.

    Args:
        prepared: What is run.
        seed: Of what goes wrong.
        state: The server's to begin with; of a run's beginning if not given.
    """

    def __init__(self, prepared: Prepared, seed: int = 0, state: State | None = None) -> None:
        self.prepared, self.rng = prepared, fresh_rng(seed)
        self.state = initial_state(prepared) if state is None else state
        self.processes = [Process(prepared, device) for device in range(DEVICES)]
        self.lines: list[str] = []  # of its rounds.jsonl, as far as a replay reads it

    def round(
        self, lose: float, restart: float, refuse: float = 0.0, unheard: Collection[int] = ()
    ) -> None:
        """A round in which each answer is lost, each process killed, with these probabilities.

        Args:
            unheard: Devices of which the answer is lost in any case.
        """
        plan = plan_round(self.prepared, self.state)
        votes: dict[int, Payload] = {}
        refused: dict[int, str] = {}
        recovered = []
        for device in range(DEVICES):
            if self.rng.random() < restart:
                self.restart(device)
            process = self.processes[device]
            if self.rng.random() < lose / 2:
                continue  # it has not even heard of the round
            asked = process.asked
            payload = process.answer(plan, self.state.memories)
            if process.asked > asked:
                recovered.append(device)
            if self.rng.random() < refuse:
                refused[device] = "nonsense"
            elif self.rng.random() >= lose / 2 and payload is not None and device not in unheard:
                votes[device] = payload
        missing = [d for d in range(DEVICES) if d not in votes and d not in refused]
        self.lines.append(
            json.dumps(
                {
                    "round": plan.round,
                    "missing": missing,
                    "refused": refused,
                    "recovered": recovered,
                }
            )
        )
        self.state, _ = close_round(self.prepared, plan, self.state, votes, len(refused))

    def restart(self, device: int) -> None:
        """A device is killed, and comes back without a memory."""
        asked = self.processes[device].asked
        self.processes[device] = Process(self.prepared, device, asked=asked)

    def both_ends(self, name: str) -> list[tuple[bytes, bytes]]:
        """Of each device of which an answer has counted, what it goes on from and what is held."""
        plan, memories = plan_round(self.prepared, self.state), self.state.memories
        found = []
        for device in self.state.answered:
            goes_on = self.processes[device].goes_on_from(plan, memories)[device]
            ends = goes_on.estimator[name], memories[device][name]
            found.append((ends[0].tobytes(), ends[1].tobytes()))
        return found


class OneProcess:
    """The same as the in-process engine does it, without a wire.

    Args:
        prepared: What is run.
        state: The server's to begin with; devices remember nothing.
    """

    def __init__(self, prepared: Prepared, state: State | None = None) -> None:
        self.prepared, self.site = prepared, local_site(prepared)
        self.state = initial_state(prepared) if state is None else state
        self.memories: Memories = {}

    def round(self, present: Attendance | None = None) -> None:
        present = present or Attendance()
        plan = plan_round(self.prepared, self.state)
        self.memories = recovered(
            self.site.estimator, plan, self.state.memories, self.memories, present.recovered
        )
        payloads, new = device_messages(self.site, plan, self.memories)
        away = present.missing | present.refused.keys()
        votes = {d: sent for d, sent in enumerate(payloads) if sent is not None and d not in away}
        refused = len(present.refused)
        self.state, _ = close_round(self.prepared, plan, self.state, votes, refused)
        self.memories = after_close(self.memories, new, self.state, present.missing)

    def both_ends(self, name: str) -> list[tuple[bytes, bytes]]:
        held, plan = self.state.memories, plan_round(self.prepared, self.state)
        memories = recovered(self.site.estimator, plan, held, self.memories)
        return [
            (memories[d].estimator[name].tobytes(), held[d][name].tobytes())
            for d in self.state.answered
        ]


LOSSES: dict[str, dict[str, Any]] = {
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
    losses: dict[str, Any],
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


HONEST: dict[str, Any] = {"attack": None, "devices": {"count": DEVICES}}


@pytest.mark.parametrize(("estimator", "compressor", "name"), HELD, ids=id_of)
class TestARunThatGoesOnInOneProcess:
    """From the checkpoint of a networked one, which is without what devices remember."""

    def checkpoint(self, prepared: Prepared) -> State:
        cluster = Cluster(prepared)
        for _ in range(20):
            cluster.round(lose=0.2, restart=0)
        return Snapshot.of(cluster.state, {}, {}).state(prepared)

    def test_agrees_at_both_ends_after_every_round(
        self, estimator: dict[str, Any], compressor: str, name: str
    ) -> None:
        prepared = prepared_with(estimator, compressor, **HONEST)
        run = OneProcess(prepared, self.checkpoint(prepared))

        for _ in range(20):
            run.round()
            for device, server in run.both_ends(name):
                assert device == server

    def test_is_the_one_with_new_processes(
        self, estimator: dict[str, Any], compressor: str, name: str
    ) -> None:
        prepared = prepared_with(estimator, compressor, **HONEST)
        state = self.checkpoint(prepared)
        run, cluster = OneProcess(prepared, state), Cluster(prepared, state=state)

        for _ in range(20):
            run.round()
            cluster.round(0, 0)

            assert run.state.model.tobytes() == cluster.state.model.tobytes()
            assert run.state.answered == cluster.state.answered
        assert [process.asked for process in cluster.processes] == [1] * DEVICES


@pytest.mark.parametrize(("estimator", "compressor", "name"), HELD, ids=id_of)
@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
def test_is_repeated_in_one_process(
    estimator: dict[str, Any], compressor: str, name: str, losses: dict[str, Any]
) -> None:
    prepared = prepared_with(estimator, compressor, **HONEST)
    cluster = Cluster(prepared)
    for _ in range(ROUNDS):
        cluster.round(**losses)

    run = OneProcess(prepared)
    for present in read_attendance(cluster.lines, DEVICES, ROUNDS):
        run.round(present)

    assert run.state.model.tobytes() == cluster.state.model.tobytes()
    assert run.state.answered == cluster.state.answered
    assert any('recovered": [' + str(d) in line for line in cluster.lines for d in range(5)) == (
        losses["restart"] > 0
    )


@pytest.mark.parametrize("kind", ["ef21-sgdm", "byz-dm21", "byz-vr-dm21", "byz-dasha-page"])
class TestTwoProcessesOfADevice:
    """One comes back after the other has answered for the device."""

    DEVICE = 3

    def cluster(self, kind: str) -> Cluster:
        compressor = "random-sparsification" if kind == "byz-dasha-page" else "top-k"
        return Cluster(prepared_with({"kind": kind}, compressor, **HONEST))

    def agrees(self, cluster: Cluster) -> bool:
        return all(device == server for device, server in cluster.both_ends("estimate"))

    def test_agree_with_the_server_though_the_first_has_answered_that_round(
        self, kind: str
    ) -> None:
        cluster = self.cluster(kind)
        for _ in range(10):
            cluster.round(0, 0)
        first, second = cluster.processes[self.DEVICE], Process(cluster.prepared, self.DEVICE)
        first.answer(plan_round(cluster.prepared, cluster.state), cluster.state.memories)
        cluster.processes[self.DEVICE] = second
        cluster.round(0, 0)
        assert cluster.state.answered[self.DEVICE].after == 11
        assert (first.asked, second.asked) == (0, 1)

        cluster.processes[self.DEVICE] = first

        assert self.agrees(cluster)
        assert first.asked == 1
        for _ in range(5):
            cluster.round(0, 0)
            assert self.agrees(cluster)
        assert first.asked == 1

    def test_agree_with_a_server_that_went_back_to_a_checkpoint(self, kind: str) -> None:
        cluster = self.cluster(kind)
        for _ in range(5):
            cluster.round(0, 0)
        checkpoint = cluster.state
        for _ in range(7):
            cluster.round(0, 0)
        first, second = cluster.processes[self.DEVICE], Process(cluster.prepared, self.DEVICE)

        cluster.state, cluster.processes[self.DEVICE] = checkpoint, second
        for _ in range(4):
            cluster.round(0, 0)
        assert cluster.state.answered[self.DEVICE].after == 9
        cluster.processes[self.DEVICE] = first

        assert self.agrees(cluster)
        assert (first.asked, second.asked) == (1, 1)
        for _ in range(5):
            cluster.round(0, 0)
            assert self.agrees(cluster)

    def test_agree_though_what_was_restored_is_answered_in_vain(self, kind: str) -> None:
        cluster = self.cluster(kind)
        for _ in range(10):
            cluster.round(0, 0)
        cluster.restart(self.DEVICE)

        for _ in range(5):
            cluster.round(0, 0, unheard={self.DEVICE})
            assert self.agrees(cluster)

        assert cluster.state.answered[self.DEVICE].after == 10
        assert cluster.processes[self.DEVICE].asked == 1


def test_counts_no_answer_of_a_round_that_is_skipped() -> None:
    estimator = {"kind": "byz-dm21"}
    cluster = Cluster(prepared_with(estimator, "top-k"))
    cluster.round(0, 0)
    before = cluster.state

    cluster.round(lose=2.0, restart=0)  # nobody is heard

    assert cluster.state.round == 2
    assert cluster.state.memories == before.memories
    assert cluster.state.answered == before.answered
    assert [each.after for each in before.answered.values()] == [1] * DEVICES


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
