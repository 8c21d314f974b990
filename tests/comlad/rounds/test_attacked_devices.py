"""What attacks are shown by the devices that lie, and what becomes of their answers."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import dense, first_plan, permutation_of, small

from comlad.attacks import View
from comlad.coding import Cyclic
from comlad.compression import Identity, Sparse
from comlad.errors import ConfigError
from comlad.estimators import Memory
from comlad.rounds import (
    Memories,
    Plan,
    Site,
    State,
    device_messages,
    local_site,
    plan_round,
)


@dataclass(frozen=True)
class Spy:
    """Keeps what it was shown, and sends what it was told to."""

    answer: Any
    seen: list[View] = field(default_factory=list)

    def __call__(self, view: View) -> Any:
        self.seen.append(view)
        return self.answer


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

        assert memories[3].estimator == {"sent": 2}
        assert sorted(memories[3].attack) == ["round 0", "round 1"]

    @pytest.mark.parametrize("answer", [None, Sparse(6, np.array([5]), np.ones(1, np.float32))])
    def test_leave_the_estimators_as_it_is_where_it_is_passed_by(self, answer: Any) -> None:
        site = replace(spied_site(Spy(answer)), estimator=Counter())

        _, memories = device_messages(site, self.plan(0), {})

        assert [memories[device].estimator for device in range(5)] == [
            {} if device == 3 else {"sent": 1} for device in range(5)
        ]


class Counter:
    """An estimator that counts what it sent."""

    def send(self, vector: NDArray[np.float64], memory: Any) -> Any:
        return vector, {"sent": memory.get("sent", 0) + 1}

    def receive(self, vector: NDArray[np.float64], memory: Memory) -> Any:
        return vector, memory
