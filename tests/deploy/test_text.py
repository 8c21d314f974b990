from pathlib import Path
from typing import Any

from comlad_deploy.text import describe_summary

SUMMARY: dict[str, Any] = {
    "experiment": {"name": "small"},
    "rounds": 3,
    "wall_seconds": 1.0,
    "engine": "processes",
    "loss": {"initial": 2.0, "final": 1.0},
    "bytes": {
        "up": {"payload": 900, "message": 950, "tcp": 1200, "link": 1860},
        "down": {"payload": 900, "message": 950, "tcp": 1200, "link": 1860},
    },
    "faults": {"refused": 0, "missing": 0, "strangers": 0},
    "model_sha256": "00",
}
OVERHEAD = {"messages": 3, "grpc_prefix": 15, "http2_frames": 27, "rest": 208}
PACKETS = {"packets": 10, "packet_headers": 660}


def described(**entries: Any) -> list[str]:
    return describe_summary({**SUMMARY, **entries}, Path("out")).splitlines()


def test_says_what_each_direction_spent_at_each_layer() -> None:
    assert "  up        payload 900 B, message 950 B, tcp 1.20 kB, link 1.86 kB" in described()


def test_says_where_the_bytes_between_two_layers_went() -> None:
    lines = described(overhead={"up": OVERHEAD, "down": {**OVERHEAD, **PACKETS}})

    up = next(index for index, line in enumerate(lines) if line.startswith("  up"))
    said = "            3 messages: gRPC 15 B, HTTP/2 frames about 27 B, the rest 208 B"
    assert lines[up + 1] == said
    assert lines[up + 3] == f"{said}; 10 packets: headers 660 B"
