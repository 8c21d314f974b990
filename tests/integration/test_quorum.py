"""Rounds that close without everybody, and those that do not, over a real connection."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from cluster import PATIENCE_S, SMALL, Server, devices, read_rounds, serving, wait_until
from parity import replayed
from stranger import Stranger, request

pytestmark = pytest.mark.integration

DEADLINE_S = 0.5


def tables(rounds: int, count: int = 4, **devices: Any) -> dict[str, Any]:
    return SMALL | {
        "rounds": rounds,
        "devices": {"count": count, "deadline_s": DEADLINE_S} | devices,
    }


def last_missing(server: Server) -> list[int]:
    lines = (server.out / "rounds.jsonl").read_text().splitlines()
    missing: list[int] = json.loads(lines[-1])["missing"]
    return missing


def test_a_round_is_repeated_until_a_device_comes_back(tmp_path: Path) -> None:
    found = tables(500, quorum=4, repeats=1000)

    with serving(found, tmp_path) as server, devices(server.address, "0-2"):
        with devices(server.address, 3):
            wait_until(lambda: server.rounds_closed() > 20, "some rounds")
        wait_until(lambda: server.says("3 of 4 devices answered: must be 4"), "a repetition")
        closed = server.rounds_closed()
        assert closed < 500
        with devices(server.address, 3):
            summary = server.finish()

    records = read_rounds(server.out)
    assert all(record["missing"] == [] for record in records)
    assert max(record["seconds"] for record in records) == records[closed]["seconds"]
    assert summary["model_sha256"] == replayed(found, server.out, 500)


@pytest.mark.parametrize("choice", [{"too_few": "stop"}, {"too_few": "repeat", "repeats": 1}])
def test_a_run_stops_that_has_too_few(tmp_path: Path, choice: dict[str, Any]) -> None:
    with (
        serving(tables(5, count=2, quorum=2, **choice), tmp_path) as server,
        devices(server.address, 0),
        Stranger(server.address, [1]),
    ):
        status, errors = server.end()

    reason = "round 0: 1 of 2 devices answered: must be 2, the quorum"
    assert status == 1
    assert errors.splitlines()[-1] == f"comlad-server: {reason}"
    assert json.loads((server.out / "summary.json").read_text())["stopped"] == reason
    assert read_rounds(server.out) == []


def test_a_run_stops_at_once_where_waiting_is_no_use(tmp_path: Path) -> None:
    """All devices have answered, and what was refused stays refused."""
    patient = tables(5, count=2, quorum=2, deadline_s=PATIENCE_S)

    with (
        serving(patient, tmp_path) as server,
        devices(server.address, 0),
        Stranger(server.address, [1]) as liar,
    ):
        asked = liar.read_round()
        liar.send(request(reply={"round": asked.round, "plan": asked.plan, "parts": [{}]}))
        status, errors = server.end()

    assert status == 1
    assert "round 0: 1 of 2 devices answered: must be 2, the quorum" in errors


def test_rounds_that_have_too_few_are_skipped(tmp_path: Path) -> None:
    found = tables(2, count=2, quorum=2, too_few="skip")

    with (
        serving(found, tmp_path) as server,
        devices(server.address, 0),
        Stranger(server.address, [1]),
    ):
        summary = server.finish()

    assert summary["loss"]["initial"] == summary["loss"]["final"]
    assert summary["skipped"] == {
        "rounds": 2,
        "last": "1 of 2 devices answered: must be 2, the quorum",
    }
    assert [record["missing"] for record in read_rounds(server.out)] == [[1]] * 2
    assert summary["model_sha256"] == replayed(found, server.out, 2)


def test_a_round_is_not_skipped_before_its_deadline(tmp_path: Path) -> None:
    """Whoever has left may be back by then."""
    found = tables(3, count=2, quorum=2, too_few="skip")

    with serving(found, tmp_path) as server, devices(server.address, 0):
        with Stranger(server.address, [1]) as leaving:
            leaving.read_round()
        server.finish()

    records = read_rounds(server.out)
    assert [record["missing"] for record in records] == [[1]] * 3
    assert min(record["seconds"] for record in records) > 0.9 * DEADLINE_S


@pytest.mark.parametrize("too_few", ["stop", "skip"])
def test_no_deadline_counts_while_nobody_is_connected(tmp_path: Path, too_few: str) -> None:
    found = tables(500, quorum=4, too_few=too_few)

    def waits() -> bool:
        _, _, since = (tmp_path / "server.log").read_text().partition("have gone")
        return "no device is connected; waiting" in since

    with serving(found, tmp_path) as server:
        with devices(server.address, "0-3"):
            wait_until(lambda: server.rounds_closed() > 20, "some rounds")
        wait_until(waits, "the server to wait")
        closed = server.rounds_closed()
        with devices(server.address, "0-3"):
            server.finish()

    assert closed < 500
    assert all(record["missing"] == [] for record in read_rounds(server.out))


def test_a_run_that_went_on_with_a_larger_quorum_is_replayed(tmp_path: Path) -> None:
    few, all_four = (tables(rounds, quorum=quorum) for rounds, quorum in ((3, 3), (6, 4)))

    with serving(few, tmp_path) as server, devices(server.address, "0-2"):
        server.finish()
    with serving(all_four, tmp_path, "--resume") as server, devices(server.address, "0-3"):
        summary = server.finish()

    assert [record["missing"] for record in read_rounds(server.out)] == [[3]] * 3 + [[]] * 3
    assert summary["model_sha256"] == replayed(all_four, server.out, 6)


@pytest.mark.parametrize(("missing", "trimmed"), [("fault", 0), ("late", 1)])
def test_a_run_begins_and_goes_on_with_a_quorum(tmp_path: Path, missing: str, trimmed: int) -> None:
    """What a rule makes of the others depends on what the one that never comes is."""
    devices_table = {"quorum": 4, "missing": missing, "tolerate": 1}
    found = tables(5, count=5, **devices_table) | {"aggregator": {"kind": "trimmed-mean"}}

    with serving(found, tmp_path) as server, devices(server.address, "0-3"):
        summary = server.finish()

    assert [record["missing"] for record in read_rounds(server.out)] == [[4]] * 5
    assert summary["model_sha256"] == replayed(found, server.out, 5)
    explicit = found | {"aggregator": {"kind": "trimmed-mean", "trim": trimmed}}
    assert summary["model_sha256"] == replayed(explicit, server.out, 5)


def test_a_run_with_refused_answers_is_replayed(tmp_path: Path) -> None:
    found = tables(4, count=5, byzantine=[4], missing="late") | {
        "aggregator": {"kind": "trimmed-mean"},
        "attack": {"kind": "sign-flip"},
    }

    with (
        serving(found, tmp_path) as server,
        devices(server.address, "0-3"),
        Stranger(server.address, [4]) as liar,
    ):
        for round in range(3):  # and nothing in the last
            asked = liar.read_round()
            liar.send(request(reply={"round": round, "plan": asked.plan, "parts": [{}]}))
        summary = server.finish()

    records = read_rounds(server.out)
    assert [record["missing"] for record in records] == [[], [], [], [4]]
    assert [list(record["refused"]) for record in records] == [["4"], ["4"], ["4"], []]
    assert summary["model_sha256"] == replayed(found, server.out, 4)


def test_a_device_that_was_stopped_takes_part_again(tmp_path: Path) -> None:
    """Though more rounds have passed than it may give late answers to."""
    found = tables(10**6, deadline_s=0.2)

    with (
        serving(found, tmp_path) as server,
        devices(server.address, "0-2"),
        devices(server.address, 3) as (stopped,),
    ):
        wait_until(lambda: server.rounds_closed() > 20, "some rounds")
        stopped.send_signal(signal.SIGSTOP)
        wait_until(lambda: 3 in last_missing(server), "it to be missed")
        before = server.rounds_closed()
        wait_until(lambda: server.rounds_closed() > before + 12, "some rounds without it")
        stopped.send_signal(signal.SIGCONT)
        wait_until(lambda: last_missing(server) == [], "its return")
        back = server.rounds_closed()
        wait_until(lambda: server.rounds_closed() > back + 20, "some rounds with it")
        server.process.send_signal(signal.SIGTERM)
        server.end()
        assert stopped.poll() is None

    records = read_rounds(server.out)
    assert not any(record["refused"] for record in records)
    late = [reason for record in records for _, reason in record.get("stray", ())]
    assert all("a reply to round" in reason for reason in late)
    model = json.loads((server.out / "summary.json").read_text())["model_sha256"]
    assert model == replayed(found, server.out, len(records))
