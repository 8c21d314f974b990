"""What attacks are shown by the devices that lie, and what becomes of their answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import dense, first_plan, permutation_of, small

from comlad.attacks import Pool, View
from comlad.coding import Cyclic
from comlad.compression import Dense, Identity, Sparse
from comlad.errors import ConfigError
from comlad.estimators import Arrival, Ef21, Ef21Sgdm, Footprint, Memory, Plain
from comlad.rounds import (
    Answered,
    Memories,
    Plan,
    Site,
    State,
    device_messages,
    local_site,
    plan_round,
    spied_on,
)

LEAST_SQUARES = {"kind": "least-squares", "samples": 20, "dimension": 30}


@dataclass(frozen=True)
class Spy:
    """Keeps what it was shown, and sends what it was told to."""

    answer: Any
    seen: list[View] = field(default_factory=list)

    def __call__(self, view: View) -> Any:
        self.seen.append(view)
        return self.answer


@dataclass(frozen=True)
class Ear(Spy):
    """Goes by what others send."""

    spies: ClassVar[bool] = True


@dataclass(frozen=True)
class Diary(Spy):
    """Remembers in which rounds it was asked to."""

    def remember(self, view: View) -> Memory:
        return {**view.memory, f"round {view.round}": np.array([float(view.device)])}


def spied_site(spy: Spy, *assignments: str) -> Site:
    assignments = assignments or ("devices.byzantine=[3]",)
    return replace(local_site(small(*assignments)), compressor=Identity(), attack=spy)


class TestAttacks:
    def test_see_what_the_device_was_told(self) -> None:
        spy = Spy(np.ones(6))
        plan = plan_round(small(), State(9, np.arange(6.0)))

        device_messages(spied_site(spy), plan, {})

        (view,) = spy.seen
        assert (view.round, view.device, view.task) == (9, 3, int(plan.tasks[3]))
        assert view.model.tobytes() == plan.model.tobytes()
        assert view.permutation.tolist() == permutation_of(plan).tolist()
        assert view.coding == Cyclic(2)
        assert view.compressor == Identity()
        assert view.memory == {}

    def test_can_compute_their_own_honest_vector(self) -> None:
        spy = Spy(np.ones(6))
        device_messages(spied_site(spy), first_plan(small()), {})
        (view,) = spy.seen

        assert view.coded(view.task).tobytes() == view.honest.tobytes()

    @pytest.mark.parametrize("hosted", [(3,), (1, 3), tuple(range(5))])
    def test_can_compute_everybodys_honest_vector(self, hosted: tuple[int, ...]) -> None:
        prepared, spy = small("devices.byzantine=0"), Spy(np.ones(6))
        plan, keys = first_plan(prepared), local_site(prepared).keys
        site = replace(
            spied_site(spy), devices=hosted, keys=tuple(keys[device] for device in hosted)
        )

        device_messages(site, plan.told(hosted), {})

        (view,) = spy.seen
        whole = replace(local_site(prepared), compressor=Identity())
        truth, _ = device_messages(whole, plan, {})
        for device, payload in enumerate(truth):
            assert payload is not None
            task = int(plan.tasks[device])
            assert view.pool.vectors[task].tobytes() == dense(payload).tobytes()

    def test_can_compress_as_the_device_itself_does(self) -> None:
        spy, prepared = Spy(np.ones(6)), small("devices.byzantine=[3]")
        site = replace(local_site(prepared), attack=spy)
        sent, _ = device_messages(site, first_plan(prepared), {})
        (view,) = spy.seen

        assert sent[3] is not None
        for _ in range(2):
            assert dense(view.compress(np.ones(6))).tobytes() == dense(sent[3]).tobytes()

    def test_decide_what_is_sent(self) -> None:
        payloads, _ = device_messages(spied_site(Spy(np.ones(6))), first_plan(small()), {})

        assert payloads[3] is not None
        assert dense(payloads[3]).tolist() == [1.0] * 6

    def test_can_send_a_payload_as_it_is(self) -> None:
        payload = Sparse(6, np.array([5]), np.ones(1, np.float32))

        payloads, _ = device_messages(spied_site(Spy(payload)), first_plan(small()), {})

        assert payloads[3] is payload

    def test_can_be_silent(self) -> None:
        payloads, _ = device_messages(spied_site(Spy(None)), first_plan(small()), {})

        assert [payload is None for payload in payloads] == [False, False, False, True, False]

    @pytest.mark.parametrize("shape", [(5,), (7,), (6, 1), ()])
    def test_must_send_a_vector_of_the_models_length(self, shape: tuple[int, ...]) -> None:
        site = spied_site(Spy(np.ones(shape)))

        with pytest.raises(ConfigError) as caught:
            device_messages(site, first_plan(small()), {})

        assert str(caught.value).endswith(f"gave shape {shape}: must be (6,)")

    def test_cost_a_process_one_pool_however_many_lie(self) -> None:
        prepared = small("devices.count=9", "devices.byzantine=[1,2,3,4]", attack={"kind": "ipm"})
        site, asked = local_site(prepared), []

        class Counting:
            def __getattr__(self, name: str) -> Any:
                return getattr(prepared.objective, name)

            def gradients(
                self, model: NDArray[np.float64], subsets: NDArray[np.intp]
            ) -> NDArray[np.float64]:
                asked.append(len(subsets))
                return prepared.objective.gradients(model, subsets)

        counting: Any = Counting()
        plan, hosted = first_plan(prepared), (2, 3)
        two = replace(site, devices=hosted, keys=site.keys[2:4], objective=counting)
        device_messages(two, plan.told(hosted), {})
        device_messages(replace(site, objective=counting), plan, {})

        # The own subsets of two devices, then all nine for their pool; the process of all
        # devices has computed those anyway.
        assert asked[0] <= 4
        assert asked[1:] == [9, 9]


class TestMemoriesOfAttacks:
    def plan(self, round: int) -> Plan:
        return plan_round(small(), State(round, np.zeros(6)))

    def test_are_given_back_in_the_next_round(self) -> None:
        diary = Diary(np.ones(6))
        site = spied_site(diary)
        memories: Memories = {}

        for round in range(3):
            _, memories = device_messages(site, self.plan(round), memories)

        assert [sorted(view.memory) for view in diary.seen] == [
            [],
            ["round 0"],
            ["round 0", "round 1"],
        ]

    def test_are_kept_in_every_round_of_a_device_that_may_lie(self) -> None:
        diary = Diary(np.ones(6))
        site = spied_site(diary, "devices.byzantine=2", "devices.redraw=true")
        memories: Any = {}

        for round in range(4):
            _, memories = device_messages(site, self.plan(round), memories)

        assert len(diary.seen) == 4 * 2
        for device in range(5):
            kept = memories[device].attack
            assert sorted(kept) == [f"round {round}" for round in range(4)]
            assert {int(array[0]) for array in kept.values()} == {device}

    def test_are_not_kept_of_a_device_that_never_lies(self) -> None:
        _, memories = device_messages(spied_site(Diary(np.ones(6))), self.plan(0), {})

        assert [len(memories[device].attack) for device in range(5)] == [0, 0, 0, 1, 0]

    def test_are_apart_from_the_estimators(self) -> None:
        site = replace(spied_site(Diary(np.ones(6))), estimator=Counter())

        _, memories = device_messages(site, self.plan(0), {})
        _, memories = device_messages(site, self.plan(1), memories)

        assert memories[3].estimator["sent"].tolist() == [2.0]
        assert sorted(memories[3].attack) == ["round 0", "round 1"]


class TestEstimatorsOfLiars:
    """What a liar says is what its estimator goes on from, as the server does."""

    def counted(self, answer: Any) -> list[float]:
        site = replace(spied_site(Spy(answer)), estimator=Counter())
        _, memories = device_messages(site, first_plan(small()), {})
        estimators = [memories[device].estimator for device in range(5)]
        return [float(memory["sent"][0]) if memory else 0.0 for memory in estimators]

    def test_see_what_was_sent_past_them(self) -> None:
        assert self.counted(Sparse(6, np.array([5]), np.ones(1, np.float32))) == [1.0] * 5

    def test_see_nothing_of_silence(self) -> None:
        assert self.counted(None) == [1.0, 1.0, 1.0, 0.0, 1.0]

    def test_bring_the_server_to_what_the_liar_wants(self) -> None:
        site = replace(spied_site(Spy(np.full(6, 4.0))), estimator=Ef21())
        memories: Memories = {}
        held: Memory = {}

        for round in range(3):
            plan = plan_round(small(), State(round, np.zeros(6)))
            plan = replace(plan, answered=(Answered(round),) * 5)
            payloads, memories = device_messages(site, plan, memories)
            payload = payloads[3]
            assert payload is not None
            sent = dense(payload)
            estimate, held = Ef21().receive(sent, held, Arrival())
            assert estimate.tolist() == [4.0] * 6

        assert sent.tolist() == [0.0] * 6  # it has it already

    def test_are_where_the_server_is_after_a_payload_of_the_liars_own(self) -> None:
        site = replace(spied_site(Spy(Dense(np.full(6, 4.0)))), estimator=Ef21())

        plan = replace(first_plan(small()), answered=(Answered(),) * 5)
        _, memories = device_messages(site, plan, {})

        assert memories[3].estimator["estimate"].tolist() == [4.0] * 6

    def test_show_what_they_would_have_the_server_hold(self) -> None:
        spy, model = Spy(np.ones(6)), np.arange(6.0)
        plan = replace(plan_round(small(), State(0, model)), answered=(Answered(),) * 5)

        for estimator in (Plain(), Ef21Sgdm(momentum=0.25)):
            device_messages(replace(spied_site(spy), estimator=estimator), plan, {})

        gradient, momentum = (view.honest for view in spy.seen)
        assert momentum.tolist() == (0.25 * gradient).tolist()


class TestSpies:
    """They know what everybody would send, also where that does not follow from the plan."""

    CHANGES: tuple[dict[str, Any], ...] = (
        {"estimator": {"kind": "ef21-sgdm"}},
        {"estimator": {"kind": "byz-vr-dm21"}},
        {"sampling": {"batch": 2}, "problem": LEAST_SQUARES},
        {"estimator": {"kind": "ef21-sgdm"}, "sampling": {"batch": 2}, "problem": LEAST_SQUARES},
    )

    def run(
        self, spy: Spy, hosted: Sequence[int], changes: dict[str, Any], liar: int = 3
    ) -> list[View]:
        """What a liar is shown in three rounds of a process of these devices."""
        identity = {"kind": "identity"}
        prepared = small(f"devices.byzantine=[{liar}]", compressor=identity, **changes)
        whole = replace(local_site(prepared), attack=spy)
        site = replace(whole, devices=tuple(hosted), keys=tuple(whole.keys[d] for d in hosted))
        memories: Memories = {}
        for round in range(3):
            answered = dict.fromkeys(range(5), Answered(round)) if round else {}
            model = np.full(prepared.objective.dimension, 0.1 * round)
            plan = plan_round(prepared, State(round, model, answered=answered))
            _, memories = device_messages(site, plan.told(hosted), memories)
        return spy.seen

    @pytest.mark.parametrize("changes", CHANGES)
    def test_know_the_same_wherever_devices_are(self, changes: dict[str, Any]) -> None:
        views = [self.run(Ear(None), hosted, changes) for hosted in ((3,), (3, 1), range(5))]

        for alone, two, everybody in zip(*views, strict=True):
            right = everybody.pool.vectors.tobytes()
            assert alone.pool.vectors.tobytes() == two.pool.vectors.tobytes() == right
            assert alone.pool.vectors[alone.task].tobytes() == alone.honest.tobytes()

    @pytest.mark.parametrize("changes", CHANGES)
    def test_know_what_is_true(self, changes: dict[str, Any]) -> None:
        truth = [self.run(Spy(None), (d,), changes, liar=d)[-1] for d in range(5)]

        heard = self.run(Ear(None), (3,), changes)[-1]

        for view in truth:
            assert heard.pool.vectors[view.task].tobytes() == view.honest.tobytes()

    @pytest.mark.parametrize("changes", CHANGES)
    def test_do_not_if_they_are_not_told_what_others_draw(self, changes: dict[str, Any]) -> None:
        listening, deaf = (self.run(spy, (3,), changes)[-1] for spy in (Ear(None), Spy(None)))

        means = Pool.of(deaf.objective, deaf.coding, deaf.model, deaf.permutation).vectors
        assert deaf.pool.vectors.tobytes() == means.tobytes()
        assert listening.pool.vectors.tobytes() != means.tobytes()


@pytest.mark.parametrize(
    ("changes", "spied"),
    [
        ({"attack": {"kind": "foe"}, "estimator": {"kind": "ef21"}}, True),
        ({"attack": {"kind": "foe"}, "sampling": {"batch": 2}, "problem": LEAST_SQUARES}, True),
        ({"attack": {"kind": "foe"}}, False),  # all follows from the plan
        ({"attack": {"kind": "sign-flip"}, "estimator": {"kind": "ef21"}}, False),
        (
            {
                "attack": {"kind": "foe"},
                "estimator": {"kind": "ef21"},
                "downlink": {"permutation": "own"},
            },
            False,
        ),
        ({"attack": {"command": ["./liar"]}, "estimator": {"kind": "ef21"}}, False),
    ],
)
def test_are_spied_on_if_a_liar_cannot_compute_what_it_goes_by(
    changes: dict[str, Any], spied: bool
) -> None:
    assert spied_on(small(**changes).experiment) == spied


@dataclass(frozen=True)
class Counter(Plain):
    """An estimator that counts what was sent."""

    footprint: ClassVar[Footprint] = Footprint(device=1)

    def settle(self, offered: Any, decoded: Any, memory: Memory) -> Memory:
        return {"sent": memory.get("sent", np.zeros(1)) + 1}
