import re
import socket
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from run_events import experiment_of, round_event

from comlad.errors import ConfigError
from comlad_server.operations._board import StatusBoard
from comlad_server.operations._metrics import serve_metrics


def scraped(board: StatusBoard) -> dict[tuple[str, ...], float]:
    """All samples by name and label values, as they come over HTTP."""
    with serve_metrics("127.0.0.1:0", board) as address:
        with urlopen(f"http://{address}/metrics") as response:
            text = response.read().decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_has_the_numbers_of_the_run() -> None:
    board = StatusBoard(experiment_of(2))
    board.observe({"event": "ready", "devices": [0], "peer": "ipv4:127.0.0.1:1"})
    board.observe(round_event(0, 2))
    board.observe(round_event(1, 2, missing=[1], accuracy=0.25))
    board.observe({"event": "checkpoint", "round": 2, "file": "f", "seconds": 0.1})

    samples = scraped(board)

    assert samples == {
        ("comlad_rounds_total",): 2,
        ("comlad_round",): 2,
        ("comlad_loss",): 0.5,
        ("comlad_accuracy",): 0.25,
        ("comlad_checkpoint_round",): 2,
        ("comlad_round_seconds_total", "answers"): 0.16,
        ("comlad_round_seconds_total", "close"): 0.04,
        ("comlad_round_seconds_total", "record"): 0.02,
        ("comlad_bytes_total", "up", "payload"): 400,
        ("comlad_bytes_total", "up", "message"): 480,
        ("comlad_bytes_total", "down", "payload"): 4000,
        ("comlad_bytes_total", "down", "message"): 4800,
        ("comlad_faults_total", "missing"): 1,
        ("comlad_faults_total", "refused"): 0,
        ("comlad_faults_total", "stray"): 0,
        ("comlad_faults_total", "stranger"): 0,
        ("comlad_faults_total", "cut_off"): 0,
        ("comlad_faults_total", "repeated"): 0,
        ("comlad_devices", "expected"): 2,
        ("comlad_devices", "connected"): 1,
        ("comlad_devices", "late"): 0,
        ("comlad_attendance_total", "0"): 2,
        ("comlad_attendance_total", "1"): 1,
    }


def test_has_no_number_for_what_is_not_known() -> None:
    names = {name for name, *_ in scraped(StatusBoard(experiment_of(1)))}

    assert "comlad_rounds_total" in names
    assert not names & {"comlad_loss", "comlad_accuracy", "comlad_checkpoint_round"}


def test_says_that_the_port_is_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(ConfigError, match=f"--metrics {address}: the port is in use"):
            with serve_metrics(address, StatusBoard(experiment_of(1))):
                pass


@pytest.mark.parametrize("address", ["", "9090", "localhost:x", "localhost:99999"])
def test_refuses_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigError, match=r"--metrics .*: must be HOST:PORT"):
        with serve_metrics(address, StatusBoard(experiment_of(1))):
            pass


def test_is_what_the_manual_says() -> None:
    board = StatusBoard(experiment_of(1))
    board.observe(round_event(0, 1, accuracy=0.5))
    board.observe({"event": "checkpoint", "round": 1, "file": "f", "seconds": 0.1})
    manual = Path(__file__).parents[2] / "docs" / "operations.md"

    described = set(re.findall(r"`(comlad_[a-z_]+)`", manual.read_text("utf-8")))

    assert described == {name for name, *_ in scraped(board)}
