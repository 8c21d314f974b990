"""Each method against a second, deliberately plain implementation, to the last bit."""

from functools import partial
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from recursions import RECURSIONS, Device
from samples import name_of

from comlad.compression import Draws
from comlad.estimators import ESTIMATORS
from comlad.experiment import Prepared, prepare, read_experiment
from comlad.problems import Samples
from comlad.rng import Purpose, Stream, device_generator, device_key, run_generator
from comlad.rounds import simulate

ROUNDS, DEVICES, DIMENSION, KEEP, RATE, SEED = 200, 4, 30, 6, 0.05, 3

TOP: dict[str, Any] = {"kind": "top-k", "keep": KEEP}
RANDOM: dict[str, Any] = {"kind": "random-sparsification", "keep": KEEP}
UNSCALED: dict[str, Any] = {**RANDOM, "scaled": False}
WARM = {"start": "warm"}
VR: dict[str, Any] = {"kind": "byz-vr-dm21", "momentum": 0.2}

METHODS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"kind": "ef14"}, TOP, {}),
    ({"kind": "ef21"}, TOP, {}),
    ({"kind": "ef21", **WARM}, UNSCALED, {"warm": True}),
    ({"kind": "ef21-sgdm", "momentum": 0.3}, TOP, {"eta": 0.3}),
    ({"kind": "ef21-sgdm", "momentum": 0.3, **WARM}, TOP, {"eta": 0.3, "warm": True}),
    ({"kind": "byz-dm21", "momentum": 0.2}, TOP, {"eta": 0.2}),
    ({"kind": "byz-dm21", "momentum": 0.2, **WARM}, TOP, {"eta": 0.2, "warm": True}),
    ({"kind": "byz-dm21", "momentum": 0.25}, UNSCALED, {"eta": 0.25}),
    (VR, TOP, {"eta": 0.2}),
    ({**VR, **WARM}, TOP, {"eta": 0.2, "warm": True}),
    ({"kind": "byz-vr-marina", "probability": 0.1}, RANDOM, {}),
    ({"kind": "byz-dasha-page", "probability": 0.1}, RANDOM, {"a": 1 / (2 * 4.0 + 1)}),
    ({"kind": "diana"}, RANDOM, {"alpha": 1 / (1 + 4.0)}),
]


def test_there_is_a_recursion_for_every_method_with_a_memory() -> None:
    kinds = {table["kind"] for table, _, _ in METHODS}
    assert kinds == set(RECURSIONS) == set(ESTIMATORS.own) - {"plain"}


CASES = [(*method, 1) for method in METHODS]
CASES += [(*method, 3) for method in METHODS if method[0] in ({"kind": "diana"}, VR)]


@pytest.mark.parametrize(
    ("estimator", "compressor", "letters", "batch"),
    CASES,
    ids=[
        f"{name_of(method)},{compressor['kind']},{batch}" for method, compressor, _, batch in CASES
    ],
)
def test_is_the_recursion_of_its_paper_over_200_rounds(
    estimator: dict[str, Any], compressor: dict[str, Any], letters: dict[str, Any], batch: int
) -> None:
    prepared = prepare(
        read_experiment(
            {
                "seed": SEED,
                "rounds": ROUNDS,
                "devices": {"count": DEVICES},
                "problem": {"kind": "least-squares", "samples": 21, "dimension": DIMENSION},
                "coding": {"tasks": "fixed"},
                "sampling": {"batch": batch},
                "estimator": estimator,
                "compressor": compressor,
                "aggregator": {"kind": "mean"},
                "step": {"learning_rate": RATE},
            }
        )
    )
    devices = [RECURSIONS[estimator["kind"]](DIMENSION, **letters) for _ in range(DEVICES)]
    x = x_before = aggregate = np.zeros(DIMENSION)

    for t, (state, outcome) in enumerate(simulate(prepared)):
        coin = t == 0 or heads(estimator, t)
        estimates = []
        for i, device in enumerate(devices):
            samples = None if coin and "probability" in estimator else drawn(prepared, i, t, batch)
            s, old = (gradient(prepared, point, i, samples) for point in (x, x_before))
            compress = partial(compressed, prepared, compressor, i, t)
            estimates.append(device.round(s, old, aggregate, coin, compress))
        aggregate = np.stack(estimates).mean(axis=0)
        x_before, x = x, x - RATE * aggregate
        assert outcome.skipped is None
        assert state.model.tobytes() == x.tobytes(), f"round {t}"
        assert_server_holds(state.memories, devices)

    assert prepared.objective.loss(x) < 0.7 * prepared.objective.loss(np.zeros(DIMENSION))


def assert_server_holds(memories: Any, devices: list[Device]) -> None:
    for i, device in enumerate(devices):
        held = [vector.tobytes() for vector in memories.get(i, {}).values()]
        assert held == [vector.tobytes() for vector in device.held()]


def heads(estimator: dict[str, Any], t: int) -> bool:
    """The coin of a round, as it falls after what is drawn for its plan before."""
    rng = run_generator(SEED, Stream.PLAN, t)
    rng.integers(2**32)
    return bool(rng.random() < estimator.get("probability", 0.0))


def drawn(prepared: Prepared, device: int, t: int, batch: int) -> NDArray[np.intp]:
    size = int(cast("Samples", prepared.objective).sizes[device])
    rng = device_generator(device_key(SEED, device), Purpose.SAMPLING, t)
    if batch == 1:
        return rng.integers(size, size=1)
    return rng.choice(size, batch, replace=False, shuffle=False)


def gradient(
    prepared: Prepared, x: NDArray[np.float64], device: int, samples: NDArray[np.intp] | None
) -> NDArray[np.float64]:
    subset = np.array([device])
    if samples is None:
        (whole,) = prepared.objective.gradients(x, subset)
        return np.asarray(whole)
    (some,) = cast("Samples", prepared.objective).sampled_gradients(x, subset, [samples])
    return np.asarray(some)


def compressed(
    prepared: Prepared, table: dict[str, Any], device: int, t: int, vector: NDArray[np.float64]
) -> NDArray[np.float64]:
    """C(vector) as the server decodes it."""
    result = np.zeros(DIMENSION)
    if table is TOP:
        for q in sorted(range(DIMENSION), key=lambda q: (-abs(vector[q]), q))[:KEEP]:
            result[q] = np.float32(vector[q])
        return result
    generator = partial(device_generator, device_key(SEED, device), Purpose.COMPRESSION, t)
    prepared.experiment.compressor.compress(vector, Draws(generator)).write_to(result)
    return result
