"""Devices that read or answer slowly: neither the others nor the server's memory suffer."""

import time
from pathlib import Path
from typing import Any

import pytest
from attacked import attacked, peer
from cluster import wait_until
from stranger import Stranger, request

pytestmark = pytest.mark.integration

DEADLINE_S = 0.3
Q = 20
SLOW: dict[str, Any] = {
    "name": "slow",
    "rounds": 10**6,
    "devices": {"count": 4, "byzantine": [3], "quorum": 3, "deadline_s": DEADLINE_S},
    "problem": {"kind": "linear-regression", "dimension": Q},
    "attack": {"kind": "sign-flip"},
    "step": {"learning_rate": 1e-9},
}


def test_keeps_one_broadcast_for_a_device_that_stops_reading(tmp_path: Path) -> None:
    dimension = 200_000
    tables = SLOW | {
        "problem": {"kind": "quadratic", "dimension": dimension},
        "compressor": {"kind": "random-sparsification", "keep": 0.01},
    }
    with attacked(tables, tmp_path, "0-2") as target:
        wait_until(lambda: target.server.rounds_closed() > 10, "some rounds")
        before, most, closed = target.memory(), 0, list[dict[str, Any]]()
        target.rounds()
        with peer(target, "never-reads", 3):
            wait_until(lambda: target.server.says("deadline, without 3"), "it to be late")
            target.rounds()
            started = time.monotonic()
            while len(closed) < 30:
                most = max(most, target.memory())
                closed += target.rounds()
                time.sleep(0.01)
            seconds = time.monotonic() - started

    # An old broadcast: its model, its message, and gRPC's copy of that. Not thirty.
    assert most - before < 6 * 8 * dimension
    assert all(record["missing"] == [3] for record in closed)
    # Not a deadline for each round.
    assert seconds < len(closed) * DEADLINE_S


def test_keeps_a_device_that_answers_all_the_rounds_it_has_missed(tmp_path: Path) -> None:
    with attacked(SLOW, tmp_path, "0-2") as target, Stranger(target.server.address, [3]) as slow:
        missed = [slow.read_round() for _ in range(200)]
        target.rounds()
        for asked in missed:  # far more than one for each round that is open meanwhile
            answer(slow, asked)
        while not any(record["missing"] == [] for record in target.rounds()):
            answer(slow, slow.read_round())

        assert not target.server.says("cut off")


def answer(stream: Stranger, asked: Any) -> None:
    part = {"slot": 0, "dense": {"float64": bytes(8 * Q)}}
    stream.send(request(reply={"round": asked.round, "plan": asked.plan, "parts": [part]}))
