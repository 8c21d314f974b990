"""What an attack is told of the experiment that it is a part of."""

import tomllib
from typing import Any

import pytest
import tomli_w
from samples import complaint, small, tables

from comlad.aggregation import Aggregation, Mean, NearestNeighborMixing, TrimmedMean
from comlad.attacks import (
    ATTACKS,
    ALittleIsEnough,
    NormHiding,
    OptimalALittleIsEnough,
    OptimalInnerProductManipulation,
)
from comlad.config import inline, with_assignments
from comlad.errors import ConfigError
from comlad.experiment import read_experiment, write_experiment

RULE = Aggregation(TrimmedMean(1), (NearestNeighborMixing(),))


def attack_in(attack: dict[str, Any], **devices: Any) -> object:
    changes: dict[str, Any] = {
        "devices": {"count": 9, "byzantine": 2} | devices,
        "aggregator": RULE.to_table(),
        "attack": attack,
    }
    return read_experiment(tables(**changes)).attack


def test_is_how_many_lie() -> None:
    assert attack_in({"kind": "alie"}) == ALittleIsEnough(f=2)
    assert attack_in({"kind": "alie"}, byzantine=[0, 3, 5]) == ALittleIsEnough(f=3)
    assert attack_in({"kind": "norm-hiding"}) == NormHiding(f=2)


def test_is_the_rule_and_what_the_rule_assumes() -> None:
    assert attack_in({"kind": "opt-alie"}) == OptimalALittleIsEnough(RULE, 2, 2)
    assert attack_in({"kind": "opt-ipm"}, tolerate=3) == OptimalInnerProductManipulation(RULE, 2, 3)


def test_is_not_told_where_the_file_says_something_else() -> None:
    given = {"kind": "opt-alie", "aggregator": {"kind": "mean"}, "f": 1, "tolerate": 0}

    assert attack_in(given) == OptimalALittleIsEnough(Aggregation(Mean()), 1, 0)


@pytest.mark.parametrize("kind", ["alie", "norm-hiding", "opt-alie", "opt-ipm", "sign-flip"])
def test_is_written_out_with_the_experiment(kind: str) -> None:
    experiment = small(attack={"kind": kind}, aggregator=RULE.to_table()).experiment

    text = tomli_w.dumps(write_experiment(experiment))

    assert read_experiment(tomllib.loads(text)) == experiment


def test_reaches_a_program_of_liars() -> None:
    """As the launcher passes it on: what cannot be lost are the tables in it."""
    attack = attack_in({"kind": "opt-alie"})
    assert isinstance(attack, OptimalALittleIsEnough)
    table = ATTACKS.write(attack)

    options = [f"{key}={inline(value)}" for key, value in table.items()]

    assert ATTACKS.read(with_assignments({}, options)) == attack


@pytest.mark.parametrize(
    ("table", "right"),
    [
        ({"kind": "alie"}, "f = None: must be how many lie, or else z given"),
        ({"kind": "opt-alie"}, "aggregator is missing: give a table"),
        ({"kind": "opt-ipm", "aggregator": {}}, "f is missing: give a whole number"),
    ],
)
def test_must_be_given_to_an_attack_without_an_experiment(
    table: dict[str, Any], right: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        ATTACKS.read(table)

    assert str(caught.value) == f"(kind {table['kind']!r}) {right}"


@pytest.mark.parametrize(
    ("attack", "right"),
    [
        (
            {"kind": "opt-alie", "aggregator": {"kind": "meen"}},
            "[attack] (kind 'opt-alie') aggregator unknown kind of aggregators 'meen': "
            "did you mean 'mean'?",
        ),
        (
            {"kind": "opt-alie", "aggregator": {"before": [{"kind": "nnm", "x": 1}]}},
            "[attack] (kind 'opt-alie') aggregator before (kind 'nnm') unknown key 'x'",
        ),
        (
            {"kind": "opt-alie", "aggregator": "mean"},
            "[attack] (kind 'opt-alie') aggregator = 'mean': must be a table",
        ),
        ({"kind": "alie", "f": 1.5}, "[attack] (kind 'alie') f = 1.5: must be a whole number"),
    ],
)
def test_is_complained_of_in_one_line(attack: dict[str, Any], right: str) -> None:
    assert complaint(tables(attack=attack)).startswith(right)
