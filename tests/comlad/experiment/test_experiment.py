from typing import Any, ClassVar

import pytest
from samples import complaint, small, tables

from comlad.errors import ConfigError
from comlad.estimators import ESTIMATORS, ByzDashaPage, ByzVrMarina, Plain
from comlad.experiment import (
    Command,
    Experiment,
    prepare,
    read_experiment,
    write_experiment,
)


def test_needs_an_attack_where_devices_lie() -> None:
    message = complaint(tables(attack=None))

    assert message == "[devices] byzantine = 1: needs an [attack]: what the Byzantine devices do"


def test_needs_no_attack_where_nobody_lies() -> None:
    assert small("devices.byzantine=0", attack=None).experiment.attack is None


def test_keeps_an_attack_that_nobody_makes() -> None:
    assert small("devices.byzantine=0").experiment.attack is not None


def test_cannot_redraw_who_runs_a_program_of_its_own() -> None:
    message = complaint(tables("devices.redraw=true", attack={"command": ["./attacker"]}))

    assert message.startswith("[devices] redraw = True: an attack of its own program cannot lie")


def test_must_be_a_program_if_it_is_a_command() -> None:
    with pytest.raises(ConfigError, match=r"^command = \[\]: must name a program$"):
        Command(())


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_takes_any_seed_that_toml_can_write(seed: int) -> None:
    assert small(f"seed={seed}").experiment.seed == seed


def test_comes_with_its_data() -> None:
    prepared = small()

    assert prepared.objective.dimension == 6
    assert sorted(prepared.data.train) == ["features", "targets"]


def test_is_checked_against_its_data_when_that_is_there() -> None:
    experiment: Experiment = read_experiment(tables("compressor.keep=7"))

    with pytest.raises(ConfigError, match=r"^\[compressor\] keep = 7: must be at most 6, "):
        prepare(experiment)


class TestWhatIsLeftToTheEstimator:
    """It follows from δ of the compressor and from b/m, which are known with the data."""

    SPARSE: ClassVar[dict[str, Any]] = {"kind": "random-sparsification", "keep": 4}  # δ = 1/2
    WHOLE: ClassVar[dict[str, Any]] = {"compressor": {"kind": "identity"}}
    QUARTER: ClassVar[dict[str, Any]] = {  # one of four samples
        "problem": {"kind": "least-squares", "samples": 20, "dimension": 30},
        "sampling": {"batch": 1},
    }

    @pytest.mark.parametrize(
        ("kind", "changes", "expected"),
        [
            ("byz-vr-marina", {}, {"probability": 2 / 3}),
            ("byz-vr-marina", WHOLE, {"probability": 1.0}),
            ("byz-vr-marina", QUARTER | WHOLE, {"probability": 1 / 4}),
            ("byz-dasha-page", {}, {"probability": 1 / 2, "momentum": 1 / 2}),
            (
                "byz-dasha-page",
                QUARTER | WHOLE,
                {"probability": 1 / 5, "momentum": 1.0},
            ),
            ("diana", {}, {"rate": 2 / 3}),
            ("diana", WHOLE, {"rate": 1.0}),
        ],
    )
    def test_is_filled_in(
        self, kind: str, changes: dict[str, Any], expected: dict[str, float]
    ) -> None:
        estimator = {"kind": kind}

        fitted = small(**{"compressor": self.SPARSE, "estimator": estimator} | changes)

        found = ESTIMATORS.write(fitted.experiment.estimator)
        assert found == {"kind": kind} | {key: pytest.approx(p) for key, p in expected.items()}

    def test_stays_where_it_was_given(self) -> None:
        estimator = {"kind": "byz-dasha-page", "probability": 0.125, "momentum": 0.75}

        fitted = small(compressor=self.SPARSE, estimator=estimator).experiment.estimator

        assert fitted == ByzDashaPage(0.125, 0.75)

    def test_takes_a_batch_above_what_there_is_for_all(self) -> None:
        changes = self.QUARTER | self.WHOLE | {"sampling": {"batch": 5}}

        fitted = small(estimator={"kind": "byz-vr-marina"}, **changes).experiment.estimator

        assert fitted == ByzVrMarina(1.0)

    @pytest.mark.parametrize("kind", sorted(ESTIMATORS.own))
    def test_is_written_with_the_experiment(self, kind: str) -> None:
        experiment = small(compressor=self.SPARSE, estimator={"kind": kind}).experiment

        again = read_experiment(write_experiment(experiment))

        assert again == experiment
        assert prepare(again).experiment == experiment


@pytest.mark.parametrize(
    "compressor",
    [
        {"kind": "top-k", "keep": 3},
        {"kind": "scaled-sign"},
        [{"kind": "top-k", "keep": 3}, {"kind": "terngrad"}],
        {"kind": "random-sparsification", "keep": 1, "scaled": False},
        {"kind": "random-sparsification", "keep": 4},
    ],
)
@pytest.mark.parametrize("kind", ["ef14", "ef21", "ef21-sgdm", "byz-dm21", "byz-vr-dm21"])
def test_takes_a_contractive_compressor_under_error_feedback(kind: str, compressor: Any) -> None:
    experiment = small(estimator={"kind": kind}, compressor=compressor).experiment

    assert ESTIMATORS.kind_of(experiment.estimator) == kind


@pytest.mark.parametrize(
    "compressor",
    [
        {"kind": "stochastic-quantization", "range": [-1, 1]},  # of which nothing is known
        {"kind": "random-sparsification", "keep": 1},
        {"kind": "natural"},
    ],
)
def test_takes_a_compressor_that_is_not_known_to_be_biased_as_it_is(compressor: Any) -> None:
    experiment = small(estimator={"kind": "plain"}, compressor=compressor).experiment

    assert experiment.estimator == Plain()


def test_takes_a_biased_compressor_under_plain_from_who_says_so() -> None:
    estimator = {"kind": "plain", "biased": True}

    experiment = small(estimator=estimator, compressor={"kind": "top-k", "keep": 3}).experiment

    assert experiment.estimator == Plain(biased=True)
