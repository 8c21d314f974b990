"""What a stream may say beyond one good answer: again, for several devices, without end."""

import numpy as np
from samples import GOOD, answers, dense, open_inbox, refuse, small

from comlad.compression import Dense, Sparse
from comlad.errors import Status
from comlad.v1 import training_pb2 as pb
from comlad.wire import encode_reply, reply_bound

EXISTS, TOO_LARGE = Status.ALREADY_EXISTS, Status.RESOURCE_EXHAUSTED


class TestASecondReply:
    OTHER = Sparse(6, np.arange(4), np.full(4, 9, np.float32))

    def test_is_refused(self) -> None:
        inbox, plan, _ = open_inbox(small())
        inbox.receive((2,), encode_reply(plan, [GOOD]))

        verdict, refusal = refuse(inbox, (2,), encode_reply(plan, [self.OTHER]))

        assert verdict.reason == "a second reply of device 2: the first one stands"
        assert refusal.status == EXISTS
        assert inbox.stray == [(2, verdict.reason)]
        assert dense(inbox.votes[2]).tobytes() == dense(GOOD).tobytes()

    def test_is_refused_in_the_same_message(self) -> None:
        inbox, plan, _ = open_inbox(small())
        request = pb.TrainRequest.FromString(encode_reply(plan, [GOOD, self.OTHER]))
        request.reply.parts[1].slot = 0

        _, refusal = refuse(inbox, (2,), request.SerializeToString())

        assert refusal.status == EXISTS
        assert dense(inbox.votes[2]).tobytes() == dense(GOOD).tobytes()


class TestAProcessOfSeveralDevices:
    def test_loses_the_votes_of_bad_parts_only(self) -> None:
        inbox, plan, _ = open_inbox(small())
        bad = Sparse(6, GOOD.indices, np.full(4, np.nan, np.float32))

        verdict, refusal = refuse(inbox, (4, 1, 3), encode_reply(plan, [GOOD, bad, GOOD]))

        assert sorted(inbox.votes) == [3, 4]
        assert list(inbox.refused) == [1]
        assert (verdict.device, refusal.slot) == (1, 1)

    def test_loses_all_of_them_with_a_message_that_cannot_be_read(self) -> None:
        inbox, _, _ = open_inbox(small())

        verdict, refusal = refuse(inbox, (4, 1, 3), b"\xff")

        assert sorted(inbox.refused) == [1, 3, 4]
        assert verdict.device == 4
        assert not refusal.HasField("slot")

    def test_speaks_for_no_one_else(self) -> None:
        inbox, plan, _ = open_inbox(small())

        refuse(inbox, (4, 1), encode_reply(plan, [GOOD, GOOD, GOOD]))

        assert sorted(inbox.votes) == [1, 4]

    def test_may_say_more_than_one_device(self) -> None:
        prepared = small()
        inbox, plan, _ = open_inbox(prepared)
        data = encode_reply(plan, answers(prepared, plan))
        assert reply_bound(prepared, 1) < len(data)

        _, refusal = refuse(inbox, (2,), data)
        assert inbox.receive((0, 1, 3, 4), encode_reply(plan, [GOOD] * 4)) == []

        assert refusal.status == TOO_LARGE


class TestAFlood:
    def test_is_noticed(self) -> None:
        inbox, plan, _ = open_inbox(small())

        for _ in range(8):
            inbox.receive((2,), encode_reply(plan, []))
        assert not inbox.exhausted((2,))
        inbox.receive((2,), encode_reply(plan, []))

        assert inbox.exhausted((2,))
        assert not inbox.exhausted((3,))

    def test_in_one_message_is_not_answered_part_by_part(self) -> None:
        large = {"kind": "linear-regression", "dimension": 30_000}
        inbox, plan, counted = open_inbox(small(problem=large, compressor={"kind": "identity"}))
        reply = pb.Reply(round=plan.round, plan=plan.number, parts=[pb.DevicePart()] * 50_000)
        data = pb.TrainRequest(reply=reply).SerializeToString()

        verdicts = inbox.receive((2,), data)

        assert len(verdicts) < 20
        assert len(inbox.stray) < 20
        assert counted.totals()["up"]["message"] == len(data)

    def test_of_all_devices_of_a_process_at_once_is_none(self) -> None:
        inbox, plan, _ = open_inbox(small("devices.count=100", "devices.byzantine=0"))

        verdicts = inbox.receive(tuple(range(100)), encode_reply(plan, [Dense(np.zeros(2))] * 100))

        assert len(verdicts) == 100
        assert not inbox.exhausted(tuple(range(100)))
