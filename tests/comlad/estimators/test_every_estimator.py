"""What every gradient estimator promises."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng, name_of

from comlad.errors import ConfigError
from comlad.estimators import (
    ESTIMATORS,
    Arrival,
    Estimator,
    Memory,
    Plain,
    Setting,
    Work,
    remembers,
)

ESTIMATORS_TO_TRY: list[dict[str, Any]] = [
    {"kind": "plain"},
    {"kind": "ef14"},
    {"kind": "ef21"},
    {"kind": "ef21", "start": "warm"},
    {"kind": "ef21-sgdm"},
    {"kind": "ef21-sgdm", "momentum": 1.0, "start": "warm"},
    {"kind": "byz-dm21"},
    {"kind": "byz-dm21", "start": "warm"},
    {"kind": "byz-vr-dm21"},
    {"kind": "byz-vr-dm21", "momentum": 0.5, "start": "warm"},
    {"kind": "byz-vr-marina"},
    {"kind": "byz-vr-marina", "probability": 0.5},
    {"kind": "byz-dasha-page"},
    {"kind": "byz-dasha-page", "probability": 0.5, "momentum": 1.0},
    {"kind": "diana"},
    {"kind": "diana", "rate": 0.5},
]
SIZE = 4


def test_has_a_sample_of_every_kind() -> None:
    assert {table["kind"] for table in ESTIMATORS_TO_TRY} == set(ESTIMATORS.own)


def estimator_of(table: dict[str, Any]) -> Estimator:
    return ESTIMATORS.read(table).fitted(Setting("some", share=0.25))


def works(
    estimator: Estimator, memory: Memory, round: int, full: bool
) -> tuple[Work, NDArray[np.float64]]:
    """What a device computes in a round, with vectors that nobody may write to."""
    gradient, before, model = fresh_rng(round).normal(0, 1, (3, SIZE))
    for vector in (gradient, before, model):
        vector.flags.writeable = False
    asked = estimator.compares and "model" in memory and not full
    return Work(model, gradient, before if asked else None, full), gradient


def conversation(
    estimator: Estimator, rounds: int = 6
) -> Iterator[tuple[NDArray[np.float64], Memory, Memory]]:
    """Estimates and both memories, round by round; compression keeps two coordinates."""
    device: Memory = {}
    server: Memory = {}
    previous: NDArray[np.float64] | None = None
    for round in range(rounds):
        full = bool(estimator.refresh) and round % 3 == 0
        whole = estimator.whole(full, first=round == 0)
        work, _ = works(estimator, device, round, full)
        target, device = estimator.track(work, device)
        offered, device = estimator.offer(target, device)
        decoded = offered.copy()
        if not whole:
            decoded[:2] = 0
        decoded.flags.writeable = False
        device = estimator.settle(offered, decoded, device)
        estimate, server = estimator.receive(decoded, server, Arrival(full, previous))
        previous = estimate
        yield estimate, device, server


@pytest.mark.parametrize("table", ESTIMATORS_TO_TRY, ids=name_of)
class TestEveryEstimator:
    def test_gives_estimates_of_the_right_length(self, table: dict[str, Any]) -> None:
        for estimate, _, _ in conversation(estimator_of(table)):
            assert estimate.shape == (SIZE,)
            assert np.isfinite(estimate).all()

    def test_repeats_itself(self, table: dict[str, Any]) -> None:
        runs = [
            [estimate.tobytes() for estimate, _, _ in conversation(estimator_of(table))]
            for _ in range(2)
        ]

        assert runs[0] == runs[1]

    def test_changes_no_memory_that_it_was_given(self, table: dict[str, Any]) -> None:
        estimator = estimator_of(table)
        *_, (_, device, server) = conversation(estimator)
        before = [{name: v.copy() for name, v in memory.items()} for memory in (device, server)]

        work, _ = works(estimator, device, 9, False)
        target, tracked = estimator.track(work, device)
        offered, tracked = estimator.offer(target, tracked)
        estimator.settle(offered, offered, tracked)
        estimator.receive(offered, server, Arrival(previous=np.ones(SIZE)))

        for memory, copy in zip((device, server), before, strict=True):
            assert memory.keys() == copy.keys()
            assert all(memory[name].tobytes() == copy[name].tobytes() for name in copy)

    def test_remembers_as_many_vectors_as_it_says(self, table: dict[str, Any]) -> None:
        estimator = estimator_of(table)
        most = [0, 0]
        for _, device, server in conversation(estimator):
            found = [len(memory) for memory in (server, device)]
            most = [max(pair) for pair in zip(most, found, strict=True)]

        assert tuple(most) == estimator.footprint
        assert remembers(estimator) == any(most)

    def test_goes_on_from_what_the_server_holds(self, table: dict[str, Any]) -> None:
        estimator = estimator_of(table)
        *_, (_, _, server) = conversation(estimator)
        model = np.ones(SIZE)

        memory = estimator.restart(server, model)

        work, _ = works(estimator, memory, 9, False)
        target, memory = estimator.track(work, memory)
        offered, memory = estimator.offer(target, memory)
        device = estimator.settle(offered, offered, memory)
        _, server = estimator.receive(offered, server, Arrival(previous=np.ones(SIZE)))
        for name, vector in server.items():
            assert device[name].tobytes() == vector.tobytes()

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        for estimator in (ESTIMATORS.read(table), estimator_of(table)):
            assert ESTIMATORS.read(ESTIMATORS.write(estimator)) == estimator

    def test_leaves_nothing_open_once_it_is_fitted(self, table: dict[str, Any]) -> None:
        estimator = estimator_of(table)

        parameters = {field.name for field in fields(estimator)}  # type: ignore[arg-type]
        assert ESTIMATORS.write(estimator).keys() - {"kind"} == parameters

    def test_names_its_source(self, table: dict[str, Any]) -> None:
        text = ESTIMATORS.lookup(table["kind"]).__doc__ or ""

        assert "arXiv" in text or "LAD, Algorithm" in text


def test_plain_sends_and_receives_the_vector_itself() -> None:
    vector = fresh_rng().normal(0, 1, SIZE)

    target, _ = Plain().track(Work(np.zeros(SIZE), vector), {})
    offered, _ = Plain().offer(target, {})
    received, _ = Plain().receive(offered, {}, Arrival())

    assert received.tobytes() == vector.tobytes()


@pytest.mark.parametrize("kind", ["byz-dm21", "byz-vr-dm21", "ef21-sgdm"])
@pytest.mark.parametrize("momentum", [0.0, -0.1, 1.1])
def test_refuses_a_momentum_that_is_no_weight(kind: str, momentum: float) -> None:
    with pytest.raises(ConfigError, match=f"momentum = {momentum}: must be above 0 and at most 1"):
        ESTIMATORS.read({"kind": kind, "momentum": momentum})


class TestTheVarianceOfVarianceReduction:
    """At a model that does not move the first momentum is that of the noise alone."""

    def momenta(self, kind: str, drift: float, rounds: int = 400) -> NDArray[np.float64]:
        """v_i − ∇f_i of many devices, each with f_i(x) = ‖x‖²/2 and noise of variance 1."""
        rng, devices, eta = fresh_rng(), 4000, 0.05
        estimator = ESTIMATORS.read({"kind": kind, "momentum": eta, "start": "warm"})
        memory: Memory = {}
        model = np.zeros(devices)  # a coordinate each
        for round in range(rounds):
            noise = rng.normal(0, 1, devices)
            model = np.full(devices, drift * round)
            before = memory.get("model")
            work = Work(model, model + noise, None if before is None else before + noise)
            if not estimator.compares:
                work = Work(model, model + noise)
            _, memory = estimator.track(work, memory)
        return memory["momentum"] - model

    @pytest.mark.parametrize("kind", ["byz-dm21", "byz-vr-dm21"])
    def test_is_eta_over_two_minus_eta(self, kind: str) -> None:
        errors = self.momenta(kind, drift=0.0)

        assert errors.var() == pytest.approx(0.05 / 1.95, rel=0.1)
        assert abs(errors.mean()) < 0.01

    def test_does_not_grow_as_the_model_moves(self) -> None:
        errors = self.momenta("byz-vr-dm21", drift=1.0)

        assert (errors**2).mean() == pytest.approx(0.05 / 1.95, rel=0.1)

    def test_is_nothing_beside_how_far_a_momentum_lags_behind(self) -> None:
        errors = self.momenta("byz-dm21", drift=1.0)

        # It is that of 1/η − 1 rounds ago, on average.
        assert errors.mean() == pytest.approx(-(1 / 0.05 - 1), rel=0.01)
