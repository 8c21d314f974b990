import logging

import pytest
from run_events import Event, round_event

from comlad_server.operations._log import EventLog


def refused(round: int, device: int, reason: str = "too many bytes") -> Event:
    return {"event": "refused", "round": round, "device": device, "reason": reason}


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "comlad_server")
    return caplog


@pytest.mark.parametrize(
    ("event", "level", "line"),
    [
        (round_event(3, 2), "INFO", "round 3: loss 0.25"),
        (round_event(3, 2, loss=None), "INFO", "round 3: loss nan"),
        (round_event(3, 2, loss=0.0), "INFO", "round 3: loss 0"),
        ({"event": "ready", "devices": [0, 1], "peer": "p"}, "INFO", "devices 0, 1 are ready"),
        ({"event": "gone", "devices": [1]}, "WARNING", "devices 1 have gone"),
        (
            {"event": "recovered", "round": 3, "device": 1},
            "INFO",
            "device 1 had lost its memory: told what is held of it",
        ),
        (
            {"event": "late", "round": 2, "devices": list(range(12))},
            "WARNING",
            "round 2: deadline, without 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more",
        ),
        ({"event": "waiting", "devices": [1]}, "WARNING", "devices 1 are not there; waiting"),
        ({"event": "waiting", "devices": [0, 1]}, "WARNING", "no device is connected; waiting"),
        (
            {"event": "cut_off", "devices": [1], "reason": "{x}\x1b[1m"},
            "WARNING",
            "cut off devices 1: {x}�[1m",
        ),
        (refused(0, 1), "WARNING", "refused device 1: too many bytes"),
        (
            {"event": "repeated", "round": 4, "reason": "round 4: nobody answered", "left": 9},
            "WARNING",
            "round 4: nobody answered; it stays open",
        ),
    ],
)
def test_has_a_line_for_an_event(
    event: Event, level: str, line: str, lines: pytest.LogCaptureFixture
) -> None:
    EventLog(2).observe(event)

    (record,) = lines.records
    assert (record.levelname, record.getMessage()) == (level, line)
    assert getattr(record, "event") == event["event"]  # noqa: B009 - of no LogRecord's type


def test_says_that_the_model_stays(lines: pytest.LogCaptureFixture) -> None:
    EventLog(2).observe(round_event(3, 2, skipped="nobody answered"))

    assert lines.messages[1] == "round 3: the model stays: nobody answered"


def test_has_no_line_for_what_it_does_not_know(lines: pytest.LogCaptureFixture) -> None:
    EventLog(2).observe({"event": "invented"})

    assert not lines.records


def test_makes_a_line_and_a_number_of_a_flood(lines: pytest.LogCaptureFixture) -> None:
    log = EventLog(2)

    for _ in range(1000):
        log.observe(refused(5, 1))
    log.observe(refused(5, 0))
    log.observe(round_event(5, 2))
    log.observe(refused(6, 1))

    assert [line for line in lines.messages if "refused" in line] == [
        "refused device 1: too many bytes",
        "refused device 0: too many bytes",
        "refused device 1 1000 times in round 5",
        "refused device 1: too many bytes",
    ]


def test_has_a_line_a_second_for_strangers(lines: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = EventLog(2, lambda: now)

    for _ in range(100):
        log.observe({"event": "stranger", "reason": "no message"})
    now = 1.0
    log.observe({"event": "stranger", "reason": "no message"})

    assert lines.messages == [
        "turned away: no message",
        "turned away: no message (100 in all since the last line)",
    ]
