"""Bad messages to a real server: refused with the right status, counted, and the round goes on."""

import struct
from pathlib import Path
from typing import Any

import grpc
import pytest
from cluster import PATIENCE_S, devices, read_rounds, serving
from stranger import Stranger, request

pytestmark = pytest.mark.integration

Q, LIAR = 20, 2
EXPERIMENT: dict[str, Any] = {
    "name": "messages",
    "rounds": 3,
    "devices": {"count": 3, "byzantine": [LIAR], "deadline_s": PATIENCE_S},
    "problem": {"kind": "linear-regression", "dimension": Q},
    "compressor": {"kind": "random-sparsification", "keep": 2},
    "attack": {"command": ["by-hand"]},
    "step": {"learning_rate": 1e-6},
}
GOOD = {"dimension": Q, "gaps": bytes([0, 1]), "float32": struct.pack("<2f", 1, 2)}


def good_reply(asked: Any) -> Any:
    return reply(asked, [{"slot": 0, "sparse": GOOD}])


def reply(asked: Any, parts: list[dict[str, Any]], **fields: Any) -> Any:
    return request(reply={"round": asked.round, "plan": asked.plan, "parts": parts} | fields)


def sparse(**fields: Any) -> list[dict[str, Any]]:
    return [{"slot": 0, "sparse": GOOD | fields}]


# The vote is lost with these: the round closes without it.
SPOILT = {
    "a wrong dimension": (sparse(dimension=Q + 1), "INVALID_ARGUMENT"),
    "an index out of range": (sparse(gaps=bytes([0, Q])), "INVALID_ARGUMENT"),
    "a repeated index": (sparse(gaps=bytes([3, 0])), "INVALID_ARGUMENT"),
    "a gap that would wrap round": (
        sparse(gaps=bytes([3, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F])),
        "INVALID_ARGUMENT",
    ),
    "not a number": (sparse(float32=struct.pack("<2f", 1, float("nan"))), "INVALID_ARGUMENT"),
    "infinity": (sparse(float32=struct.pack("<2f", 1, float("inf"))), "INVALID_ARGUMENT"),
    "too many values": (sparse(gaps=bytes([0, 1, 1]), float32=bytes(12)), "INVALID_ARGUMENT"),
    "no vector": ([{"slot": 0}], "INVALID_ARGUMENT"),
}


# Or the sender's vote is not touched: the reply was to something else.
BESIDE = {
    "another round": ({"round": 10**6}, 0, "FAILED_PRECONDITION"),
    "another plan": ({"plan": 12345}, 0, "FAILED_PRECONDITION"),
    "a device of another process": ({}, 1, "NOT_FOUND"),
}

# Or the bytes are no message.
NO_MESSAGE = {
    "too many bytes": (bytes(4096), "RESOURCE_EXHAUSTED"),
    "bytes that were cut off": (b"\x1a\x40\x08\x01", "INVALID_ARGUMENT"),
}


def test_refuses_votes_that_are_spoilt(tmp_path: Path) -> None:
    refusals = {}

    with (
        serving(EXPERIMENT | {"rounds": len(SPOILT)}, tmp_path) as server,
        devices(server.address, "0-1"),
        Stranger(server.address, [LIAR]) as liar,
    ):
        for kind, (parts, _) in SPOILT.items():
            liar.send(reply(liar.read_round(), parts))
            refusals[kind] = liar.read().refusal
        summary = server.finish()

    for kind, (_, status) in SPOILT.items():
        assert refusals[kind].status == grpc.StatusCode[status].value[0], kind
        assert refusals[kind].slot == 0
    assert_faults(summary, len(SPOILT))
    assert all(list(record["refused"]) == [str(LIAR)] for record in read_rounds(server.out))
    assert summary["loss"]["final"] < summary["loss"]["initial"]


def test_refuses_bytes_that_are_no_message(tmp_path: Path) -> None:
    refusals = {}

    with (
        serving(EXPERIMENT | {"rounds": len(NO_MESSAGE)}, tmp_path) as server,
        devices(server.address, "0-1"),
        Stranger(server.address, [LIAR]) as liar,
    ):
        for kind, (data, _) in NO_MESSAGE.items():
            liar.read_round()
            liar.send(data)
            refusals[kind] = liar.read().refusal
        summary = server.finish()

    for kind, (_, status) in NO_MESSAGE.items():
        assert refusals[kind].status == grpc.StatusCode[status].value[0], kind
    assert_faults(summary, len(NO_MESSAGE))


def test_refuses_replies_to_something_else_and_leaves_the_vote(tmp_path: Path) -> None:
    refusals = {}

    with (
        serving(EXPERIMENT | {"rounds": len(BESIDE)}, tmp_path) as server,
        devices(server.address, "0-1"),
        Stranger(server.address, [LIAR]) as liar,
    ):
        for kind, (fields, slot, _) in BESIDE.items():
            asked = liar.read_round()
            liar.send(reply(asked, [{"slot": slot, "sparse": GOOD}], **fields))
            refusals[kind] = liar.read().refusal
            liar.send(good_reply(asked))
        summary = server.finish()

    for kind, (_, _, status) in BESIDE.items():
        assert refusals[kind].status == grpc.StatusCode[status].value[0], kind
    assert_faults(summary, len(BESIDE))
    assert all(not record["refused"] for record in read_rounds(server.out))


def test_goes_on_when_grpc_itself_refuses_a_message(tmp_path: Path) -> None:
    experiment = EXPERIMENT | {"devices": EXPERIMENT["devices"] | {"deadline_s": 1.0}}

    with (
        serving(experiment, tmp_path) as server,
        devices(server.address, "0-1"),
        Stranger(server.address, [LIAR]) as liar,
    ):
        liar.read_round()
        liar.send(bytes(2**23))
        with pytest.raises(grpc.RpcError) as error:
            consume(liar)
        summary = server.finish()

    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert summary["rounds"] == 3
    assert summary["faults"]["by_device"] == {str(LIAR): {"missing": 3, "refused": 0}}


def test_lets_the_first_of_two_replies_stand(tmp_path: Path) -> None:
    with serving(EXPERIMENT, tmp_path) as server, Stranger(server.address, [LIAR]) as liar:
        with devices(server.address, "0-1"):
            asked = liar.read_round()
            parts = [{"slot": 0, "sparse": GOOD}, {"slot": 0, "sparse": GOOD}]
            liar.send(reply(asked, parts))
            refusal = liar.read().refusal
            for _ in range(2):
                liar.send(good_reply(liar.read_round()))
            summary = server.finish()

    assert refusal.status == grpc.StatusCode.ALREADY_EXISTS.value[0]
    assert_faults(summary, 1)


def test_cuts_off_a_flood_of_refusals_and_goes_on(tmp_path: Path) -> None:
    experiment = EXPERIMENT | {"devices": EXPERIMENT["devices"] | {"deadline_s": 1.0}}

    with serving(experiment, tmp_path) as server, Stranger(server.address, [LIAR]) as liar:
        with devices(server.address, "0-1"):
            asked = liar.read_round()
            for _ in range(100):
                liar.send(reply(asked, sparse(), round=7))
            with pytest.raises(grpc.RpcError) as error:
                consume(liar)
            summary = server.finish()

    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert summary["rounds"] == 3
    assert summary["faults"]["by_device"][str(LIAR)]["refused"] > 1


TURNED_AWAY = {
    "a reply before it joined": (request(reply={"round": 0}), "NOT_FOUND"),
    "a device that does not exist": (request(join={"device_ids": [3]}), "NOT_FOUND"),
    "no device": (request(join={}), "INVALID_ARGUMENT"),
    "a device twice": (request(join={"device_ids": [2, 2]}), "INVALID_ARGUMENT"),
    "a device that is taken": (request(join={"device_ids": [0]}), "ALREADY_EXISTS"),
    "bytes that are no message": (b"\xff\xff\xff", "INVALID_ARGUMENT"),
}


def test_turns_away_streams_that_are_no_device(tmp_path: Path) -> None:
    calls = {}

    with serving(EXPERIMENT, tmp_path) as server:
        with devices(server.address, "1"), Stranger(server.address, [0]) as first:
            for kind, (message, _) in TURNED_AWAY.items():
                with Stranger(server.address) as hostile:
                    hostile.send(message)
                    calls[kind] = hostile.call.code(), hostile.call.details()
            with Stranger(server.address, [LIAR]) as liar:
                for _ in range(EXPERIMENT["rounds"]):
                    for device in (first, liar):
                        device.send(good_reply(device.read_round()))
                summary = server.finish()

    for kind, (_, status) in TURNED_AWAY.items():
        code, reason = calls[kind]
        assert code == grpc.StatusCode[status], kind
        assert reason, kind
    assert summary["faults"] == {
        "missing": 0,
        "refused": 0,
        "strangers": len(TURNED_AWAY),
        "by_device": {},
    }


def test_does_not_hand_out_data_that_it_does_not_hold(tmp_path: Path) -> None:
    with serving(EXPERIMENT, tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        fetch: Any = channel.unary_stream("/comlad.v1.TrainingService/FetchDataset")

        with pytest.raises(grpc.RpcError) as error:
            next(fetch(b"", wait_for_ready=True))

    assert error.value.code() == grpc.StatusCode.NOT_FOUND


def consume(liar: Stranger) -> None:
    while True:
        liar.read()


def assert_faults(summary: dict[str, Any], count: int) -> None:
    assert summary["faults"] == {
        "missing": 0,
        "refused": count,
        "strangers": 0,
        "by_device": {str(LIAR): {"missing": 0, "refused": count}},
    }
