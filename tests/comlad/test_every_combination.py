"""Every rule against every attack, whole and compressed, stays among finite numbers."""

from dataclasses import replace

import numpy as np
import pytest
from bench.robustness import ATTACKS_TRIED, COMPRESSORS, RULES, tables_of

from comlad.experiment import Prepared, prepare, read_experiment
from comlad.rounds import simulate

ROUNDS = 2


@pytest.fixture(scope="module")
def digits() -> Prepared:
    return prepare(read_experiment(tables_of("mean", "sign-flip", "whole vectors", ROUNDS)))


@pytest.mark.parametrize("compressor", COMPRESSORS)
@pytest.mark.parametrize("rule", RULES)
def test_stays_finite_against_every_attack(digits: Prepared, rule: str, compressor: str) -> None:
    for attack in ATTACKS_TRIED:
        experiment = read_experiment(tables_of(rule, attack, compressor, ROUNDS))

        for state, outcome in simulate(replace(digits, experiment=experiment)):
            assert np.isfinite(digits.objective.loss(state.model)), attack
            assert np.isfinite(outcome.update_norm), attack
