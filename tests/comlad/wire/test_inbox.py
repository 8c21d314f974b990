"""Answers that count, and what they are charged."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from samples import GOOD, answers, dense, first_plan, open_inbox, refuse, small

from comlad.compression import Dense, Masked, Payload
from comlad.errors import Status
from comlad.experiment import Prepared, prepare
from comlad.problems import PROBLEMS
from comlad.rounds import Answered, ByteCount, Direction, Layer, Plan, device_messages, local_site
from comlad.v1 import training_pb2 as pb
from comlad.wire import Inbox, encode_reply, reply_bound
from comlad.wire._requests import plan_bound

UP, DOWN = Direction.UP, Direction.DOWN
PAYLOAD, MESSAGE = Layer.PAYLOAD, Layer.MESSAGE
Stream = tuple[int, ...]


def reply_of(prepared: Prepared, plan: Plan, stream: Stream) -> bytes:
    payloads, _ = device_messages(local_site(prepared), plan, {})
    return encode_reply(plan, [payloads[device] for device in stream])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"compressor": {"kind": "identity"}},
        {"compressor": {"kind": "identity", "values": "float32"}},
        {"compressor": {"kind": "random-sparsification", "keep": 2, "values": "float64"}},
        {"compressor": {"kind": "random-sparsification", "keep": 2, "index": "common"}},
        {"compressor": {"kind": "natural"}},
        {"compressor": {"kind": "stochastic-quantization"}},
        {"compressor": [{"kind": "top-k", "keep": 4}, {"kind": "scaled-sign"}]},
        {"problem": {"kind": "linear-regression", "dimension": 1000}},
    ],
)
def test_takes_every_answer_as_it_was_meant(changes: dict[str, Any]) -> None:
    prepared = small(**changes)
    inbox, plan, _ = open_inbox(prepared)

    for stream in ((3,), (4, 0), (1, 2)):
        assert inbox.receive(stream, reply_of(prepared, plan, stream)) == []

    sent = answers(prepared, plan)
    assert sorted(inbox.votes) == list(range(5))
    for device, vote in inbox.votes.items():
        assert dense(vote).tobytes() == dense(sent[device]).tobytes()
    assert inbox.refused == {}
    assert inbox.stray == []


def test_knows_who_has_not_answered() -> None:
    prepared = small()
    inbox, plan, _ = open_inbox(prepared)

    inbox.receive((3, 1), reply_of(prepared, plan, (3, 1)))

    assert inbox.missing() == [0, 2, 4]
    assert inbox.answered([1, 3])
    assert not inbox.answered([1, 2])
    assert inbox.answered([])


def test_takes_the_answers_of_a_process_one_by_one() -> None:
    prepared = small()
    inbox, plan, _ = open_inbox(prepared)
    whole = pb.TrainRequest.FromString(reply_of(prepared, plan, (3, 1)))

    for part in reversed(whole.reply.parts):
        single = pb.Reply(round=plan.round, plan=plan.number, parts=[part])
        assert inbox.receive((3, 1), pb.TrainRequest(reply=single).SerializeToString()) == []

    assert sorted(inbox.votes) == [1, 3]


class TestWholeVectors:
    """Of an estimator that has some of its vectors sent as they are, and of no other."""

    TOP: ClassVar[dict[str, Any]] = {"compressor": {"kind": "top-k", "keep": 4}}
    WARM = small(estimator={"kind": "ef21", "start": "warm"}, **TOP)
    LARGE = small(
        estimator={"kind": "byz-vr-marina", "probability": 0.5},
        problem={"kind": "quadratic", "dimension": 1000},
    )
    MARINA = small(estimator={"kind": "byz-vr-marina", "probability": 0.5})
    WHOLE, SOME = Dense(np.ones(6, np.float32)), GOOD

    def judged(self, prepared: Prepared, plan: Plan, payload: Payload) -> str | None:
        """Why the answer of device 3 was refused; None if it is a vote."""
        inbox = Inbox(prepared, plan, ByteCount(5))
        verdicts = inbox.receive((1, 3), encode_reply(plan, [None, payload]))
        assert (3 in inbox.votes) == (not verdicts)
        return verdicts[0].reason if verdicts else None

    @pytest.mark.parametrize("answered", [0, 7])
    def test_are_the_first_that_counts_of_a_warm_start(self, answered: int) -> None:
        counted = tuple(map(Answered, (1, 1, 1, answered, 1)))
        plan = replace(first_plan(self.WARM), round=7, answered=counted)

        whole, some = (self.judged(self.WARM, plan, sent) for sent in (self.WHOLE, self.SOME))

        if answered:
            assert whole == "dense float32, 6 values: must be sparse float32, 4 values"
            assert some is None
        else:
            assert whole is None
            assert some == "sparse float32, 4 values: must be dense float32, 6 values"

    @pytest.mark.parametrize("full", [False, True])
    @pytest.mark.parametrize("answered", [0, 7])
    def test_are_all_of_a_full_round_of_marina(self, full: bool, answered: int) -> None:
        counted = (Answered(answered),) * 5
        plan = replace(first_plan(self.MARINA), round=7, full=full, answered=counted)

        whole, some = (self.judged(self.MARINA, plan, sent) for sent in (self.WHOLE, self.SOME))

        if full:
            assert whole is None
            assert some == "sparse float32, 4 values: must be dense float32, 6 values"
        else:
            assert whole == "dense float32, 6 values: must be sparse float32, 4 values"
            assert some is None

    @pytest.mark.parametrize("estimator", [{"kind": "ef21"}, {"kind": "plain", "biased": True}])
    def test_are_none_of_other_estimators(self, estimator: dict[str, Any]) -> None:
        prepared = small(estimator=estimator, **self.TOP)
        plan = first_plan(prepared)

        assert self.judged(prepared, plan, self.SOME) is None
        assert self.judged(prepared, plan, self.WHOLE) is not None

    def test_are_too_many_bytes_where_others_are_asked_for(self) -> None:
        large = self.LARGE
        plan = replace(first_plan(large), full=False)
        whole = Dense(np.ones(1000, np.float32))

        _, told = refuse(Inbox(large, plan, ByteCount(5)), (3,), encode_reply(plan, [whole]))

        bound = plan_bound(large, plan, [3])
        assert told.status == Status.RESOURCE_EXHAUSTED
        assert told.reason.endswith(f"must be at most {bound}")

    def test_are_let_through_where_they_are_asked_for(self) -> None:
        plan, whole = first_plan(self.LARGE), Dense(np.ones(1000, np.float32))
        inbox = Inbox(self.LARGE, plan, ByteCount(5))

        assert plan.full
        assert inbox.receive((3,), encode_reply(plan, [whole])) == []

    def test_are_of_the_type_that_the_compressor_sends(self) -> None:
        wide = small("compressor.values=float64", estimator={"kind": "ef21", "start": "warm"})
        plan = first_plan(wide)

        assert self.judged(wide, plan, Dense(np.ones(6))) is None
        assert self.judged(wide, plan, self.WHOLE) is not None

    def test_are_not_masked_where_others_are(self) -> None:
        changes = {"estimator": {"kind": "byz-vr-marina", "probability": 0.5}}
        prepared = small("compressor.index=common", **changes)
        plan = first_plan(prepared)
        masked = Masked(6, np.array([0, 2, 3, 5]), np.ones(4, np.float32))

        assert plan.full
        assert self.judged(prepared, plan, self.WHOLE) is None
        assert self.judged(prepared, plan, masked) is not None
        assert self.judged(prepared, replace(plan, full=False), masked) is None

    @pytest.mark.parametrize("prepared", [WARM, MARINA], ids=["warm", "marina"])
    def test_are_within_what_a_reply_may_have(self, prepared: Prepared) -> None:
        wide = {"kind": "linear-regression", "dimension": 20_000}
        prepared = prepare(replace(prepared.experiment, problem=PROBLEMS.read(wide)))
        inbox, plan, _ = open_inbox(prepared)

        data = reply_of(prepared, plan, (4, 1))

        assert 2 * 4 * 20_000 < len(data) <= reply_bound(prepared, 2)
        assert inbox.receive((4, 1), data) == []


class TestBytes:
    def test_of_a_single_device_are_all_its_own(self) -> None:
        prepared = small()
        inbox, plan, counted = open_inbox(prepared)
        data = reply_of(prepared, plan, (3,))

        inbox.receive((3,), data)

        by_device = counted.by_device()["up"]
        assert by_device["message"] == [0, 0, 0, len(data), 0]
        assert by_device["payload"] == [0, 0, 0, 1 + 4 * 4, 0]  # a bitmap, four float32
        assert counted.by_stream() == []

    @pytest.mark.parametrize("stream", [(3,), (3, 1), (0, 1, 2, 3, 4)])
    def test_of_messages_add_up_to_what_was_received(self, stream: Stream) -> None:
        prepared = small()
        inbox, plan, counted = open_inbox(prepared)
        data = reply_of(prepared, plan, stream)

        inbox.receive(stream, data)

        assert counted.total(UP, MESSAGE) == len(data)

    def test_of_each_device_are_those_of_its_part(self) -> None:
        prepared = small()
        inbox, plan, counted = open_inbox(prepared)
        data = reply_of(prepared, plan, (3, 1))
        one, two = pb.TrainRequest.FromString(data).reply.parts

        inbox.receive((3, 1), data)

        assert counted.by_device()["up"]["message"] == [0, two.ByteSize(), 0, one.ByteSize(), 0]
        shared = len(data) - one.ByteSize() - two.ByteSize()
        assert counted.by_stream()[0]["up"] == {"payload": 0, "message": shared}

    def test_of_a_common_mask_are_those_of_values_only(self) -> None:
        prepared = small("compressor.index=common")
        inbox, plan, counted = open_inbox(prepared)

        inbox.receive((3,), reply_of(prepared, plan, (3,)))

        assert counted.by_device()["up"]["payload"] == [0, 0, 0, 4 * 4, 0]

    def test_of_payloads_do_not_depend_on_who_shares_a_process(self) -> None:
        prepared = small()
        alone, plan, counted_alone = open_inbox(prepared)
        together, _, counted_together = open_inbox(prepared)

        for device in range(5):
            alone.receive((device,), reply_of(prepared, plan, (device,)))
        together.receive((4, 2, 0, 1, 3), reply_of(prepared, plan, (4, 2, 0, 1, 3)))

        payloads = counted_alone.by_device()["up"]["payload"]
        assert counted_together.by_device()["up"]["payload"] == payloads

    @pytest.mark.parametrize("stream", [(3,), (3, 1)])
    def test_of_refused_messages_count_with_their_refusals(self, stream: Stream) -> None:
        inbox, _, counted = open_inbox(small())

        (verdict,) = inbox.receive(stream, b"\xff\xff\xff")

        assert counted.total(UP, MESSAGE) == 3
        assert counted.total(DOWN, MESSAGE) == len(verdict.answer)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"compressor": {"kind": "identity"}},
        {"compressor": {"kind": "random-sparsification", "keep": 1.0, "values": "float64"}},
        {"problem": {"kind": "linear-regression", "dimension": 20_000}},
        {
            "problem": {"kind": "linear-regression", "dimension": 20_000},
            "compressor": {"kind": "random-sparsification", "keep": 0.9},
        },
        {
            "problem": {"kind": "linear-regression", "dimension": 20_000},
            "compressor": {"kind": "qsgd", "levels": 4},
        },
        {
            "problem": {"kind": "linear-regression", "dimension": 20_000},
            "compressor": [{"kind": "top-k", "keep": 200}, {"kind": "terngrad"}],
        },
    ],
)
@pytest.mark.parametrize("stream", [(4,), (0, 1, 2, 3, 4)])
def test_bounds_no_honest_answer(changes: dict[str, Any], stream: Stream) -> None:
    prepared = small(**changes)
    _, plan, _ = open_inbox(prepared)

    size = len(reply_of(prepared, plan, stream))

    # Not much above it either: what a liar can make the server read follows from it.
    assert size <= reply_bound(prepared, len(stream)) <= 3.5 * size + 200
