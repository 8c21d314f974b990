from samples import GOOD, open_inbox, small

from comlad.v1 import training_pb2 as pb
from comlad.wire import encode_reply


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
