import hashlib
import json
from typing import Any

import numpy as np
import pytest
from samples import small

from comlad.experiment import Prepared, read_experiment
from comlad.rounds import (
    ByteCount,
    Direction,
    Layer,
    Outcome,
    Report,
    State,
    initial_state,
    round_record,
)


def record(prepared: Prepared, state: State, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "outcome": Outcome(0.5),
        "missing": [],
        "refused": {},
        "stray": [],
        "counted": ByteCount(5),
    } | changes
    return round_record(prepared, state, **given)


class TestRoundRecord:
    def test_is_of_the_round_that_was_closed(self) -> None:
        prepared = small()

        line = record(prepared, State(1, np.zeros(6)))

        assert line["round"] == 0
        assert line["loss"] == prepared.objective.loss(np.zeros(6))
        assert line["update_norm"] == 0.5

    def test_has_accuracy_where_the_problem_has_one(self) -> None:
        images = small(problem={"kind": "softmax-regression"})

        assert 0 < record(images, State(1, np.ones(650)))["accuracy"] < 0.3
        assert "accuracy" not in record(small(), State(1, np.zeros(6)))

    def test_says_why_the_model_stayed(self) -> None:
        skipped = record(small(), State(1, np.zeros(6)), outcome=Outcome(0.0, "nobody answered"))

        assert skipped["skipped"] == "nobody answered"
        assert "skipped" not in record(small(), State(1, np.zeros(6)))

    def test_names_who_was_told_what_is_held_of_it(self) -> None:
        prepared, state = small(), State(1, np.zeros(6))

        assert record(prepared, state, recovered={4, 1})["recovered"] == [1, 4]
        assert "recovered" not in record(prepared, state)

    def test_says_what_came_of_decoding(self) -> None:
        prepared, state = small(), State(1, np.zeros(6))

        found = record(prepared, state, outcome=Outcome(0.5, suspects=(1, 3)))
        failed = record(prepared, state, outcome=Outcome(0.5, decode_failed=True))

        assert found["suspects"] == [1, 3]
        assert "decode_failed" not in found
        assert failed["decode_failed"] is True
        assert "suspects" not in failed

    def test_names_who_was_missing_and_who_was_refused(self) -> None:
        line = record(small(), State(1, np.zeros(6)), missing=[4, 2], refused={3: "b", 0: "a"})

        assert line["missing"] == [2, 4]
        assert line["refused"] == {"0": "a", "3": "b"}

    def test_lists_strays_only_where_there_are_some(self) -> None:
        line = record(small(), State(1, np.zeros(6)), stray=iter([(2, "late")]))

        assert line["stray"] == [[2, "late"]]
        assert "stray" not in record(small(), State(1, np.zeros(6)))

    def test_counts_bytes(self) -> None:
        counted = ByteCount(5)
        counted.add(Direction.UP, Layer.PAYLOAD, (2,), 30)

        line = record(small(), State(1, np.zeros(6)), counted=counted)

        assert line["bytes"]["up"] == {"payload": 30, "message": 0}
        assert line["devices"]["up"]["payload"] == [0, 0, 30, 0, 0]
        assert "streams" not in line

    @pytest.mark.parametrize("model", [1e155, 1e200, 1e300])
    def test_has_no_loss_beyond_the_finite_numbers(self, model: float) -> None:
        assert record(small(), State(1, np.full(6, model)))["loss"] is None

    def test_is_json_that_anyone_can_read(self) -> None:
        line = record(small(), State(1, np.full(6, 1e200)), outcome=Outcome(float("inf")))

        assert json.loads(json.dumps(line, allow_nan=False))["update_norm"] is None


class TestReport:
    def test_of_a_run_without_rounds_ends_where_it_starts(self) -> None:
        prepared = small()

        summary = Report(prepared, initial_state(prepared)).summary("inprocess", 0.0, {})

        assert summary["rounds"] == 0
        assert summary["loss"]["initial"] == summary["loss"]["final"] > 0

    def test_ends_with_the_last_round(self) -> None:
        prepared = small(problem={"kind": "softmax-regression"})
        report, state = Report(prepared, initial_state(prepared)), State(1, np.ones(650))

        report.add(record(prepared, state), state, ByteCount(5))

        summary = report.summary("inprocess", 1.5, {"python": "3"})
        assert summary["rounds"] == 1
        assert summary["loss"]["final"] == prepared.objective.loss(state.model)
        assert summary["accuracy"] == prepared.objective.accuracy(state.model)
        assert summary["wall_seconds"] == 1.5
        assert summary["versions"] == {"python": "3", "numpy": np.__version__}

    def test_names_the_model_by_its_digest(self) -> None:
        prepared = small()
        model = np.arange(6.0)

        summary = Report(prepared, State(0, model)).summary("inprocess", 0.0, {})

        assert summary["model_sha256"] == hashlib.sha256(model.astype("<f8").tobytes()).hexdigest()

    def test_adds_bytes_up(self) -> None:
        prepared = small()
        state = initial_state(prepared)
        report, counted = Report(prepared, state), ByteCount(5)
        counted.add(Direction.DOWN, Layer.MESSAGE, (0, 1), 10)

        for _ in range(3):
            report.add(record(prepared, state, counted=counted), state, counted)

        summary = report.summary("inprocess", 0.0, {})
        assert summary["bytes"]["down"]["message"] == 30
        assert summary["streams"][0]["down"]["message"] == 30

    def test_counts_faults_by_device(self) -> None:
        prepared = small()
        state = initial_state(prepared)
        report = Report(prepared, state)

        for line in (
            record(prepared, state, missing=[1, 2], refused={3: "bad"}),
            record(prepared, state, missing=[2], stray=[(3, "late"), (0, "late")]),
        ):
            report.add(line, state, ByteCount(5))

        assert report.summary("processes", 0.0, {}, strangers=7)["faults"] == {
            "missing": 3,
            "refused": 3,
            "strangers": 7,
            "by_device": {
                "0": {"missing": 0, "refused": 1},
                "1": {"missing": 1, "refused": 0},
                "2": {"missing": 2, "refused": 0},
                "3": {"missing": 0, "refused": 2},
            },
        }

    def test_says_how_much_is_remembered(self) -> None:
        tracked = small(estimator={"kind": "byz-vr-dm21"}, compressor={"kind": "top-k", "keep": 2})

        assert Report(tracked, initial_state(tracked)).summary("", 0.0, {})["memory"] == {
            "server": {"vectors": 1, "bytes": 5 * 1 * 6 * 8},
            "device": {"vectors": 4, "bytes": 4 * 6 * 8},
        }

    def test_says_nothing_of_memory_where_there_is_none(self) -> None:
        plain = small()

        assert "memory" not in Report(plain, initial_state(plain)).summary("", 0.0, {})

    def test_names_the_liars_unless_they_change(self) -> None:
        fixed, redrawn = small("devices.byzantine=[4, 1]"), small("devices.redraw=true")

        assert Report(fixed, initial_state(fixed)).summary("", 0.0, {})["byzantine"] == [1, 4]
        assert "byzantine" not in Report(redrawn, initial_state(redrawn)).summary("", 0.0, {})

    def test_holds_the_experiment_as_it_can_be_run_again(self) -> None:
        prepared = small()

        summary = Report(prepared, initial_state(prepared)).summary("inprocess", 0.0, {})

        assert read_experiment(summary["experiment"]) == prepared.experiment
        assert json.loads(json.dumps(summary, allow_nan=False)) == summary
