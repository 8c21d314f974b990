"""The model on its way down: whole, rounded, or what has changed."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from samples import first_plan, fresh_rng, repeatable, small

from comlad.coding import Cyclic
from comlad.errors import MessageError
from comlad.experiment import Downlink
from comlad.rounds import ByteCount, Direction, Layer, Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire import Broadcast, decode_round

Floats = Literal["float64", "float32"]
DELTA = Downlink(delta=True)


def plan_with(model: NDArray[np.float64], number: int) -> Plan:
    return replace(first_plan(small()), model=model, number=number)


def heard(data: bytes, dimension: int, base: Plan | None = None) -> Plan:
    """What a process of devices 4 and 1 makes of a message."""
    return decode_round(
        pb.TrainResponse.FromString(data).round,
        devices=2,
        device_count=5,
        dimension=dimension,
        coding=Cyclic(2),
        base=base,
    )


def kind_of(data: bytes) -> str | None:
    return pb.TrainResponse.FromString(data).round.WhichOneof("model")


def step(model: NDArray[np.float64], places: list[int]) -> NDArray[np.float64]:
    """The same model with other numbers in some places."""
    changed = model.copy()
    changed[places] += 1.0
    return changed


BEFORE = fresh_rng().normal(0, 1, 1000).astype(np.float32).astype(np.float64)
AFTER = step(BEFORE, [0, 7, 300, 999])


@repeatable
@example(places=list(range(193)), floats="float32", value=1.0)  # fewer values, more bytes
@given(
    st.sets(st.integers(0, 199)).map(sorted),
    st.sampled_from(["float64", "float32"]),
    st.sampled_from([0.0, -0.0, 1.0, -1.5, 2.0**-126]),
)
def test_a_change_gives_the_model_bit_for_bit(
    places: list[int], floats: Floats, value: float
) -> None:
    before = BEFORE[:200]
    after = before.copy()
    after[places] = value
    downlink = Downlink(floats, delta=True)
    broadcast = Broadcast(plan_with(after, 2), downlink, plan_with(before, 1))

    data = broadcast.message([4, 1], told=1)

    assert heard(data, 200, plan_with(before, 1)).model.tobytes() == after.tobytes()
    assert len(data) <= len(broadcast.message([4, 1]))


def test_only_zeros_of_another_sign_are_a_change() -> None:
    before, after = np.zeros(1000), np.zeros(1000)
    after[3] = -0.0
    broadcast = Broadcast(plan_with(after, 2), DELTA, plan_with(before, 1))

    model = heard(broadcast.message([4, 1], told=1), 1000, plan_with(before, 1)).model

    assert np.signbit(model).sum() == 1


@pytest.mark.parametrize("told", [None, 0, 2])
def test_who_was_told_another_model_is_told_the_whole(told: int | None) -> None:
    broadcast = Broadcast(plan_with(AFTER, 2), DELTA, plan_with(BEFORE, 1))

    data = broadcast.message([4, 1], told)

    assert kind_of(data) == "model_float64"
    assert heard(data, 1000).model.tobytes() == AFTER.tobytes()


@pytest.mark.parametrize(
    ("downlink", "base", "model"),
    [
        (Downlink(), plan_with(BEFORE, 1), AFTER),  # nobody asked for it
        (DELTA, None, AFTER),  # the first round
        (DELTA, plan_with(BEFORE, 1), BEFORE + 1),  # all has changed
    ],
)
def test_the_whole_is_told_where_a_change_is_no_gain(
    downlink: Downlink, base: Plan | None, model: NDArray[np.float64]
) -> None:
    broadcast = Broadcast(plan_with(model, 2), downlink, base)

    assert kind_of(broadcast.message([4, 1], told=1)) == "model_float64"


def test_a_model_that_is_told_as_float32_takes_half() -> None:
    wide = Broadcast(plan_with(BEFORE, 1), Downlink())
    narrow = Broadcast(plan_with(BEFORE, 1), Downlink("float32"))

    assert len(wide.message([4, 1])) - len(narrow.message([4, 1])) == 4000
    assert heard(narrow.message([4, 1]), 1000).model.tobytes() == BEFORE.tobytes()


@pytest.mark.parametrize("told", [None, 1])
def test_bytes_are_those_of_the_message_that_was_sent(told: int | None) -> None:
    broadcast = Broadcast(plan_with(AFTER, 2), DELTA, plan_with(BEFORE, 1))
    counted = ByteCount(5)

    broadcast.charge(counted, (4, 1), told)

    data = broadcast.message((4, 1), told)
    assert counted.total(Direction.DOWN, Layer.MESSAGE) == len(data)
    # Four changes of 8 bytes and where they are, or all of it; and p, 5 bytes.
    changed = pb.TrainResponse.FromString(data).round.model_change.changed
    where = len(changed.gaps) + len(changed.rice)
    payload = 4 * 8 + where if told else 8000
    assert counted.total(Direction.DOWN, Layer.PAYLOAD) == payload + 5
    assert where == 0 or 4 <= where <= 6


class TestRefuses:
    def refusal(self, change: Any, base: Plan | None = None) -> str:
        broadcast = Broadcast(plan_with(AFTER, 2), DELTA, plan_with(BEFORE, 1))
        response = pb.TrainResponse.FromString(broadcast.message([4, 1], told=1))
        change(response.round)
        with pytest.raises(MessageError) as caught:
            heard(response.SerializeToString(), 1000, base)
        return str(caught.value)

    def test_a_change_of_a_model_that_it_does_not_have(self) -> None:
        for base in (None, plan_with(BEFORE, 3)):
            message = self.refusal(lambda round: None, base)
            assert message == "a change of the model of plan 1: that is not known here"

    def test_a_change_past_the_end(self) -> None:
        def change(round: pb.Round) -> None:
            round.model_change.changed.dimension = 4

        message = self.refusal(change, plan_with(BEFORE, 1))
        assert message == "a vector of dimension 4: must be 1000"

    def test_a_change_that_is_not_finite(self) -> None:
        def change(round: pb.Round) -> None:
            round.model_change.changed.float64 = np.full(4, np.nan).tobytes()

        message = self.refusal(change, plan_with(BEFORE, 1))
        assert message == "nan as value 0: must be finite"

    @pytest.mark.parametrize("size", [0, 3996, 8000])
    def test_a_float32_model_of_another_length(self, size: int) -> None:
        message = self.refusal(lambda round: setattr(round, "model_float32", bytes(size)))

        assert message == f"a model of {size} bytes: must be 4000"

    def test_a_round_without_a_model(self) -> None:
        message = self.refusal(lambda round: round.ClearField("model_change"))

        assert message == "a model of 0 bytes: must be 8000"
