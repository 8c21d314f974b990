"""Peers that mean harm, each against a real server whose honest devices go on."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from attacked import Attacked, attacked, done, peer
from cluster import PATIENCE_S, run_summary, wait_until, write_experiment_file
from hostile import KINDS
from stranger import Stranger, request

pytestmark = pytest.mark.integration

HONEST, LIARS = range(7), range(7, 12)
TABLES: dict[str, Any] = {
    "name": "hostile",
    "rounds": 10**6,
    "devices": {"count": 12, "byzantine": [*LIARS], "quorum": len(HONEST), "deadline_s": 1.0},
    "problem": {"kind": "linear-regression", "dimension": 2500},
    "aggregator": {"kind": "median"},
    "attack": {"kind": "sign-flip"},
    "step": {"learning_rate": 1e-9},
}

# Rounds that must be closed during an attack.
ROUNDS = 50
# What an attack may add to the server's memory. Without limits half messages added 430 MB,
# calls that are reset 60 MB and calls that never join 45 MB.
ROOM_BYTES = 32 * 10**6

# How much of it there must be, and the id it takes if it joins.
PEERS = {
    "burst": (10**5, 7),
    "too-large": (10, 8),
    "too-large-for-grpc": (3, 9),
    "endless-chunks": (20, 10),
    "never-reads": (1, 11),
    "half-open": (200, None),
    "garbage": (30, None),
    "connects": (200, None),
    "never-joins": (2000, None),
    "half-messages": (80, None),
    "many-streams": (300, None),
    "rapid-reset": (20_000, None),
    "pings": (20_000, None),
    "fetches": (20, None),
    "fetches-unread": (80, None),
}
# What the log must say of those that are devices.
REASONS = {
    "burst": "cut off devices 7: refused ",
    "too-large": "refused device 8: a message of 32768 bytes: must be at most",
    "too-large-for-grpc": "devices 9 have gone",  # the reason is gRPC's, which tells the device
    "endless-chunks": "refused device 10: chunks of",
    "never-reads": "deadline, without 7, 8, 9, 10, 11",
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(TABLES, tmp_path_factory.mktemp("attacked"), "0-6") as target:
        yield target


def test_every_kind_is_tried() -> None:
    assert PEERS.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", PEERS)
def test_goes_on_in_bounded_memory_while_a_peer_attacks(target: Attacked, kind: str) -> None:
    enough, device = PEERS[kind]
    target.rounds()
    before, most, closed = target.memory(), 0, list[dict[str, Any]]()

    with peer(target, kind, device) as log:
        end = time.monotonic() + PATIENCE_S
        while done(log) < enough or len(closed) < ROUNDS or not says(target, kind):
            assert time.monotonic() < end, (done(log), len(closed))
            most = max(most, target.memory())
            closed += target.rounds()
            time.sleep(0.01)

    assert most - before < ROOM_BYTES
    assert all(set(record["missing"]) <= set(LIARS) for record in closed)
    assert not any(int(refused) in HONEST for record in closed for refused in record["refused"])


def says(target: Attacked, kind: str) -> bool:
    return target.server.says(REASONS.get(kind, ""))


def test_lets_nobody_back_at_once_who_was_cut_off(target: Attacked) -> None:
    address, device = target.server.address, 9
    with Stranger(address, [device]) as flood:
        for _ in range(5000):
            flood.send(b"")
        with pytest.raises(grpc.RpcError) as cut_off:
            read_to_the_end(flood)
    with Stranger(address) as again:
        again.send(request(join={"device_ids": [device]}))

        assert again.call.code() == grpc.StatusCode.UNAVAILABLE
        assert again.call.details().startswith("suspended for ")
    assert cut_off.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def read_to_the_end(stream: Stranger) -> None:
    while True:
        stream.read()


def test_gives_the_model_of_the_honest(tmp_path: Path) -> None:
    tables = TABLES | {"rounds": 300}
    with attacked(tables, tmp_path, "0-2", "3-6") as target:
        with ExitStack() as stack:
            for kind in ("burst", "endless-chunks", "never-reads", "never-joins"):
                stack.enter_context(peer(target, kind, PEERS[kind][1]))
            wait_until(lambda: target.server.rounds_closed() == 300, "all rounds")
        summary = target.server.finish()

    attendance = target.server.out / "rounds.jsonl"
    file = write_experiment_file(tmp_path, tables)
    options = ("--engine", "inprocess", "--attendance", attendance)
    simulated = run_summary(file, tmp_path / "sim", *options)
    assert summary["rounds"] == 300
    assert {int(device) for device in summary["faults"]["by_device"]} == set(LIARS)
    assert summary["model_sha256"] == simulated["model_sha256"]
