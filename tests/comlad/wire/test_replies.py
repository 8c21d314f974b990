import tracemalloc

import numpy as np
import pytest
from samples import GOOD, fresh_rng, open_inbox, small

from comlad.compression import Dense
from comlad.v1 import training_pb2 as pb
from comlad.wire import encode_reply, reply_messages


def test_have_no_part_of_a_silent_device() -> None:
    _, plan, _ = open_inbox(small())

    request = pb.TrainRequest.FromString(encode_reply(plan, [None, GOOD, None, GOOD]))

    assert [part.slot for part in request.reply.parts] == [1, 3]


def test_leave_the_silent_missing_and_count_the_others() -> None:
    inbox, plan, _ = open_inbox(small())

    verdicts = inbox.receive((4, 0, 2), encode_reply(plan, [None, GOOD, None]))

    assert verdicts == []
    assert inbox.missing() == [1, 2, 3, 4]
    assert not inbox.refused


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_are_the_same_message_whatever_the_size_of_their_parts(dtype: str) -> None:
    # From some size on parts are not copied into a message but sent as they lie in memory.
    values = fresh_rng().normal(0, 1, 200_000).astype(dtype)
    _, plan, _ = open_inbox(small())

    data = encode_reply(plan, [None, Dense(values), Dense(values[:3]), Dense(values[::-1])])

    expected = pb.TrainRequest()
    expected.reply.round, expected.reply.plan = plan.round, plan.number
    for slot, each in ((2, values[:3]), (1, values), (3, values[::-1])):
        part = expected.reply.parts.add(slot=slot)
        setattr(part.dense, dtype, each.tobytes())
    assert pb.TrainRequest.FromString(data) == expected


def test_are_written_without_a_copy_of_large_vectors() -> None:
    payload = Dense(np.zeros(10**6))
    _, plan, _ = open_inbox(small())
    tracemalloc.start()
    try:
        for _ in reply_messages(plan, [payload]):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 8e6 / 4
