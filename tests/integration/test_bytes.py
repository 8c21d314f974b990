"""The tcp layer: what the kernel counted, beside what was handed to gRPC."""

import sys
from pathlib import Path
from typing import Any

import pytest
from cluster import read_rounds, run_summary, write_experiment_file

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO counts bytes on Linux only"),
]

LARGE: dict[str, Any] = {
    "name": "large",
    "rounds": 200,
    "devices": {"count": 3, "deadline_s": 60.0},
    "problem": {"kind": "linear-regression", "dimension": 10_000},
    "compressor": {"kind": "random-sparsification", "keep": 0.1},
    "step": {"learning_rate": 1e-9},
}


def test_is_at_least_the_messages_and_within_a_third_of_them(tmp_path: Path) -> None:
    summary = run_summary(write_experiment_file(tmp_path, LARGE), tmp_path / "out")

    for direction in ("up", "down"):
        layers = summary["devices"][direction]
        for payload, message, tcp in zip(
            layers["payload"], layers["message"], layers["tcp"], strict=True
        ):
            assert payload <= message <= tcp <= 1.3 * message
        totals = summary["bytes"][direction]
        assert totals["tcp"] == sum(layers["tcp"])
    assert summary["setup"]["down"]["tcp"] > 8 * 10_000 * 3 * 3  # the data went to each device


def test_is_in_every_round_for_every_device(tmp_path: Path) -> None:
    out = tmp_path / "out"

    run_summary(write_experiment_file(tmp_path, LARGE), out, "--set", "rounds=20")

    for record in read_rounds(out):
        for direction in ("up", "down"):
            layers = record["devices"][direction]
            assert len(layers["tcp"]) == 3
            assert all(
                message <= tcp
                for message, tcp in zip(layers["message"], layers["tcp"], strict=True)
            )


def test_belongs_to_the_stream_where_devices_share_a_process(tmp_path: Path) -> None:
    summary = run_summary(
        write_experiment_file(tmp_path, LARGE), tmp_path / "out", "--set", "rounds=5",
        "--per-process", 3,
    )  # fmt: skip

    (stream,) = summary["streams"]
    assert stream["devices"] == [0, 1, 2]
    assert "tcp" not in summary["devices"]["up"]
    for direction in ("up", "down"):
        assert summary["bytes"][direction]["tcp"] == stream[direction]["tcp"]
        assert summary["bytes"][direction]["tcp"] >= summary["bytes"][direction]["message"]
