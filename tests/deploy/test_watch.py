from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from run_events import experiment_of, round_event

from comlad.errors import ConfigError
from comlad.v1 import watch_pb2 as pb
from comlad_deploy.watch import Options, state_of, watch
from comlad_deploy.watch._lines import Lines, state_line
from comlad_deploy.watch._table import state_table
from comlad_server.operations._board import StatusBoard
from comlad_server.operations._watch import encode_status


def state_after(devices: int, *events: dict[str, Any]) -> dict[str, Any]:
    board = StatusBoard(experiment_of(devices), clock=lambda: 0.0)
    for event in events:
        board.observe(event)
    return state_of(pb.WatchResponse.FromString(encode_status(board.status())))


def ready(*devices: int) -> dict[str, Any]:
    return {"event": "ready", "devices": list(devices), "peer": "ipv4:10.0.0.7:1"}


def test_says_a_state_in_a_line() -> None:
    state = state_after(
        3,
        ready(0, 1),
        {"event": "refused", "round": 0, "device": 1, "reason": "too many bytes"},
        round_event(0, 3, missing=[0, 2], refused={"1": "too many bytes"}, accuracy=0.5),
        {"event": "checkpoint", "round": 1, "file": "f", "seconds": 0.1},
    )

    assert state_line(state) == (
        "small: training, round 1 of 100; loss 1; accuracy 0.5000; checkpoint after 1 rounds; "
        "up 360 B, down 3.60 kB (message); 2 of 3 connected; late: 0; "
        "refused: device 1, too many bytes"
    )


def test_says_why_a_run_waits() -> None:
    line = state_line(state_after(3, {"event": "waiting", "devices": [0, 2]}))

    assert line.endswith("0 of 3 connected; waits for devices 0, 2")


def test_prints_changes_of_the_state_at_once_and_numbers_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines()

    lines.show(state_after(3))
    for number in range(5):
        lines.show(state_after(3, round_event(number, 3)))
    lines.show(None)
    lines.show(state_after(3, {"event": "finished", "directory": "out"}))

    shown = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in shown] == [
        "small: waiting",
        "small: training",
        "lost the server; trying again",
        "small: finished",
    ]


def test_fits_the_terminal_and_shows_who_is_in_trouble_of_many() -> None:
    n, height = 200, 30
    state = state_after(
        n,
        ready(*range(n - 1)),
        {"event": "waiting", "devices": [n - 1]},
        round_event(0, n, missing=[150, n - 1], refused={"77": "[bold]too many[/bold] bytes"}),
        {"event": "repeated", "round": 1, "reason": "too few", "left": 3},
    )
    console = Console(file=StringIO(), width=110, height=height, force_terminal=True)

    with console.capture() as capture:
        console.print(state_table(state, height))

    lines = capture.get().splitlines()
    assert len(lines) < height
    shown = capture.get()
    for expected in ("150", "199", "late", "away", "[bold]too many[/bold] bytes", "more"):
        assert expected in shown


def test_refuses_plaintext_to_another_machine() -> None:
    with pytest.raises(ConfigError, match=r"10\.0\.0\.1:5757: must have --keys DIR"):
        watch(Options("10.0.0.1:5757"))
