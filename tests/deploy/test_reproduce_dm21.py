"""The claims of Byz-DM21, judged; and the runs behind them."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comlad.errors import ConfigError
from comlad.experiment import prepare, read_experiment
from comlad.rounds import simulate
from comlad.wire import encode_reply
from comlad_deploy.inprocess import run_inprocess
from comlad_deploy.reproduce import Options, reproduce
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._trace import Trace, compute, marks
from comlad_deploy.reproduce.dm21._attacks import Attacks
from comlad_deploy.reproduce.dm21._linear import Linear
from comlad_deploy.reproduce.dm21._methods import ATTACKS, METHODS, RULES, STEPS, experiment
from comlad_deploy.reproduce.dm21._numbers import (
    Line,
    at_rounds,
    average,
    fit,
    floor,
    geometric,
    over,
    start,
)
from comlad_deploy.reproduce.dm21._rates import Rates
from comlad_deploy.reproduce.dm21._redrawn import Redrawn
from comlad_deploy.reproduce.dm21._study import Measured, claimed
from comlad_deploy.reproduce.dm21._variance import Variance
from comlad_server.results import Results

ROUNDS = 16
MEAN = {"kind": "mean"}


def trace(norms: list[float], **more: Any) -> Trace:
    """A run with these norms of the gradient."""
    losses = tuple(norms)
    return Trace(losses, "", 0, 0, 0.0, gradient_norms=losses, **more)


class Table(Runs):
    """Runs of which the outcome is made up.

    Args:
        outcome: By a job's tables its trace.
    """

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome
        self._made: dict[str, Trace] = {}

    def have(self, study: Any) -> "Table":
        for jobs in study.stages(self):
            for job in jobs:
                self._made[job.place] = self._outcome(job.tables)
        return self

    def __getitem__(self, place: str) -> Trace:
        return self._made[place]


def claim(findings: Any, key: str) -> dict[str, Any]:
    (found,) = (claim for claim in findings.claims if claim["key"] == key)
    result: dict[str, Any] = found
    return result


def test_every_experiment_can_be_run() -> None:
    for method in METHODS:
        for attack in (*ATTACKS.values(), None):
            for rule in RULES.values():
                for kind in ("top-k", "rand-k"):
                    tables = experiment(
                        method,
                        attack=attack,
                        rounds=1,
                        seed=0,
                        step=0.5,
                        rule=rule,
                        compressor=method.compressor(kind),
                    )
                    prepare(read_experiment(tables))


class TestNumbers:
    def test_are_of_the_last_fifth_of_all_rounds_and_of_some(self) -> None:
        run = trace([2.0, *([1.0] * 79), *([0.5] * 20), 0.5])

        assert start(run) == 4
        assert floor(run) == pytest.approx(0.25)
        assert at_rounds(run.losses, 100, 0.1, 0.3) == 1
        assert at_rounds(run.losses, 100, 0.8, 1.0) == 0.5

    def test_of_runs_that_diverge_are_the_worst_there_are(self) -> None:
        assert over(math.inf, 2.0) == over(math.inf, math.inf) == over(1.0, 0.0) == math.inf
        assert over(2.0, math.inf) == 0
        assert geometric([0.0, 1.0]) == 0
        assert geometric([4.0, 9.0]) == pytest.approx(6)

    def test_have_the_slope_of_a_power(self) -> None:
        line = fit([1, 2, 4, 8], [3 * x**-4.0 for x in (1, 2, 4, 8)])

        assert line.slope == pytest.approx(-4)
        assert line.r2 == pytest.approx(1)
        assert line.error == pytest.approx(0, abs=1e-7)

    def test_say_how_straight_a_line_is(self) -> None:
        line = Line([0, 1, 2, 3], [0, 1, 0, 1])

        # Of the textbook: slope 1/5, residual squares 0.8, of 2 degrees of freedom.
        assert line.r2 == pytest.approx(0.2)
        assert line.error == pytest.approx(math.sqrt(0.8 / 2 / 5))


def test_looks_closely_at_a_run(tmp_path: Path) -> None:
    tables = experiment(METHODS[0], attack=ATTACKS["ALIE"], rounds=5, seed=1, step=0.5)
    prepared = prepare(read_experiment(tables))
    with Results(tmp_path, prepared.experiment) as results:
        summary = run_inprocess(prepared, results)

    found = compute(tables, closely=True, weighed=True)

    states = [state for state, _ in simulate(prepared)]
    assert found.model_sha256 == summary["model_sha256"]
    assert found.uplink[-1] == summary["bytes"]["up"]["message"]
    assert found.accuracies[-1] == summary["accuracy"]
    assert len(found.errors) == 5
    liars = summary["byzantine"]
    honest = np.array([device for device in range(20) if device not in liars])
    gradient = prepared.objective.gradients(states[-1].model, honest).mean(axis=0)
    assert found.gradient_norms[-1] == pytest.approx(math.sqrt(gradient @ gradient))
    at = states[-2].model  # where the last answers' gradients were taken
    errors = [
        ((states[-1].memories[i]["estimate"] - g) ** 2).sum()
        for i, g in zip(honest, prepared.objective.gradients(at, honest), strict=True)
    ]
    assert found.errors[-1] == pytest.approx(float(np.mean(errors)))


def test_takes_the_gradient_of_all_devices_where_all_have_all_data() -> None:
    tables = experiment(
        METHODS[0], attack=ATTACKS["SF"], rounds=3, seed=1, step=0.5, coding={"kind": "cyclic"}
    )
    prepared = prepare(read_experiment(tables))
    *_, (state, _) = simulate(prepared)

    found = compute(tables, closely=True)

    gradient = prepared.objective.gradients(state.model, np.arange(20)).mean(axis=0)
    assert found.gradient_norms[-1] == pytest.approx(math.sqrt(gradient @ gradient))
    assert found.errors == ()


def test_averages_over_all_rounds_however_few_are_marked() -> None:
    rounds = 450
    tables = experiment(METHODS[0], attack=None, rounds=rounds, seed=0, step=0.5, rule=MEAN)
    prepared = prepare(read_experiment(tables))
    models = [np.zeros(30), *(state.model for state, _ in simulate(prepared))]

    found = compute(tables, closely=True, averaged=True)

    gradients = [prepared.objective.gradients(x, np.arange(20)).mean(axis=0) for x in models[:-1]]
    assert len(found.losses) < rounds / 2
    assert average(found) == pytest.approx(np.mean([g @ g for g in gradients]))


def test_has_neither_bytes_nor_errors_where_they_are_not_asked_for() -> None:
    tables = experiment(METHODS[-1], attack=None, rounds=2, seed=0, step=0.5)

    assert compute(tables).gradient_norms == ()
    assert compute(tables, closely=True).uplink == (0, 0, 0)
    assert compute(tables, closely=True).errors == ()  # nothing is held under plain


def test_counts_the_bytes_of_a_process_for_each_device() -> None:
    tables = experiment(METHODS[0], attack=None, rounds=1, seed=0, step=0.5)
    sizes: list[int] = []

    for _ in simulate(
        prepare(read_experiment(tables)),
        lambda plan, payloads: sizes.extend(len(encode_reply(plan, [p])) for p in payloads),
    ):
        pass

    assert compute(tables, closely=True, weighed=True).uplink == (0, sum(sizes))


class TestTuning:
    def best(self, floors: dict[float, float]) -> float:
        def outcome(tables: dict[str, Any]) -> Trace:
            return trace([1.0] + [floors[tables["step"]["learning_rate"]]] * ROUNDS)

        attacks = Attacks(ROUNDS, 1)
        return attacks.step(Table(outcome).have(attacks), attacks.cases[0])

    def test_takes_the_step_with_the_least_gradient_at_the_end(self) -> None:
        for best in STEPS:
            assert self.best({step: 0.1 if step == best else 0.2 for step in STEPS}) == best

    def test_takes_none_that_diverges(self) -> None:
        large, middle, small = STEPS

        assert self.best({large: math.inf, middle: math.inf, small: 3.0}) == small

    def test_is_done_on_draws_that_are_not_shown(self) -> None:
        first, second = Attacks(ROUNDS, 3).stages(
            Table(lambda _: trace([1.0] * 17)).have(Attacks(ROUNDS, 3))
        )

        tuned, shown = ({job.tables["seed"] for job in jobs} for jobs in (first, second))
        assert not tuned & shown
        assert len(tuned) == 2
        assert shown == {0, 1, 2}


REST: dict[str, Any] = {"uplink": (0,) * 17, "accuracies": (1.0,) * 17}


def converging(tables: dict[str, Any]) -> Trace:
    """What the papers would have: all but the naive method come down."""
    end = 2.0 if tables["estimator"]["kind"] == "plain" else 0.01
    if tables["estimator"]["kind"] == "ef21-sgdm":
        end = 0.02
    if tables["compressor"]["kind"] == "random-sparsification":
        end *= 2
    return trace([1.0, *np.linspace(1, end, ROUNDS)], **REST)


class TestClaimsOnAttacks:
    def findings(self, outcome: Any) -> Any:
        attacks = Attacks(ROUNDS, 2)
        return attacks.findings(Table(outcome).have(attacks))

    def test_hold_where_runs_are_as_the_paper_says(self) -> None:
        found = self.findings(converging)

        assert [entry["key"] for entry in found.claims if not entry["holds"]] == []

    def test_fail_where_they_are_the_other_way_round(self) -> None:
        def outcome(tables: dict[str, Any]) -> Trace:
            kind = tables["estimator"]["kind"]
            other = {"plain": "byz-dm21", "byz-dm21": "plain", "byz-vr-dm21": "plain"}
            swap = {"top-k": "random-sparsification", "random-sparsification": "top-k"}
            compressor = {"kind": swap[tables["compressor"]["kind"]]}
            estimator = {"kind": other.get(kind, kind)}
            return converging({**tables, "estimator": estimator, "compressor": compressor})

        found = self.findings(outcome)

        assert [entry["key"] for entry in found.claims if entry["holds"]] == []

    def test_have_a_line_for_each_mark(self) -> None:
        found = self.findings(converging)

        # Byz-DM21 with either compressor.
        assert len(found.lines) == (len(METHODS) + 1) * len(ATTACKS) * 2 * len(marks(ROUNDS))

    def test_are_judged_where_runs_diverge(self) -> None:
        def outcome(tables: dict[str, Any]) -> Trace:
            diverges = tables["estimator"]["kind"] in ("plain", "ef21-sgdm")
            return trace([1.0] + [math.inf if diverges else 0.01] * ROUNDS, **REST)

        found = self.findings(outcome)

        held = {entry["key"]: entry["holds"] for entry in found.claims}
        assert held["naive-does-not"]
        assert held["smaller-neighbourhood"]
        assert not held["feedback-does-not-worsen"]


@pytest.mark.parametrize("as_claimed", [True, False])
def test_rates_are_judged_by_their_slopes(as_claimed: bool) -> None:
    rates = Rates(160, 2)

    def outcome(tables: dict[str, Any]) -> Trace:
        first = tables["estimator"]["kind"] == "byz-dm21"
        exponent = -1 / 4 if first == as_claimed else -1 / 3
        return trace([1.0], mean_square=tables["rounds"] ** (2 * exponent))

    runs = Table(outcome).have(rates)
    found = rates.findings(runs)

    assert {entry["holds"] for entry in found.claims} == {as_claimed}
    slope = -4 if as_claimed else -3
    lines = rates.lines(runs, "Byz-DM21", rates.regimes[0])
    assert [line.slope for line in lines] == pytest.approx([slope, slope])


@pytest.mark.parametrize(("fall", "holds"), [(0.5, True), (0.99, False)])
def test_a_linear_phase_is_a_straight_line_that_goes_far_enough(fall: float, holds: bool) -> None:
    linear = Linear(100, 2)

    def outcome(_: Any) -> Trace:
        return trace([fall**t for t in range(101)])

    found = linear.findings(Table(outcome).have(linear))

    assert claim(found, "linear-byz-dm21")["holds"] is holds


def test_a_linear_phase_is_not_one_that_slows_down() -> None:
    linear = Linear(100, 2)

    found = linear.findings(
        Table(lambda _: trace([1e4 / (10 + t) ** 4 for t in range(101)])).have(linear)
    )

    assert not claim(found, "linear-byz-dm21")["holds"]


def test_an_error_in_proportion_to_momentum_is_judged_so() -> None:
    variance = Variance(100, 2)

    def outcome(tables: dict[str, Any]) -> Trace:
        momentum = tables["estimator"]["momentum"]
        lag = 1e-5 / momentum if tables["estimator"]["kind"] == "byz-dm21" else 0.0
        return trace([1.0] * 101, errors=(momentum + lag,) * 100)

    found = variance.findings(Table(outcome).have(variance))

    assert all(entry["holds"] for entry in found.claims)


def test_history_is_judged_by_liars_that_change_where_no_data_are_lost() -> None:
    redrawn = Redrawn(100, 2)

    def outcome(tables: dict[str, Any]) -> Trace:
        memory, again = tables["estimator"]["kind"] != "plain", tables["devices"]["redraw"]
        if tables["coding"].get("tasks") == "fixed":
            return trace([0.1 if again else 1.0] * 101)  # data come back: this is not asked
        hurt = memory and again and tables["attack"]["kind"] == "sign-flip"
        return trace([2.0 if hurt else 1.0] * 101)

    found = redrawn.findings(Table(outcome).have(redrawn))

    assert claim(found, "history-hurts-sf")["holds"]
    assert not claim(found, "history-hurts-alie")["holds"]
    assert claim(found, "lad-does-not-mind")["holds"]
    assert not claim(found, "memory-over-lad")["holds"]


def test_a_claim_holds_if_the_mean_over_the_seeds_says_so() -> None:
    found = claimed("key", "text", 10, [Measured("number", [0.5, 1.2], 1.0, "why")])

    assert found["holds"]
    assert found["seeds_for"] == 1
    assert found["clear"] is False
    assert found["reasons"] == []


@pytest.mark.integration
def test_leaves_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of each family one: what is tried here is that all goes through.
    attacks = {"SF": ATTACKS["SF"], "ALIE": ATTACKS["ALIE"]}
    for name, value in {"STEPS": (0.5,), "_TUNING_SEEDS": (1000,), "ATTACKS": attacks}.items():
        monkeypatch.setattr(f"comlad_deploy.reproduce.dm21._attacks.{name}", value)
    options = Options(["dm21"], rounds=ROUNDS, seeds=1, out=tmp_path, as_json=True)

    reproduce(options)
    first = json.loads((tmp_path / "dm21.json").read_text())
    reproduce(options)
    second = json.loads((tmp_path / "dm21.json").read_text())

    for name in ("dm21.png", "dm21-bytes.png", "dm21-studies.png", "dm21.csv", "reproduction.md"):
        assert (tmp_path / name).stat().st_size > 1000
    page = (tmp_path / "reproduction.md").read_text()
    assert "## Byz-DM21 and its relatives" in page
    assert "![The same over uplink bytes](dm21-bytes.png)" in page
    assert all(sheet["title"] in page for sheet in first["sheets"])
    assert first["networked"]["equal"]
    assert first["networked"]["processes"] == 21
    assert (second["run"]["computed"], second["run"]["found"]) == (0, first["run"]["computed"])
    assert second["claims"] == first["claims"]


def test_wants_enough_rounds_for_its_shortest_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--rounds = 15: must be at least 16 for dm21"):
        reproduce(Options(["dm21"], rounds=15, out=tmp_path / "out"))

    assert not (tmp_path / "out").exists()


def test_takes_the_whole_grid_if_it_is_asked_for() -> None:
    part, whole = Options(["dm21"]), Options(["dm21"], full=True)

    assert (part.scope.rounds, part.scope.seeds) == (800, 3)
    assert (whole.scope.rounds, whole.scope.seeds) == (5000, 5)
    assert whole.command == "comlad reproduce dm21 --full"
    cases = Attacks(10, 1, full=True).cases
    assert len({case.slug for case in cases}) == len(cases) == 5 * 3 * (5 * 2 + 2)
