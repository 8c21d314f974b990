"""Answers that count, and what they are charged."""

from typing import Any

import pytest
from samples import answers, dense, open_inbox, small

from comlad.experiment import Prepared
from comlad.rounds import Direction, Layer, Plan, device_messages, local_site
from comlad.v1 import training_pb2 as pb
from comlad.wire import encode_reply, reply_bound

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
