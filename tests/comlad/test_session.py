from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from samples import fresh_rng, small

from comlad.experiment import Prepared, prepare, process_groups, read_experiment
from comlad.rounds import Memories, device_messages, local_site
from comlad.session import Session
from comlad.wire import decode_round, encode_reply, parse_response

ROBUST = {"kind": "trimmed-mean", "before": [{"kind": "nnm"}]}


def run(
    prepared: Prepared, per_process: int = 1, arrival: int = 0, silent: Sequence[int] = ()
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A run without a network; gives its summary and its lines.

    Args:
        prepared: What is run.
        per_process: How many devices share a process.
        arrival: Seed of the order in which processes answer.
        silent: Devices whose processes never answer.
    """
    experiment = prepared.experiment
    honest, byzantine = process_groups(experiment.devices, experiment.seed, per_process)
    groups, rng = [*honest, *byzantine], fresh_rng(arrival)
    session, site = Session(prepared), local_site(prepared)
    memories: Memories = {}
    records = []
    while not session.over:
        opened = session.open_round()
        payloads, memories = device_messages(site, opened.plan, memories)
        for group in (groups[i] for i in rng.permutation(len(groups))):
            opened.broadcast.charge(opened.counted, group)
            if not set(group) & set(silent):
                reply = encode_reply(opened.plan, [payloads[device] for device in group])
                assert opened.inbox.receive(group, reply) == []
        records.append(session.close_round(opened))
    return session.summary("inprocess", 0.0, {}), records


SETTINGS: dict[str, dict[str, Any]] = {
    "regression": {"aggregator": ROBUST},
    "images": {
        "problem": {"kind": "softmax-regression"},
        "compressor": {"kind": "random-sparsification", "keep": 0.3},
        "aggregator": ROBUST,
        "step": {"learning_rate": 0.1},
    },
    "redrawn": {"devices": {"count": 9, "byzantine": 4, "redraw": True}},
    "a chain under a common mask": {
        "compressor": [
            {"kind": "random-sparsification", "keep": 4, "index": "common"},
            {"kind": "qsgd", "levels": 4},
        ],
    },
}


@pytest.mark.parametrize("changes", SETTINGS.values(), ids=SETTINGS)
class TestARun:
    def test_repeats_itself_to_the_last_bit(self, changes: dict[str, Any]) -> None:
        first, second = run(small(**changes)), run(small(**changes))

        assert first == second

    def test_is_repeated_from_what_it_says_of_itself(self, changes: dict[str, Any]) -> None:
        summary, _ = run(small(**changes))

        again, _ = run(prepare(read_experiment(summary["experiment"])))

        assert again["model_sha256"] == summary["model_sha256"]

    def test_does_not_depend_on_who_answers_first(self, changes: dict[str, Any]) -> None:
        runs = [run(small(**changes), arrival=seed) for seed in range(3)]

        assert runs[0] == runs[1] == runs[2]

    def test_gives_the_same_model_whoever_shares_a_process(self, changes: dict[str, Any]) -> None:
        runs = [run(small(**changes), per_process)[0] for per_process in (1, 2, 100)]

        assert len({summary["model_sha256"] for summary in runs}) == 1
        assert len({summary["bytes"]["up"]["payload"] for summary in runs}) == 1

    def test_is_another_with_another_seed(self, changes: dict[str, Any]) -> None:
        one, other = (run(small(f"seed={seed}", **changes))[0] for seed in (1, 2))

        assert one["model_sha256"] != other["model_sha256"]

    def test_ends_after_its_rounds(self, changes: dict[str, Any]) -> None:
        summary, records = run(small("rounds=4", **changes))

        assert summary["rounds"] == 4
        assert [record["round"] for record in records] == [0, 1, 2, 3]
        assert summary["loss"]["final"] == records[-1]["loss"]


def test_shares_the_broadcast_between_the_devices_of_a_process() -> None:
    alone, _ = run(small("devices.byzantine=0"), per_process=1)
    together, _ = run(small("devices.byzantine=0"), per_process=5)

    assert together["bytes"]["down"]["payload"] * 5 == alone["bytes"]["down"]["payload"]
    assert together["bytes"]["down"]["message"] < alone["bytes"]["down"]["message"] / 3


def test_adds_the_rounds_bytes_up() -> None:
    summary, records = run(small())

    for direction in ("up", "down"):
        for layer in ("payload", "message"):
            parts = [record["bytes"][direction][layer] for record in records]
            assert summary["bytes"][direction][layer] == sum(parts)
            assert summary["bytes"][direction][layer] == sum(summary["devices"][direction][layer])


def test_counts_payloads_to_the_byte() -> None:
    summary, _ = run(small("rounds=10"))

    # Ten rounds of five devices: four values of 4 bytes and a bitmap of 1 byte up;
    # six float64 and five indices of 1 byte down.
    assert summary["bytes"]["up"]["payload"] == 10 * 5 * (4 * 4 + 1)
    assert summary["bytes"]["down"]["payload"] == 10 * 5 * (6 * 8 + 5)


def test_goes_on_without_devices_that_are_silent() -> None:
    summary, records = run(small(), silent=[3])

    assert summary["rounds"] == 3
    assert [record["missing"] for record in records] == [[3]] * 3
    assert summary["faults"]["by_device"] == {"3": {"missing": 3, "refused": 0}}


def test_keeps_the_model_while_too_few_answer() -> None:
    summary, records = run(small(), silent=[0, 1, 2])

    assert summary["loss"]["initial"] == summary["loss"]["final"]
    assert all("leaves none of 2 vectors" in record["skipped"] for record in records)


def test_stops_when_it_diverges() -> None:
    prepared = small(
        "rounds=1000",
        "devices.byzantine=0",
        "step.learning_rate=100",
        compressor={"kind": "identity"},
    )

    summary, records = run(prepared)

    assert summary["rounds"] == len(records) < 1000
    assert summary["stopped"] == (
        f"diverged: the loss is no longer finite after round {len(records) - 1}"
    )
    assert summary["loss"]["final"] is None


def test_learns() -> None:
    changes: dict[str, Any] = {
        "problem": {"kind": "softmax-regression"},
        "compressor": {"kind": "identity"},
        "step": {"learning_rate": 0.5},
    }

    summary, _ = run(small("rounds=60", "devices.byzantine=0", **changes))

    assert summary["accuracy"] > 0.85
    assert summary["loss"]["final"] < 0.7


def test_says_on_the_wire_what_it_planned() -> None:
    prepared = small()
    opened = Session(prepared).open_round()

    response = parse_response(opened.broadcast.message([4, 1]))

    plan = decode_round(
        response.round, devices=2, device_count=5, dimension=6, coding=prepared.experiment.coding
    )
    assert plan.number == opened.plan.number
    assert plan.tasks.tolist() == opened.plan.tasks[[4, 1]].tolist()


def test_sums_up_a_run_that_was_stopped_early() -> None:
    prepared = small()
    session = Session(prepared)
    session.failure = "stopped by hand"

    summary = session.summary("processes", 2.5, {"python": "3"}, strangers=1)

    assert session.over
    assert summary["stopped"] == "stopped by hand"
    assert summary["rounds"] == 0
    assert summary["faults"]["strangers"] == 1
    assert "stopped" not in run(prepared)[0]
    assert np.isfinite(summary["loss"]["final"])
