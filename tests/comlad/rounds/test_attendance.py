import json
from typing import Any

import pytest
from samples import small

from comlad.errors import ConfigError
from comlad.rounds import Attendance, read_attendance
from comlad.session import Session


def line(number: int, missing: Any = (), **refused: str) -> str:
    return json.dumps({"round": number, "missing": missing, "refused": refused, "loss": 0.5})


def complaint(*lines: str, rounds: int = 1) -> str:
    with pytest.raises(ConfigError) as caught:
        read_attendance(lines, devices=3, rounds=rounds)
    return str(caught.value)


def test_is_who_was_missing_or_refused_in_each_round() -> None:
    lines = [line(0), line(1, [2, 0]), line(2, [1], **{"2": "too large"})]

    everybody, second, third = read_attendance(lines, devices=3, rounds=3)

    assert everybody == Attendance()
    assert second == Attendance(frozenset({0, 2}))
    assert third == Attendance(frozenset({1}), {2: "too large"})


def test_is_who_was_told_what_is_held_of_it() -> None:
    told = json.dumps({"round": 0, "missing": [], "refused": {}, "recovered": [2, 0]})

    (attendance,) = read_attendance([told], devices=3, rounds=1)

    assert attendance == Attendance(recovered=frozenset({0, 2}))


@pytest.mark.parametrize("device", [3, -1, "1", 0.0, True])
def test_refuses_who_cannot_have_been_told(device: Any) -> None:
    told = json.dumps({"round": 0, "missing": [], "refused": {}, "recovered": [device]})

    assert complaint(told) == f"line 1: device {device!r}: must be one of 0 to 2"


def test_is_read_from_what_a_session_records() -> None:
    session = Session(small())
    opened = session.open_round()
    opened.inbox.replay({3: "nonsense"})
    opened.recovered.add(2)
    record = session.close_round(opened)

    (attendance,) = read_attendance([json.dumps(record)], devices=5, rounds=1)

    assert attendance == Attendance(frozenset({0, 1, 2, 4}), {3: "nonsense"}, frozenset({2}))


def test_leaves_rounds_that_the_experiment_does_not_have() -> None:
    assert len(read_attendance([line(0), "not read any more"], devices=3, rounds=1)) == 1


def test_says_how_to_repeat_a_run_that_was_not_finished() -> None:
    assert complaint(line(0), line(1), rounds=5) == (
        "2 rounds: must be all 5 of the experiment; --set rounds=2 repeats those that there are"
    )
    assert complaint(rounds=5) == "0 rounds: must be all 5 of the experiment"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line(1)], "line 1: round 1: must be 0"),
        ([line(0), line(0)], "line 2: round 0: must be 1"),
        ([line(0, [3])], "line 1: device 3: must be one of 0 to 2"),
        ([line(0, [-1])], "line 1: device -1: must be one of 0 to 2"),
        ([line(0, ["1"])], "line 1: device '1': must be one of 0 to 2"),
        ([line(0, [0.0])], "line 1: device 0.0: must be one of 0 to 2"),
        ([line(0, [True])], "line 1: device True: must be one of 0 to 2"),
        ([line(0, [], **{"7": "why"})], "line 1: device 7: must be one of 0 to 2"),
        ([line(0), '{"round": 1}'], "line 2: no key 'missing': must be a line of rounds.jsonl"),
        ([line(0, 7)], "line 1: no line of rounds.jsonl"),
        ([line(0, [[]])], "line 1: no line of rounds.jsonl"),
        (['{"round": 0, "missing": [], "refused": []}'], "line 1: no line of rounds.jsonl"),
        ([line(0)[:20]], "line 1: no line of rounds.jsonl"),
        (["[]"], "line 1: no line of rounds.jsonl"),
        ([""], "line 1: no line of rounds.jsonl"),
        (["[" * 100_000], "line 1: no line of rounds.jsonl"),
    ],
)
def test_refuses_lines_that_are_none_of_such_a_run(lines: list[str], message: str) -> None:
    assert complaint(*lines, rounds=2).startswith(message)
