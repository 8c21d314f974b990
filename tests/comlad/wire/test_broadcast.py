import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import first_plan, fresh_rng, permutation_of, repeatable, small

from comlad.coding import Cyclic
from comlad.errors import MessageError
from comlad.experiment import Downlink
from comlad.rounds import Answered, ByteCount, Direction, Layer, Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire import Broadcast, broadcast_bound, decode_round

DOWN = Direction.DOWN


def plan_of(
    count: int, dimension: int, round: int = 3, number: int = 2**32 - 1, key: bytes = b""
) -> Plan:
    rng = fresh_rng()
    return Plan(
        round=round,
        number=number,
        model=rng.normal(0, 1, dimension),
        permutation=rng.permutation(count),
        tasks=rng.permutation(count),
        common_key=key,
    )


def told(plan: Plan, devices: list[int]) -> pb.Round:
    return pb.TrainResponse.FromString(Broadcast(plan, Downlink()).message(devices)).round


def heard(round: pb.Round, count: int, dimension: int, **expected: Any) -> Plan:
    """What a process of one device, or as many as are said, makes of it."""
    return decode_round(
        round,
        **{
            "devices": 1,
            "device_count": count,
            "dimension": dimension,
            "coding": Cyclic(min(2, count)),
            **expected,
        },
    )


def refusal(change: Any, **expected: Any) -> str:
    round = told(first_plan(small()), [4, 1])
    change(round)
    with pytest.raises(MessageError) as caught:
        heard(round, 5, 6, **{"devices": 2, **expected})
    return str(caught.value)


@repeatable
@given(
    st.sampled_from([1, 2, 255, 256, 257, 65_536, 65_537]),
    st.integers(0, 40),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.data(),
)
def test_tells_each_process_its_plan(
    count: int, dimension: int, round: int, number: int, data: st.DataObject
) -> None:
    plan = plan_of(count, dimension, round, number)
    devices = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=9, unique=True))

    arrived = heard(told(plan, devices), count, dimension, devices=len(devices))

    assert (arrived.round, arrived.number) == (round, number)
    assert arrived.model.tobytes() == plan.model.tobytes()
    assert permutation_of(arrived).tolist() == permutation_of(plan).tolist()
    assert arrived.tasks.tolist() == plan.tasks[devices].tolist()


def test_is_one_message_of_shared_and_own_bytes() -> None:
    broadcast = Broadcast(plan_of(300, 10), Downlink())

    one, two = broadcast.message([7]), broadcast.message([5, 200])

    shared = pb.TrainResponse.FromString(one)
    shared.round.ClearField("tasks")
    length = len(shared.SerializeToString())
    assert one[:length] == two[:length]
    assert len(one) < length + 10


@pytest.mark.parametrize(("count", "width"), [(1, 1), (256, 1), (257, 2), (65_536, 2), (65_537, 4)])
def test_gives_an_index_as_few_bytes_as_hold_it(count: int, width: int) -> None:
    assert len(told(plan_of(count, 1), [0]).permutation) == count * width


def test_tells_all_the_same_key_where_there_is_one() -> None:
    plan = plan_of(5, 6, key=bytes(range(16)))

    for devices in ([4, 1], [0]):
        arrived = heard(told(plan, devices), 5, 6, devices=len(devices), scope="round")
        assert arrived.common_key == plan.common_key
    assert heard(told(plan_of(5, 6), [0]), 5, 6).common_key == b""


def test_sends_a_model_whichever_way_it_lay_in_memory() -> None:
    model = np.arange(12.0)[::2].astype(">f8")
    plan = Plan(0, 0, model, np.arange(1), np.arange(1))

    assert heard(told(plan, [0]), 1, 6).model.tolist() == [0, 2, 4, 6, 8, 10]


class TestWhatHasCounted:
    """What devices with a memory are told of their answers."""

    ANSWERED = Answered(), Answered(1, 2**32 - 1), Answered(127, 1), Answered(300), Answered(128, 7)
    PLAN = replace(plan_of(5, 6, round=300), answered=ANSWERED, full=True)

    @pytest.mark.parametrize("devices", [(0,), (4, 1), (3, 0, 2)])
    def test_is_told_for_each_slot(self, devices: tuple[int, ...]) -> None:
        arrived = heard(told(self.PLAN, [*devices]), 5, 6, devices=len(devices), remembers=True)

        assert arrived.answered == self.PLAN.told(devices).answered
        assert arrived.full

    @pytest.mark.parametrize("full", [False, True])
    def test_comes_with_whether_all_samples_are_asked_for(self, full: bool) -> None:
        plan = replace(self.PLAN, full=full)

        assert heard(told(plan, [2]), 5, 6, remembers=True).full == full

    @pytest.mark.parametrize("answered", [[], [0], [0, 1, 1], [301, 0], [0, 2**32 - 1]])
    def test_must_be_a_round_for_each_device_that_has_been(self, answered: list[int]) -> None:
        round = told(self.PLAN, [4, 1])
        round.answered[:] = answered

        with pytest.raises(MessageError) as caught:
            heard(round, 5, 6, devices=2, remembers=True)

        assert str(caught.value) == f"answered {answered}: must be 2 numbers of at most 300"

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_must_be_a_fingerprint_for_each_device(self, count: int) -> None:
        round = told(self.PLAN, [4, 1])
        round.held[:] = [7] * count

        with pytest.raises(MessageError) as caught:
            heard(round, 5, 6, devices=2, remembers=True)

        assert str(caught.value) == f"{count} fingerprints of what is held: must be 2"

    def test_is_refused_in_few_words_however_much_it_is(self) -> None:
        round = told(self.PLAN, [0])
        round.answered[:] = [1] * 10**5

        with pytest.raises(MessageError, match=r"^answered \[1, 1, ") as caught:
            heard(round, 5, 6, remembers=True)

        assert len(str(caught.value)) < 200

    def test_is_left_out_where_nothing_is_remembered(self) -> None:
        prepared = small()

        round = told(first_plan(prepared), [4, 1])

        fields = {field.name for field, _ in round.ListFields()}
        assert fields == {"plan", "tasks", "permutation", "model_float64"}
        assert heard(round, 5, 6, devices=2).answered is None

    @pytest.mark.parametrize(
        ("downlink", "digest"),
        [
            ({}, "1386b82e9b9c603a905cb5757bfcddcc9952dfe853859f7e2694062bd7ee1759"),
            (
                {"permutation": "own", "model": "float32"},
                "7838502ea38629d3aa0a78aa1dd94daa46a80c250c83548186c26f00bcdaffe9",
            ),
        ],
    )
    def test_changes_no_byte_where_nothing_is_remembered(
        self, downlink: dict[str, Any], digest: str
    ) -> None:
        """Recorded before there were estimators with a memory."""
        prepared = small(downlink=downlink)

        message = Broadcast(first_plan(prepared), prepared.experiment.downlink).message((4, 1))

        assert hashlib.sha256(message).hexdigest() == digest


class TestBytes:
    @pytest.mark.parametrize("devices", [(3,), (0,), (3, 1), (0, 129, 256, 299)])
    def test_are_those_of_the_message(self, devices: tuple[int, ...]) -> None:
        broadcast, counted = Broadcast(plan_of(300, 10), Downlink()), ByteCount(300)

        broadcast.charge(counted, devices)

        size = len(broadcast.message(devices))
        assert counted.total(DOWN, Layer.MESSAGE) == size
        assert counted.total(DOWN, Layer.PAYLOAD) == 10 * 8 + 300 * 2

    def test_of_a_common_key_are_shared(self) -> None:
        broadcast, counted = Broadcast(plan_of(300, 10, key=bytes(16)), Downlink()), ByteCount(300)

        broadcast.charge(counted, (3, 1))

        assert counted.by_stream()[0]["down"]["payload"] == 10 * 8 + 300 * 2 + 16
        assert counted.total(DOWN, Layer.MESSAGE) == len(broadcast.message((3, 1)))

    def test_of_a_single_device_are_all_its_own(self) -> None:
        broadcast, counted = Broadcast(plan_of(300, 10), Downlink()), ByteCount(300)

        broadcast.charge(counted, (3,))

        assert counted.by_device()["down"]["message"][3] == len(broadcast.message([3]))
        assert counted.by_device()["down"]["payload"][3] == 680
        assert counted.by_stream() == []

    def test_of_several_devices_are_shared_but_for_their_tasks(self) -> None:
        plan = plan_of(20_000, 10)
        devices = tuple(int(np.flatnonzero(plan.tasks == task)[0]) for task in (0, 127, 128, 16384))
        broadcast, counted = Broadcast(plan, Downlink()), ByteCount(20_000)

        broadcast.charge(counted, devices)

        own = counted.by_device()["down"]["message"]
        assert [own[device] for device in devices] == [1, 1, 2, 3]
        shared = len(broadcast.message(devices)) - 7
        assert counted.by_stream()[0]["down"] == {"payload": 80 + 40_000, "message": shared}

    def test_of_several_devices_are_shared_but_for_what_has_counted(self) -> None:
        rounds = [0, 1, 127, 128, 16383, 16384, 2**21, 2**28]
        plan = replace(plan_of(8, 10, round=2**28), tasks=np.arange(8))
        plan = replace(plan, answered=tuple(Answered(round, 2**31) for round in rounds))
        broadcast, counted = Broadcast(plan, Downlink()), ByteCount(8)

        broadcast.charge(counted, tuple(range(8)))

        # One byte of each is its task, and four are the fingerprint.
        own = counted.by_device()["down"]["message"]
        assert [size - 5 for size in own] == [1, 1, 1, 2, 2, 3, 4, 5]
        size = len(broadcast.message(range(8)))
        assert counted.total(DOWN, Layer.MESSAGE) == size
        assert counted.by_stream()[0]["down"]["message"] == size - sum(own)

    def test_of_a_single_device_include_what_has_counted(self) -> None:
        plan = replace(plan_of(8, 10), answered=(Answered(2),) * 8)
        broadcast, counted = Broadcast(plan, Downlink()), ByteCount(8)

        broadcast.charge(counted, (3,))

        assert counted.by_device()["down"]["message"][3] == len(broadcast.message([3]))
        assert counted.by_device()["down"]["payload"][3] == 10 * 8 + 8

    @pytest.mark.parametrize("devices", [1, 7, 300])
    def test_are_no_more_than_a_process_takes(self, devices: int) -> None:
        plan = replace(
            plan_of(300, 10, round=2**32 - 1),
            answered=(Answered(2**32 - 1, 2**32 - 1),) * 300,
            mask_keys=(bytes(16),) * 300,
            full=True,
        )

        size = len(Broadcast(plan, Downlink()).message(range(devices)))

        assert size <= broadcast_bound(10, 300, devices)


class TestRefuses:
    @pytest.mark.parametrize("size", [0, 40, 47, 49, 56])
    def test_a_model_of_another_dimension(self, size: int) -> None:
        message = refusal(lambda round: setattr(round, "model_float64", bytes(size)))

        assert message == f"a model of {size} bytes: must be 48"

    @pytest.mark.parametrize("permutation", [b"", b"\0\1\2\3", b"\0\1\2\3\4\5"])
    def test_a_permutation_of_another_length(self, permutation: bytes) -> None:
        message = refusal(lambda round: setattr(round, "permutation", permutation))

        assert message == f"a permutation of {len(permutation)} bytes: must be 5"

    @pytest.mark.parametrize("permutation", [b"\0\1\2\3\3", b"\0\1\2\3\5", b"\0\1\2\3\xff"])
    def test_a_permutation_that_is_none(self, permutation: bytes) -> None:
        message = refusal(lambda round: setattr(round, "permutation", permutation))

        assert message == "a permutation that leaves out a subset: must hold each once"

    def test_a_huge_index_before_it_costs_memory(self) -> None:
        round = told(plan_of(65_537, 1), [0])
        round.permutation = round.permutation[:-4] + b"\xff\xff\xff\xff"

        with pytest.raises(MessageError, match=r"^a permutation that leaves out a subset"):
            heard(round, 65_537, 1)

    @pytest.mark.parametrize("key", [bytes(1), bytes(15), bytes(16)])
    def test_a_common_key_where_there_is_none(self, key: bytes) -> None:
        message = refusal(lambda round: setattr(round, "common_key", key))

        assert message == f"a common key of {len(key)} bytes: must be 0"

    @pytest.mark.parametrize("key", [b"", bytes(15), bytes(17)])
    def test_a_key_of_another_length_where_there_is_one(self, key: bytes) -> None:
        round = told(plan_of(5, 6, key=key), [0])

        with pytest.raises(MessageError, match=rf"^a common key of {len(key)} bytes: must be 16$"):
            heard(round, 5, 6, scope="round")

    @pytest.mark.parametrize("tasks", [[], [1], [1, 2, 3], [1, 5], [2**32 - 1, 0]])
    def test_tasks_that_are_not_for_these_devices(self, tasks: list[int]) -> None:
        def change(round: pb.Round) -> None:
            del round.tasks[:]
            round.tasks.extend(tasks)

        assert refusal(change) == f"tasks {tasks}: must be 2, each below 5"
