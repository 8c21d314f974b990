"""What is given as a reason for claims that fail is so."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, permutation_of

from comlad.aggregation import AGGREGATORS, PREAGGREGATORS
from comlad.experiment import Prepared, byzantine_devices, prepare, read_experiment
from comlad.rounds import Plan, State, device_messages, local_site, plan_round
from comlad_deploy.reproduce._figure import MEAN, TGN, TRIMMED, regression

N = 100
ROUNDS = 20


def starting(seed: int, **changes: Any) -> Prepared:
    """The paper's problem, of which only x_0 is looked at."""
    tables = regression(rule=MEAN, learning_rate=1e-6, **changes)
    return prepare(read_experiment({**tables, "seed": seed, "rounds": 1}))


def plans(prepared: Prepared) -> list[Plan]:
    """Of some rounds, all at x_0."""
    model = np.zeros(prepared.objective.dimension)
    return [plan_round(prepared, State(round, model)) for round in range(ROUNDS)]


def sent(prepared: Prepared, plan: Plan) -> NDArray[np.float64]:
    payloads, _ = device_messages(local_site(prepared), plan, {})
    vectors = np.zeros((N, prepared.width))
    for row, payload in zip(vectors, payloads, strict=True):
        assert payload is not None
        payload.write_to(row)
    return vectors


def honest(prepared: Prepared, seed: int) -> list[int]:
    liars = byzantine_devices(prepared.experiment.devices, seed)
    return [device for device in range(N) if device not in liars]


def largest(prepared: Prepared) -> tuple[NDArray[np.intp], float]:
    """The 20 subsets with the largest gradients at x_0, and their part of all squared norms."""
    gradients = prepared.objective.gradients(np.zeros(N), np.arange(N))
    squared = (gradients**2).sum(axis=1)
    chosen = np.argsort(-squared)[:20]
    return chosen, float(squared[chosen].sum() / squared.sum())


@pytest.mark.parametrize(("liars", "part"), [(20, 0.4), (30, 0.1)])
def test_a_mean_with_liars_steps_along_a_part_of_the_true_mean(liars: int, part: float) -> None:
    vectors = np.ones((N, 3))
    vectors[:liars] *= -2

    assert AGGREGATORS.read(MEAN)(vectors, context(liars)) == pytest.approx(part)


def test_a_trimmed_mean_that_cuts_too_few_steps_along_a_part_of_the_true_mean() -> None:
    vectors = np.ones((N, 3))
    vectors[:20] *= -2

    assert AGGREGATORS.read(TRIMMED)(vectors, context(20)) == pytest.approx(0.625)


@pytest.mark.parametrize("seed", range(3))
def test_nnm_without_redundancy_leaves_large_gradients_out(seed: int) -> None:
    prepared = starting(seed, liars=20)
    nnm, mark = PREAGGREGATORS.read({"kind": "nnm"}), 1e-3  # moves no neighbour
    weights, times = np.zeros(N), np.zeros(N)

    for plan in plans(prepared):
        mixed = nnm(np.hstack([sent(prepared, plan), mark * np.eye(N)]), context(20))
        weight = mixed[:, N:].mean(axis=0) / mark * N  # of each device; 1 in a mean
        devices = honest(prepared, seed)
        subsets = permutation_of(plan)[plan.tasks][devices]
        weights[subsets] += weight[devices]
        times[subsets] += 1

    weights /= times
    chosen, part = largest(prepared)
    assert weights[chosen].mean() < 0.5
    assert np.delete(weights, chosen).mean() == pytest.approx(1.25, abs=0.02)
    assert 0.6 < part < 0.75


@pytest.mark.parametrize("seed", range(3))
def test_a_trimmed_mean_of_sparse_vectors_steps_less_far_than_their_mean(seed: int) -> None:
    prepared = starting(seed, liars=30, keep=30)
    gradients = prepared.objective.gradients(np.zeros(N), np.arange(N))
    truth = gradients.mean(axis=0)
    rule = AGGREGATORS.read(TRIMMED)

    steps = [rule(sent(prepared, plan), context(30)) for plan in plans(prepared)]

    part = np.mean(steps, axis=0) @ truth / (truth @ truth)
    assert 0 < part < 0.1  # that of their mean, in expectation


@pytest.mark.parametrize("seed", range(3))
def test_thresholding_drops_half_of_the_large_honest_gradients(seed: int) -> None:
    prepared = starting(seed, liars=30, keep=30)
    chosen, _ = largest(prepared)
    dropped, held = 0, 0

    for plan in plans(prepared):
        norms = np.linalg.norm(sent(prepared, plan), axis=1)
        longest = set(np.argsort(-norms)[: round(TGN["beta"] * N)].tolist())
        subsets = permutation_of(plan)[plan.tasks]
        holders = [device for device in honest(prepared, seed) if subsets[device] in chosen]
        dropped += len(longest.intersection(holders))
        held += len(holders)

    assert 0.4 < dropped / held < 0.65
