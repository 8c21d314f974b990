from dataclasses import replace
from typing import Any

import pytest
from samples import first_plan, small

from comlad.config import Identity, parse_identity
from comlad.errors import MessageError, Status
from comlad.rounds import Answered
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    MAX_JOIN_BYTES,
    MAX_MESSAGE_BYTES,
    encode_finished,
    encode_join,
    encode_ready,
    encode_refusal,
    parse_join,
    parse_ready,
    parse_request,
    parse_response,
    reply_bound,
    transport_bound,
)
from comlad.wire._requests import plan_bound


def refusal(devices: list[int]) -> MessageError:
    with pytest.raises(MessageError) as caught:
        parse_join(pb.TrainRequest.FromString(encode_join(devices)), 5)
    return caught.value


class TestJoin:
    @pytest.mark.parametrize("devices", [(0,), (4,), (3, 0, 1), (4, 3, 2, 1, 0)])
    def test_names_the_devices_in_the_order_of_their_slots(self, devices: tuple[int, ...]) -> None:
        request = parse_request(encode_join(devices), MAX_JOIN_BYTES)

        assert parse_join(request, 5) == devices

    @pytest.mark.parametrize("device", [5, 2**32 - 1])
    def test_names_no_device_that_is_not_there(self, device: int) -> None:
        error = refusal([1, device])

        assert str(error) == f"join of device {device}: must be one of 0 to 4"
        assert error.status is Status.NOT_FOUND

    @pytest.mark.parametrize("devices", [[], [1, 1], [0, 1, 2, 0]])
    def test_names_at_least_one_device_and_each_once(self, devices: list[int]) -> None:
        error = refusal(devices)

        assert str(error) == f"join of {len(devices)} devices: must be one or more, each once"
        assert error.status is Status.INVALID_ARGUMENT

    @pytest.mark.parametrize(
        ("asked", "devices"),
        [([], (0, 2, 3)), ([3], (3,)), ([3, 0], (3, 0)), ([2, 3, 0], (2, 3, 0))],
    )
    def test_is_of_devices_of_the_certificate(
        self, asked: list[int], devices: tuple[int, ...]
    ) -> None:
        request = parse_request(encode_join(asked), MAX_JOIN_BYTES)

        assert parse_join(request, 5, Identity.of_devices([0, 2, 3])) == devices

    @pytest.mark.parametrize("asked", [[1], [0, 1], [2**32 - 1]])
    def test_is_of_no_other_devices(self, asked: list[int]) -> None:
        request = parse_request(encode_join(asked), MAX_JOIN_BYTES)

        with pytest.raises(MessageError) as caught:
            parse_join(request, 5, Identity.of_devices([0, 2, 3]))

        assert str(caught.value) == (
            f"join of device {asked[-1]} with the certificate of devices 0,2-3: "
            "must be of a device that the certificate names"
        )
        assert caught.value.status is Status.PERMISSION_DENIED

    def test_takes_no_memory_for_a_certificate_of_a_billion_devices(self) -> None:
        request = parse_request(encode_join([]), MAX_JOIN_BYTES)

        with pytest.raises(
            MessageError, match=r"^join of device 999999999: must be one of 0 to 4$"
        ):
            parse_join(request, 5, parse_identity("urn:comlad:devices:0-999999999"))

    @pytest.mark.parametrize("data", [b"", encode_ready()])
    def test_comes_first(self, data: bytes) -> None:
        with pytest.raises(MessageError, match="must send Join first") as caught:
            parse_join(parse_request(data, 100), 5)

        assert caught.value.status is Status.NOT_FOUND

    def test_may_be_of_many_devices(self) -> None:
        devices = range(300_000)

        data = encode_join(devices)

        assert len(parse_join(parse_request(data, MAX_JOIN_BYTES), 10**6)) == 300_000

    def test_is_refused_in_few_words_however_long_it_is(self) -> None:
        assert len(str(refusal([1] * 300_000))) < 100


class TestReady:
    def test_is_taken(self) -> None:
        parse_ready(encode_ready())

    @pytest.mark.parametrize("data", [b"", encode_join([1])])
    def test_comes_before_replies(self, data: bytes) -> None:
        with pytest.raises(MessageError, match="must send Ready before it replies") as caught:
            parse_ready(data)

        assert caught.value.status is Status.FAILED_PRECONDITION


class TestRequest:
    def test_is_bounded_before_it_is_read(self) -> None:
        with pytest.raises(MessageError) as caught:
            parse_request(b"\xff" * 11, 10)

        assert str(caught.value) == "a message of 11 bytes: must be at most 10"
        assert caught.value.status is Status.RESOURCE_EXHAUSTED

    def test_may_be_as_large_as_its_bound(self) -> None:
        data = encode_join([1, 2, 3])

        assert parse_request(data, len(data)).join.device_ids == [1, 2, 3]

    @pytest.mark.parametrize("data", [b"\xff", encode_join([1, 2])[:-1], b"\x0a\xff"])
    def test_must_be_whole_protobuf(self, data: bytes) -> None:
        with pytest.raises(MessageError, match="no TrainRequest: cut off or not protobuf"):
            parse_request(data, 100)


class TestResponse:
    def test_must_be_whole_protobuf(self) -> None:
        with pytest.raises(MessageError, match=r"^bytes that are no TrainResponse$"):
            parse_response(encode_finished(300)[:-1])

    def test_says_how_many_rounds_there_were(self) -> None:
        assert parse_response(encode_finished(300)).finished.rounds == 300

    @pytest.mark.parametrize("slot", [0, 3])
    def test_says_what_was_refused(self, slot: int) -> None:
        data = encode_refusal(7, slot, Status.NOT_FOUND, "the reason")

        found = parse_response(data).refusal

        right = pb.Refusal(round=7, slot=slot, status=5, reason="the reason")
        assert found == right

    def test_names_no_slot_where_the_whole_message_was_refused(self) -> None:
        data = encode_refusal(7, None, Status.NOT_FOUND, "the reason")

        assert not parse_response(data).refusal.HasField("slot")


class TestBounds:
    def test_follow_from_the_experiment(self) -> None:
        prepared = small()

        # Four gaps of a byte and four float32, with what frames them.
        assert reply_bound(prepared, 1) == 20 + 2 * 64
        assert reply_bound(prepared, 3) == 3 * (20 + 64) + 64

    def test_let_a_process_of_all_devices_reply(self) -> None:
        prepared = small(
            "devices.count=50",
            problem={"kind": "linear-regression", "dimension": 10_000},
            compressor={"kind": "identity"},
        )

        assert transport_bound(prepared) == reply_bound(prepared, 50) > MAX_JOIN_BYTES

    def test_let_nothing_through_that_has_to_come_in_chunks(self) -> None:
        prepared = small(
            problem={"kind": "quadratic", "dimension": 10**6}, compressor={"kind": "identity"}
        )

        assert transport_bound(prepared) == MAX_MESSAGE_BYTES < reply_bound(prepared, 1)

    def test_let_a_process_of_any_number_of_devices_join(self) -> None:
        for count in (5, 3000):
            prepared = small(f"devices.count={count}")

            join = encode_join([2**32 - 1] * count)
            assert len(join) < transport_bound(prepared) < MAX_JOIN_BYTES

    def test_let_a_little_more_through_so_that_it_is_refused_in_our_own_words(self) -> None:
        assert reply_bound(small(), 5) < transport_bound(small()) == 2**16


class TestTheBoundOfAPlan:
    """Of a thousand float32 at most 4 are sent, but where they are asked for whole."""

    NARROW, WIDE = 300, 4000

    def bound(self, kind: str, devices: tuple[int, ...] = (0,), **told: Any) -> int:
        prepared = small(
            estimator={"kind": kind} | ({"start": "warm"} if kind == "ef21" else {}),
            compressor={"kind": "random-sparsification" if kind != "ef21" else "top-k", "keep": 4},
            problem={"kind": "quadratic", "dimension": 1000},
        )
        plan = replace(first_plan(prepared), **told)
        found = plan_bound(prepared, plan, devices)
        assert found <= reply_bound(prepared, len(devices))
        return found

    def test_is_wide_in_a_whole_round(self) -> None:
        assert self.bound("byz-vr-marina", full=True) > self.WIDE

    def test_is_narrow_in_a_compressed_one(self) -> None:
        assert self.bound("byz-vr-marina", full=False) < self.NARROW

    def test_is_narrow_where_nothing_is_ever_whole(self) -> None:
        assert self.bound("byz-dasha-page", full=True) < self.NARROW
        assert self.bound("byz-dasha-page", full=False) < self.NARROW

    def test_is_wide_for_those_of_whom_no_answer_has_counted(self) -> None:
        counted = (Answered(), *[Answered(1)] * 4)

        assert self.bound("ef21", (0,), answered=counted) > self.WIDE
        assert self.bound("ef21", (1, 2), answered=counted) < 2 * self.NARROW
        assert self.WIDE < self.bound("ef21", (0, 1), answered=counted) < self.WIDE + self.NARROW
