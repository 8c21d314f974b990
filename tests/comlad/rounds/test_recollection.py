from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from samples import first_plan, small

from comlad.estimators import Memory, fingerprint
from comlad.experiment import Prepared
from comlad.rounds import (
    Answered,
    DeviceMemory,
    Memories,
    Plan,
    Recollection,
    Site,
    device_messages,
    initial_state,
    local_site,
    plan_round,
)

DEVICES = (3, 1)


def site_of(prepared: Prepared) -> Site:
    """The process of the two."""
    site = local_site(prepared)
    return replace(site, devices=DEVICES, keys=tuple(site.keys[device] for device in DEVICES))


PLAN = first_plan(small()).told(DEVICES)
FORGETFUL = site_of(small())
NOTHING = DeviceMemory({}, {})
SITE = site_of(small(estimator={"kind": "ef21"}))


def plan_of(round: int, answered: tuple[Answered, ...] | None = None) -> Plan:
    """What the process is told, with which answers have counted."""
    return replace(PLAN, round=round, answered=answered)


def vector(value: float, size: int = 1) -> Memory:
    return {"estimate": np.full(size, value)}


def told(after: int, memory: Memory) -> Answered:
    """That this answer was the last that counted, and that the server remembers this since."""
    held = fingerprint(memory, SITE.estimator.mirrored)
    assert held is not None
    return Answered(after, held)


def value_of(memory: Memory | None) -> float | None:
    """What is in such a memory."""
    return float(memory["estimate"][0]) if memory else None


class TestWithoutAnEstimatorsMemory:
    def memories(self, value: float, size: int = 1) -> Memories:
        return {3: DeviceMemory({}, vector(value, size))}

    def kept(self, recollection: Recollection, round: int) -> float | None:
        found, lost = recollection.before(plan_of(round), FORGETFUL)
        assert not lost
        return value_of(found[3].attack) if found else None

    def answered(self, rounds: int) -> Recollection:
        """A device that has answered rounds 0, 1, …, each with a memory of its number."""
        recollection = Recollection()
        for round in range(rounds):
            recollection.before(plan_of(round), FORGETFUL)
            recollection.keep(round, self.memories(round))
        return recollection

    def test_is_nothing_before_the_first_round(self) -> None:
        assert Recollection().before(plan_of(0), FORGETFUL) == ({}, ())
        assert self.answered(5).before(plan_of(0), FORGETFUL) == ({}, ())

    def test_is_what_the_answer_before_has_left(self) -> None:
        assert self.kept(self.answered(5), 5) == 4
        assert self.kept(self.answered(5), 90) == 4  # it missed those between

    def test_goes_back_with_a_server_that_was_killed(self) -> None:
        recollection = self.answered(9)

        assert self.kept(recollection, 4) == 3
        recollection.keep(4, self.memories(40))
        assert self.kept(recollection, 5) == 40

    def test_forgets_what_a_run_that_went_back_has_not_come_to(self) -> None:
        recollection = self.answered(9)
        recollection.before(plan_of(4), FORGETFUL)

        assert self.kept(recollection, 9) == 3

    def test_does_not_count_an_answer_that_was_not_sent(self) -> None:
        recollection = self.answered(5)

        recollection.before(plan_of(5), FORGETFUL)

        assert self.kept(recollection, 5) == 4

    def test_takes_no_more_than_its_room(self) -> None:
        recollection = Recollection(most_bytes=3 * 80)
        for round in range(10):
            recollection.keep(round, self.memories(round, size=10))

        assert self.kept(recollection, 10) == 9
        assert self.kept(recollection, 8) == 7
        assert self.kept(recollection, 7) is None

    def test_keeps_the_last_two_rounds_whatever_their_size(self) -> None:
        recollection = Recollection(most_bytes=1)
        for round in range(3):
            recollection.keep(round, self.memories(round))

        assert self.kept(recollection, 3) == 2
        assert self.kept(recollection, 2) == 1
        assert self.kept(recollection, 1) is None

    def test_takes_no_room_where_nothing_is_remembered(self) -> None:
        recollection = Recollection()
        for round in range(100):
            recollection.keep(round, {3: DeviceMemory({}, {})})

        assert not recollection._entries


class TestWithAnEstimatorsMemory:
    """Two devices remember of every answer 10 times its round, and 1 and 2 more."""

    def memories(self, round: int, size: int = 1) -> Memories:
        return {
            device: DeviceMemory(vector(10 * round + slot, size), vector(-round))
            for slot, device in enumerate(DEVICES, 1)
        }

    def answered(self, rounds: int, recollection: Recollection | None = None) -> Recollection:
        """Of a process whose answers all counted."""
        recollection = recollection or Recollection()
        for round in range(rounds):
            recollection.before(plan_of(round, self.told((round, round))), SITE)
            recollection.keep(round, self.memories(round))
        return recollection

    def told(self, answered: tuple[int, ...], size: int = 1) -> tuple[Answered, ...]:
        """That after these answers, the last that counted, the server remembers the same."""
        each = zip(DEVICES, answered, strict=True)
        return tuple(
            told(after, self.memories(after - 1, size)[device].estimator) if after else Answered()
            for device, after in each
        )

    def before(
        self, recollection: Recollection, round: int, answered: tuple[int | Answered, ...]
    ) -> tuple[list[float | None], tuple[int, ...]]:
        """What the estimators of the two go on from, and whose is lost."""
        afters = tuple(each if isinstance(each, int) else 0 for each in answered)
        each = zip(self.told(afters), answered, strict=True)
        plan = plan_of(round, tuple(a if isinstance(b, int) else b for a, b in each))
        memories, lost = recollection.before(plan, SITE)
        found = [memories.get(device, DeviceMemory({}, {})) for device in DEVICES]
        return [value_of(memory.estimator) for memory in found], lost

    def test_is_nothing_before_the_first_round(self) -> None:
        assert self.before(Recollection(), 0, (0, 0)) == ([None, None], ())

    def test_is_what_the_answer_before_has_left_if_that_counted(self) -> None:
        assert self.before(self.answered(5), 5, (5, 5)) == ([41, 42], ())
        assert self.before(self.answered(5), 90, (5, 5)) == ([41, 42], ())

    def test_goes_back_to_the_last_answer_that_counted(self) -> None:
        assert self.before(self.answered(5), 5, (3, 5)) == ([21, 42], ())
        assert self.before(self.answered(5), 5, (5, 1)) == ([41, 2], ())

    def test_goes_back_to_nothing_if_no_answer_counted(self) -> None:
        assert self.before(self.answered(5), 5, (0, 5)) == ([None, 42], ())

    def test_says_of_whom_it_does_not_know_what_counted(self) -> None:
        assert self.before(Recollection(), 7, (3, 0)) == ([None, None], (0,))
        assert self.before(Recollection(), 7, (3, 7)) == ([None, None], (0, 1))
        assert self.before(self.answered(5), 9, (5, 7)) == ([41, None], (1,))

    def test_does_not_know_what_there_was_no_room_for(self) -> None:
        recollection = self.answered(9, Recollection(most_bytes=3 * 32))

        assert self.before(recollection, 9, (7, 6)) == ([61, None], (1,))
        assert self.before(recollection, 9, (0, 9)) == ([None, 82], ())

    def test_keeps_the_last_two_rounds_whatever_their_size(self) -> None:
        recollection = self.answered(9, Recollection(most_bytes=1))

        assert self.before(recollection, 9, (9, 8)) == ([81, 72], ())
        assert self.before(recollection, 9, (7, 8)) == ([None, 72], (0,))

    def test_has_room_for_more_where_arrays_are_shared(self) -> None:
        recollection = Recollection(most_bytes=3 * 80)
        for round in range(9):
            shared = np.full(10, float(round))
            both = {d: DeviceMemory({"estimate": shared}, {"estimate": shared}) for d in DEVICES}
            recollection.keep(round, both)

        seventh, sixth = (told(after, vector(after - 1.0, 10)) for after in (7, 6))
        assert self.before(recollection, 9, (seventh, seventh)) == ([6, 6], ())
        assert self.before(recollection, 9, (sixth, sixth)) == ([None, None], (0, 1))

    def test_goes_back_with_a_server_that_was_killed(self) -> None:
        recollection = self.answered(9)

        assert self.before(recollection, 4, (4, 3)) == ([31, 22], ())
        recollection.keep(4, self.memories(40))
        again = tuple(told(5, vector(value)) for value in (401, 402))
        assert self.before(recollection, 5, again) == ([401, 402], ())

    def test_does_not_know_what_a_run_that_went_back_has_not_come_to(self) -> None:
        recollection = self.answered(9)
        recollection.before(plan_of(4, self.told((4, 4))), SITE)

        assert self.before(recollection, 9, (9, 4)) == ([None, 32], (0,))

    def test_goes_on_with_what_an_attack_has_learned_all_the_same(self) -> None:
        memories, _ = self.answered(5).before(plan_of(5, self.told((3, 0))), SITE)

        assert [value_of(memories[device].attack) for device in DEVICES] == [-4, -4]

    def test_leaves_what_it_keeps_as_it_is(self) -> None:
        recollection = self.answered(5)

        assert self.before(recollection, 5, (3, 0)) == ([21, None], ())
        assert self.before(recollection, 5, (5, 5)) == ([41, 42], ())


class TestAnotherProcess:
    """Was the device in the meantime: what the server holds is what that one has left."""

    def before(
        self, recollection: Recollection, round: int, *answered: Answered
    ) -> tuple[list[float | None], tuple[int, ...]]:
        memories, lost = recollection.before(plan_of(round, answered), SITE)
        return [value_of(memories.get(d, NOTHING).estimator) for d in DEVICES], lost

    def kept(self, rounds: int) -> Recollection:
        recollection = Recollection()
        for round in range(rounds):
            both = {device: DeviceMemory(vector(round), {}) for device in DEVICES}
            recollection.keep(round, both)
        return recollection

    def test_is_found_out_by_the_fingerprint(self) -> None:
        own, others = told(5, vector(4)), told(5, vector(40))

        assert self.before(self.kept(5), 5, own, others) == ([4, None], (1,))
        assert self.before(self.kept(5), 5, told(3, vector(2)), others) == ([2, None], (1,))

    def test_is_found_out_by_the_last_bit(self) -> None:
        others = told(5, vector(np.nextafter(4, 5)))

        assert self.before(self.kept(5), 5, others, others) == ([None, None], (0, 1))

    def test_is_not_where_both_have_left_the_same(self) -> None:
        same = told(5, vector(4))

        assert self.before(self.kept(5), 5, same, same) == ([4, 4], ())

    def test_is_where_the_memory_is_without_what_is_held(self) -> None:
        recollection = Recollection()
        recollection.keep(0, {3: DeviceMemory({"momentum": np.ones(1)}, {})})

        assert self.before(recollection, 1, Answered(1, 0), Answered()) == ([None, None], (0,))

    def test_leaves_what_is_restored_while_the_same_answer_is_the_last(self) -> None:
        recollection, others = self.kept(5), told(5, vector(40))
        recollection.restore(1, others, vector(40))

        for round in (5, 6, 20):
            assert self.before(recollection, round, told(5, vector(4)), others) == ([4, 40], ())
        for other in (told(5, vector(41)), told(6, vector(40)), told(4, vector(40))):
            assert self.before(recollection, 20, other, other) == ([None, None], (0, 1))

    def test_restores_the_one_device_alone(self) -> None:
        recollection, others = self.kept(5), told(5, vector(40))
        recollection.restore(1, others, vector(40))

        assert self.before(recollection, 5, others, others) == ([None, 40], (0,))

    def test_is_restored_no_more_once_an_answer_of_its_own_has_counted(self) -> None:
        recollection, others = self.kept(5), told(5, vector(40))
        recollection.restore(1, others, vector(40))
        self.before(recollection, 5, others, others)
        recollection.keep(5, {device: DeviceMemory(vector(50), {}) for device in DEVICES})
        counted = told(6, vector(50))

        assert self.before(recollection, 6, counted, counted) == ([50, 50], ())
        assert self.before(recollection, 7, others, others) == ([None, None], (0, 1))


class TestHowMuchIsKept:
    """However long a run is, and whichever of its answers count."""

    def memories(self, round: int, size: int = 1) -> Memories:
        return {device: DeviceMemory(vector(round, size), {}) for device in DEVICES}

    def answer(
        self, recollection: Recollection, round: int, after: int, size: int = 1
    ) -> tuple[int, ...]:
        """Answer a round, where that was the last answer that counted; gives who was lost."""
        last = told(after, vector(after - 1, size)) if after else Answered()
        _, lost = recollection.before(plan_of(round, (last, last)), SITE)
        recollection.keep(round, self.memories(round, size))
        return lost

    @pytest.mark.parametrize("counts", [1, 7, 10**5])
    def test_stays_within_its_bounds(self, counts: int) -> None:
        recollection, after, most = Recollection(most_bytes=2**12, most_rounds=50), 0, 0

        for round in range(10_000):
            assert not self.answer(recollection, round, after)
            most = max(most, len(recollection._entries))
            if round % counts == 0:
                after = round + 1

        assert recollection._bytes == 16 * len(recollection._entries)
        assert most <= 50

    def test_is_bounded_by_what_it_takes_as_well(self) -> None:
        recollection = Recollection(most_bytes=2**12, most_rounds=10**5)

        for round in range(10_000):
            assert not self.answer(recollection, round, round)
            assert recollection._bytes <= 2**12

        assert recollection._bytes == 16 * len(recollection._entries) == 2**12

    def test_is_no_more_than_512_rounds_and_64_mib(self) -> None:
        recollection = Recollection()
        for round in range(1000):
            self.answer(recollection, round, round)
        assert len(recollection._entries) == 512

        large = Recollection()
        for round in range(20):
            self.answer(large, round, round, size=2**19)
        assert large._bytes == 2**26 == 8 * len(large._entries) * 2 * 2**19

    @pytest.mark.parametrize("most_bytes", [1, 33, 2**20])
    def test_is_the_answer_that_counts_however_many_are_in_vain(self, most_bytes: int) -> None:
        recollection = Recollection(most_bytes)
        for round in range(5):
            self.answer(recollection, round, round)

        for round in range(5, 10_000):
            assert self.answer(recollection, round, 5) == ()
            assert len(recollection._entries) <= 7

    def test_is_the_answer_that_counts_until_a_later_one_does(self) -> None:
        recollection = Recollection(most_bytes=1)
        for round in range(100):
            assert self.answer(recollection, round, 0 if round < 10 else 10) == ()

        assert self.answer(recollection, 100, 100) == ()
        assert self.answer(recollection, 101, 10) == (0, 1)

    def test_is_looked_at_where_it_is_wanted_alone(self) -> None:
        recollection, seen = Recollection(), Watched()
        for round in range(500):
            self.answer(recollection, round, round)
        seen.update(recollection._entries)
        recollection._entries = seen

        self.answer(recollection, 500, 500)

        assert len(seen) > 500
        assert seen.count < 20


class Watched(dict[int, Any]):
    """Counts how often an entry is looked at."""

    count = 0

    def get(self, key: int, default: Any = None) -> Any:
        self.count += 1
        return super().get(key, default)

    def __getitem__(self, key: int) -> Any:
        self.count += 1
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[int]:
        for key in super().__iter__():
            self.count += 1
            yield key

    def __reversed__(self) -> Iterator[int]:
        for key in super().__reversed__():
            self.count += 1
            yield key


class TestShadows:
    def before(self, held: DeviceMemory, answered: int) -> DeviceMemory:
        recollection = Recollection()
        recollection.keep(0, {3: DeviceMemory(vector(0), {})})
        recollection.keep(1, {3: held})
        left = vector(0) if answered == 1 else held.estimator
        counted = told(answered, left) if answered else Answered()
        memories, _ = recollection.before(plan_of(2, (counted, Answered())), SITE)
        return memories[3]

    def test_are_what_the_device_remembers_while_its_answers_count(self) -> None:
        assert self.before(DeviceMemory(vector(1), {}), 2).shadow is None

    @pytest.mark.parametrize("answered", [0, 1])
    def test_go_on_from_an_answer_that_did_not_count(self, answered: int) -> None:
        found = self.before(DeviceMemory(vector(1), {}), answered)

        assert value_of(found.shadow) == 1
        assert value_of(found.estimator) == (0 if answered else None)

    def test_go_on_from_those_before_once_they_are_apart(self) -> None:
        held = DeviceMemory(vector(1), {}, vector(7))

        assert value_of(self.before(held, 1).shadow) == 7
        assert value_of(self.before(held, 2).shadow) == 7

    def test_are_kept_of_devices_elsewhere(self) -> None:
        recollection, elsewhere = Recollection(), DeviceMemory({}, {}, vector(7))
        recollection.keep(0, {3: DeviceMemory(vector(0), {}), 4: elsewhere})

        plan = plan_of(1, (told(1, vector(0)), Answered()))
        memories, lost = recollection.before(plan, SITE)

        assert memories[4] is elsewhere
        assert not lost


@pytest.mark.parametrize(
    "changes",
    [
        {"attack": {"kind": "replay", "delay": 2}},
        {"attack": {"kind": "mimic"}},
        {"estimator": {"kind": "ef21-sgdm"}, "compressor": {"kind": "top-k", "keep": 2}},
        {"estimator": {"kind": "byz-dasha-page", "probability": 0.3}},
    ],
)
def test_gives_the_same_answers_again(changes: dict[str, Any]) -> None:
    prepared = small("rounds=10", **changes)
    site, recollection, state = local_site(prepared), Recollection(), initial_state(prepared)
    sent: dict[int, list[bytes]] = {}
    counted: dict[int, dict[int, Answered]] = {0: {}}
    for round in (0, 1, 2, 3, 4, 2, 3, 4, 5):
        model = np.full(6, 0.1 * round)
        at_round = replace(state, round=round, model=model, answered=counted[round])
        plan = plan_round(prepared, at_round)
        memories, lost = recollection.before(plan, site)
        assert not lost
        payloads, new = device_messages(site, plan, memories)
        recollection.keep(round, new)
        left = {device: new[device].estimator if device in new else {} for device in range(5)}
        held = {device: fingerprint(left[device], site.estimator.mirrored) for device in left}
        counted[round + 1] = {device: Answered(round + 1, held[device] or 0) for device in held}
        vectors = [payload.floats().tobytes() for payload in payloads if payload]
        assert sent.setdefault(round, vectors) == vectors
