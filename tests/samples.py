"""What many tests start from: a small experiment, its plans and its answers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from comlad.aggregation import Context
from comlad.compression import Draws, Payload, Sparse
from comlad.config import with_assignments
from comlad.errors import ConfigError
from comlad.experiment import Prepared, prepare, read_experiment
from comlad.rounds import (
    ByteCount,
    Plan,
    device_messages,
    initial_state,
    local_site,
    plan_round,
)
from comlad.v1 import training_pb2 as pb
from comlad.wire import Inbox, Verdict

__all__ = [
    "GOOD",
    "InOrder",
    "answers",
    "complaint",
    "context",
    "dense",
    "draws",
    "first_plan",
    "fresh_rng",
    "name_of",
    "open_inbox",
    "refuse",
    "repeatable",
    "small",
    "tables",
]

# The same examples in every run, and no opinion on how fast the machine is.
repeatable = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


# What a device of the experiment below could send in its first round.
GOOD = Sparse(6, np.array([0, 2, 3, 5]), np.ones(4, np.float32))


def fresh_rng(seed: int = 0) -> Generator:
    return np.random.default_rng(seed)


class InOrder(Generator):
    """Draws every order as it is, so that of tied vectors the first one counts."""

    def __init__(self) -> None:
        super().__init__(PCG64(0))

    def permutation(self, x: Any, axis: int = 0) -> Any:
        return np.arange(x)


def context(f: int, seed: int = 0) -> Context:
    """What a rule is told: f and its draws."""
    return Context(f, fresh_rng(seed))


def draws(seed: int = 0, mask_key: bytes = b"") -> Draws:
    """What a compressor draws from."""
    return Draws(partial(fresh_rng, seed), mask_key)


def permutation_of(plan: Plan) -> NDArray[np.intp]:
    """p of a plan that tells it."""
    assert plan.permutation is not None
    return plan.permutation


def tables(*assignments: str, **changes: Any) -> dict[str, Any]:
    """The tables of an experiment: five devices of which one lies, Q = 6.

    Args:
        assignments: Laid over them, as `--set` does.
        changes: Tables in place of these; None leaves a table out.
    """
    small: dict[str, Any] = {
        "name": "small",
        "seed": 1,
        "rounds": 3,
        "devices": {"count": 5, "byzantine": 1},
        "problem": {"kind": "linear-regression", "dimension": 6},
        "coding": {"kind": "cyclic", "load": 2},
        "estimator": {"kind": "plain", "biased": True},  # any compressor will do
        "compressor": {"kind": "random-sparsification", "keep": 4},
        "aggregator": {"kind": "trimmed-mean", "trim": 1},
        "attack": {"kind": "sign-flip"},
        "step": {"learning_rate": 1e-4},
    } | changes
    given = {key: value for key, value in small.items() if value is not None}
    return with_assignments(given, assignments)


def small(*assignments: str, **changes: Any) -> Prepared:
    """That experiment with its data."""
    return prepare(read_experiment(tables(*assignments, **changes)))


def complaint(found: Mapping[str, Any]) -> str:
    """What a person is told of an experiment that cannot be."""
    with pytest.raises(ConfigError) as caught:
        prepare(read_experiment(found))
    return str(caught.value)


def first_plan(prepared: Prepared) -> Plan:
    return plan_round(prepared, initial_state(prepared))


def answers(prepared: Prepared, plan: Plan) -> tuple[Payload, ...]:
    """What every device sends, in the order of their ids."""
    payloads, _ = device_messages(local_site(prepared), plan, {})
    sent = tuple(payload for payload in payloads if payload is not None)
    assert len(sent) == len(payloads), "somebody is silent"
    return sent


def open_inbox(prepared: Prepared) -> tuple[Inbox, Plan, ByteCount]:
    """The inbox of the first round, its plan and its tally."""
    plan, counted = first_plan(prepared), ByteCount(prepared.experiment.devices.count)
    return Inbox(prepared, plan, counted), plan, counted


def refuse(inbox: Inbox, stream: tuple[int, ...], data: bytes) -> tuple[Verdict, pb.Refusal]:
    """The one verdict on a message, and what the device is told."""
    (verdict,) = inbox.receive(stream, data)
    response = pb.TrainResponse.FromString(verdict.answer)
    assert response.WhichOneof("event") == "refusal"
    assert response.refusal.reason == verdict.reason
    return verdict, response.refusal


def dense(payload: Payload) -> NDArray[np.float64]:
    """The vector that a payload stands for."""
    row = np.zeros(payload.dimension)
    payload.write_to(row)
    return row


def name_of(table: Mapping[str, Any]) -> str:
    """A configured part as the name of a test case."""
    parameters = ",".join(f"{key}={value}" for key, value in table.items() if key != "kind")
    return f"{table['kind']}({parameters})"
