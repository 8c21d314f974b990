"""A run that is stopped between any two rounds, and gone on with."""

import io
import json
from typing import Any

import numpy as np
import pytest
from attack_samples import ATTACKS_TO_TRY
from rule_samples import RULES
from samples import name_of, small, tables

from comlad.errors import ConfigError
from comlad.experiment import Prepared, read_experiment
from comlad.rounds import (
    Answered,
    DeviceMemory,
    Memories,
    Snapshot,
    State,
    after_close,
    device_messages,
    experiment_sha256,
    local_site,
)
from comlad.session import Session
from comlad.wire import reply_messages

ROUNDS = 5


def through_a_file(snapshot: Snapshot) -> Snapshot:
    """The same as another process would read it."""
    file = io.BytesIO()
    np.savez(file, **snapshot.arrays)  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file, allow_pickle=False) as read:
        arrays = {name: read[name] for name in read.files}
    return Snapshot(snapshot.round, arrays, json.loads(json.dumps(snapshot.report)))


def run(prepared: Prepared, cut: bool, silent: int | None = None) -> tuple[Session, str]:
    """A whole run, and its lines.

    Args:
        prepared: What is run.
        cut: Whether it is stopped after every round, and another one goes on with it.
        silent: A device that misses every second round.
    """
    session, site = Session(prepared), local_site(prepared)
    memories: Memories = {}
    lines = []
    while not session.over:
        opened = session.open_round()
        payloads, answered = device_messages(site, opened.plan, memories)
        for device, payload in enumerate(payloads):
            opened.broadcast.charge(opened.counted, (device,))
            late = device == silent and opened.plan.round % 2
            for message in reply_messages(opened.plan, [payload]) if payload and not late else ():
                opened.inbox.receive((device,), message)
        lines.append(session.close_round(opened))
        memories = after_close(memories, answered, session.state)
        if cut:
            snapshot = through_a_file(session.snapshot(memories))
            session, memories = Session(prepared, snapshot), snapshot.memories()
    return session, json.dumps(lines)


ELEVEN = ("devices.count=11", "devices.byzantine=[2, 9]", f"rounds={ROUNDS}")
CODINGS: list[dict[str, Any]] = [
    {"coding": {"kind": "draco-cyclic", "load": 5}, "compressor": {"kind": "identity"}},
    {"coding": {"kind": "draco-repetition", "load": 11}, "compressor": {"kind": "identity"}},
]
DOWNLINKS: list[dict[str, Any]] = [
    {"downlink": {"model": "float32"}},
    {"downlink": {"permutation": "own"}},
]
PARTS: dict[str, dict[str, Any]] = {
    **{name_of(rule): {"aggregator": rule} for rule in RULES},
    **{name_of(attack): {"attack": attack} for attack in ATTACKS_TO_TRY},
    **{name_of(part["coding"]): part for part in CODINGS},
    **{f"{part['downlink']}": part for part in DOWNLINKS},
    "mixing": {"aggregator": {"kind": "centered-clipping", "before": [{"kind": "nnm"}]}},
    "learning rate": {"step": {"learning_rate": 1e-4, "decay": 0.5}},
}


def prepared_with(changes: dict[str, Any]) -> Prepared:
    return small(*ELEVEN, "devices.too_few='skip'", **changes)


@pytest.mark.parametrize("changes", PARTS.values(), ids=PARTS)
def test_goes_on_as_if_it_had_never_stopped(changes: dict[str, Any]) -> None:
    prepared = prepared_with(changes)

    (whole, lines), (pieces, others) = (run(prepared, cut, silent=4) for cut in (False, True))

    assert others == lines
    assert pieces.summary("inprocess", 0.0, {}) == whole.summary("inprocess", 0.0, {})
    assert whole.state.round == ROUNDS


ESTIMATORS: list[dict[str, Any]] = [
    {"kind": "ef14"},
    {"kind": "ef21", "start": "warm"},
    {"kind": "ef21-sgdm"},
    {"kind": "byz-dm21"},
    {"kind": "byz-vr-dm21"},
    {"kind": "diana"},
    {"kind": "byz-dasha-page"},
    {"kind": "byz-vr-marina", "probability": 0.3},
]


def remembering(estimator: dict[str, Any], attack: str = "sign-flip") -> Prepared:
    """The experiment under an estimator, where devices draw samples."""
    contractive = estimator["kind"].startswith(("ef", "byz-dm", "byz-vr-dm"))
    compressor = {"kind": "top-k" if contractive else "random-sparsification", "keep": 4}
    return prepared_with(
        {
            "estimator": estimator,
            "compressor": compressor,
            "problem": {"kind": "least-squares", "samples": 44, "dimension": 50},
            "sampling": {"batch": 3},
            "attack": {"kind": attack},
        }
    )


@pytest.mark.parametrize("attack", ["sign-flip", "foe", "mimic", "label-flip"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_goes_on_with_what_an_estimator_remembers(estimator: dict[str, Any], attack: str) -> None:
    prepared = remembering(estimator, attack)

    (whole, lines), (pieces, others) = (run(prepared, cut, silent=4) for cut in (False, True))

    assert others == lines
    assert pieces.state.model.tobytes() == whole.state.model.tobytes()


@pytest.mark.parametrize("part", ["memories/", "devices/", "answered"])
def test_would_not_without_any_of_that(part: str) -> None:
    prepared = remembering({"kind": "ef21-sgdm"}, "foe")
    session, site = Session(prepared), local_site(prepared)
    opened = session.open_round()
    payloads, memories = device_messages(site, opened.plan, {})
    for device, payload in enumerate(payloads):
        for message in reply_messages(opened.plan, [payload]):
            opened.inbox.receive((device,), message)
    session.close_round(opened)

    arrays = session.snapshot(memories).arrays

    assert any(path.startswith(part) for path in arrays)


def test_has_the_shadows_of_devices_whose_answers_did_not_count() -> None:
    shadow, held = {"momentum": np.ones(6)}, {"momentum": np.zeros(6)}
    memories = {4: DeviceMemory(held, {}, shadow), 7: DeviceMemory(held, {"lore": np.ones(2)})}
    state = State(1, np.zeros(6), answered={4: Answered(1)})

    found = through_a_file(Snapshot.of(state, {}, memories)).memories()

    assert found[4].shadow is not None
    assert found[4].shadow["momentum"].tolist() == [1.0] * 6
    assert found[4].estimator["momentum"].tolist() == [0.0] * 6
    assert found[7].shadow is None
    assert found[7].attack["lore"].tolist() == [1.0] * 2


def test_has_the_last_answer_that_counted_of_every_device() -> None:
    answered = {0: Answered(3), 4: Answered(9, 2**32 - 1)}
    state = State(9, np.zeros(6), answered=answered)

    found = through_a_file(Snapshot.of(state, {}, {})).state(small())

    assert found.answered == answered


@pytest.mark.parametrize("kind", ["mimic", "replay", "straggler"])
def test_would_not_without_what_attacks_remember(kind: str) -> None:
    """Or the samples above would show nothing."""
    site = local_site(prepared_with({"attack": {"kind": kind}}))
    session = Session(prepared_with({"attack": {"kind": kind}}))

    _, memories = device_messages(site, session.open_round().plan, {})

    arrays = session.snapshot(memories).arrays
    assert any(path.startswith("devices/") for path in arrays)


def test_would_not_without_what_a_rule_remembers() -> None:
    prepared = prepared_with({"aggregator": {"kind": "centered-clipping"}})
    session, site = Session(prepared), local_site(prepared)
    opened = session.open_round()
    payloads, _ = device_messages(site, opened.plan, {})
    for device, payload in enumerate(payloads):
        for message in reply_messages(opened.plan, [payload]):
            opened.inbox.receive((device,), message)
    session.close_round(opened)

    snapshot = session.snapshot()
    forgetful = Snapshot(1, {"model": snapshot.arrays["model"]}, snapshot.report)

    assert snapshot.state(prepared).aggregate is not None
    assert forgetful.state(prepared).aggregate is None


def test_is_of_the_round_that_was_recorded_last() -> None:
    prepared = small()
    session = Session(prepared)
    before = session.snapshot()

    closed = session.advance(session.open_round())

    assert session.snapshot().round == before.round == 0
    session.record(closed)
    assert session.snapshot().round == 1


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (None, "model none"),
        (np.zeros(5), r"model float64 \(5,\)"),
        (np.zeros(6, np.float32), r"model float32 \(6,\)"),
        (np.zeros((6, 1)), r"model float64 \(6, 1\)"),
    ],
)
def test_says_that_a_model_is_none_of_the_experiment(model: Any, found: str) -> None:
    arrays = {} if model is None else {"model": model}

    with pytest.raises(ConfigError, match=rf"{found}: must be float64 \(6,\)"):
        Session(small(), Snapshot(1, arrays))


class TestTheDigestOfAnExperiment:
    def digest(self, *assignments: str, **changes: Any) -> str:
        return experiment_sha256(read_experiment(tables(*assignments, **changes)))

    @pytest.mark.parametrize(
        "assignment",
        [
            "name='other'",
            "rounds=1000",
            "devices.deadline_s=0.5",
            "devices.quorum=3",
            "devices.too_few='skip'",
            "devices.repeats=0",
        ],
    )
    def test_leaves_out_what_may_be_another_when_a_run_goes_on(self, assignment: str) -> None:
        assert self.digest(assignment) == self.digest()

    @pytest.mark.parametrize(
        "assignment",
        [
            "seed=2",
            "devices.count=6",
            "devices.byzantine=[0]",
            "devices.tolerate=2",
            "devices.missing='late'",
            "problem.dimension=7",
            "coding.load=3",
            "compressor.keep=3",
            "aggregator.trim=0",
            "attack.factor=-1.0",
            "step.learning_rate=1e-5",
            "downlink.model='float32'",
            "sampling.batch=1",
            "estimator.biased=false",
        ],
    )
    def test_is_another_with_another_experiment(self, assignment: str) -> None:
        assert self.digest(assignment) != self.digest()

    def test_has_the_quorum_if_that_decides_which_rounds_are_skipped(self) -> None:
        skipping = self.digest("devices.too_few='skip'", "devices.quorum=4")

        assert skipping != self.digest("devices.too_few='skip'", "devices.quorum=3")
        assert skipping != self.digest("devices.too_few='repeat'", "devices.quorum=4")
        assert skipping == self.digest(
            "devices.too_few='skip'", "devices.quorum=4", "devices.deadline_s=0.5"
        )

    def test_does_not_depend_on_defaults_that_are_written_out(self) -> None:
        assert self.digest("devices.missing='fault'", "step.kind='sgd'") == self.digest()
