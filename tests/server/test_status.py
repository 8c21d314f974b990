import random
from typing import Any

import pytest
from run_events import Event, experiment_of, round_event

from comlad_server._events import fan_out, printable
from comlad_server.operations._board import StatusBoard
from comlad_server.operations._status import RunState

STARTED: Event = {"event": "started", "round": 0}


def ready(*devices: int) -> Event:
    return {"event": "ready", "devices": list(devices), "peer": "ipv6:%5B::1%5D:4711"}


def gone(*devices: int) -> Event:
    return {"event": "gone", "devices": list(devices)}


def board_after(*events: Event, devices: int = 3, **options: Any) -> StatusBoard:
    board = StatusBoard(experiment_of(devices), **options)
    for event in events:
        board.observe(event)
    return board


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], RunState.WAITING),
        ([STARTED], RunState.TRAINING),
        ([STARTED, {"event": "waiting", "devices": [0]}], RunState.WAITING),
        ([STARTED, {"event": "waiting", "devices": [0]}, round_event(0, 3)], RunState.TRAINING),
        ([STARTED, {"event": "finished", "directory": "out"}], RunState.FINISHED),
        ([{"event": "stopped", "reason": "SIGTERM", "resumable": True}], RunState.STOPPED),
        ([{"event": "stopped", "reason": "diverged", "resumable": False}], RunState.FAILED),
    ],
)
def test_says_how_far_the_run_is(events: list[Event], state: RunState) -> None:
    assert board_after(*events).status().state is state


def test_says_why_a_run_does_not_go_on_until_it_does() -> None:
    repeated = {"event": "repeated", "round": 4, "reason": "round 4: 2 answers", "left": 9}
    board = board_after(STARTED, repeated)

    assert board.status().reason == "round 4: 2 answers; it stays open"

    board.observe(round_event(4, 3))

    assert board.status().reason == ""


def test_agrees_with_a_count_of_all_records() -> None:
    draw, n = random.Random(0), 5
    records = []
    for number in range(60):
        absent = draw.sample(range(n), draw.randrange(n))
        split = draw.randrange(len(absent) + 1)
        stray = [[draw.randrange(n), "late"] for _ in range(draw.randrange(3))]
        record = round_event(number, n)
        record["missing"] = sorted(absent[:split])
        record["refused"] = {str(device): "bad" for device in absent[split:]}
        records.append(record | ({"stray": stray} if stray else {}))

    status = board_after(*records, devices=n).status()

    for device in status.devices:
        me = device.device
        missed = [r["round"] for r in records if me in r["missing"]]
        refused = [r["round"] for r in records if str(me) in r["refused"]]
        answered = sorted(set(range(60)) - {*missed, *refused})
        strays = sum(each == me for r in records for each, _ in r.get("stray", ()))
        assert device.missing == len(missed)
        assert device.refused == len(refused) + strays
        assert device.answered == len(answered)
        assert device.last_round == answered[-1]
        assert device.bytes["up"] == {"payload": 60 * 100, "message": 60 * 120}
    assert status.faults["missing"] == sum(len(r["missing"]) for r in records)
    assert status.faults["refused"] == sum(len(r["refused"]) for r in records)
    assert status.faults["stray"] == sum(len(r.get("stray", ())) for r in records)
    assert status.bytes["down"] == {"payload": 60 * 1000 * n, "message": 60 * 1200 * n}
    assert status.phases["answers"] == pytest.approx(60 * 0.08)


def test_counts_what_is_in_no_record() -> None:
    cut_off = {"event": "cut_off", "devices": [1], "reason": "refused too often"}
    stranger = {"event": "stranger", "reason": "ipv4:10.0.0.9:1: no message"}

    status = board_after(stranger, cut_off, stranger).status()

    assert (status.faults["stranger"], status.faults["cut_off"]) == (2, 1)
    assert status.devices[1].reason == "refused too often"


def test_tells_who_is_there_who_is_late_and_who_has_gone() -> None:
    late = {"event": "late", "round": 1, "devices": [0, 2]}

    board = board_after(ready(0, 1), round_event(0, 3, missing=[2]), late)

    devices = board.status().devices
    assert [device.connected for device in devices] == [True, True, False]
    assert [device.late for device in devices] == [True, False, False]
    assert [device.last_round for device in devices] == [0, 0, None]
    assert devices[0].peer == "ipv6:[::1]:4711"

    board.observe(gone(0))

    left = board.status().devices[0]
    assert (left.connected, left.late, left.peer) == (False, False, "ipv6:[::1]:4711")


def test_leaves_out_a_layer_once_it_was_not_counted() -> None:
    counted = {"payload": 1, "message": 2, "tcp": 3}
    board = board_after(round_event(0, 3, counted))

    assert board.status().bytes["up"] == {"payload": 3, "message": 6, "tcp": 9}

    board.observe(round_event(1, 3, {"payload": 1, "message": 2}))
    board.observe(round_event(2, 3, counted))

    status = board.status()
    assert status.bytes["up"] == {"payload": 9, "message": 18}
    assert status.devices[0].bytes["down"] == {"payload": 30, "message": 60}


def test_keeps_a_layer_over_a_round_in_which_nobody_was_there_to_be_counted() -> None:
    nobody = round_event(1, 3, {"payload": 0, "message": 0}, missing=[0, 1, 2])
    board = board_after(round_event(0, 3, {"payload": 1, "message": 2, "tcp": 3}), nobody)

    assert board.status().bytes["up"]["tcp"] == 9


def test_counts_from_where_it_resumed() -> None:
    resumed = {"event": "resumed", "round": 50, "file": "round-50.npz", "again": 3}

    status = board_after(resumed, STARTED | {"round": 50}, round_event(50, 3)).status()

    assert (status.closed, status.counted, status.checkpoint) == (51, 1, 50)


def test_gives_the_speed_of_the_last_seconds() -> None:
    now = 0.0
    board = board_after(STARTED, clock=lambda: now)
    assert board.status().rounds_per_second is None

    for number in range(100):
        now += 1.0 if number < 50 else 0.5
        board.observe(round_event(number, 3))

    assert board.status().rounds_per_second == pytest.approx(2, rel=0.1)
    now += 1000
    assert board.status().rounds_per_second == pytest.approx(0, abs=0.1)


def test_stands_still_when_the_run_is_over() -> None:
    now = 5.0
    board = board_after(STARTED, round_event(0, 3), clock=lambda: now)
    now = 8.0
    board.observe({"event": "finished", "directory": "out"})
    now = 100.0

    assert board.status().seconds == 3.0


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a" * 200, "a" * 200), ("a" * 201, "a" * 199 + "…"), ("\x1b[2Jé\n", "�[2Jé�")],
)
def test_keeps_texts_short_and_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_goes_on_without_an_observer_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Event] = []

    def fail(event: Event) -> None:
        raise OSError("no room")

    observe = fan_out([fail, seen.append])
    observe(STARTED)
    observe(STARTED)

    assert seen == [STARTED, STARTED]
    assert len(caplog.records) == 1
