"""What closing a round keeps, and what it takes."""

import tracemalloc
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import answers, context, first_plan, fresh_rng, open_inbox, small
from samples import dense as as_dense

from comlad.aggregation import Aggregation, Context, TakesSparse
from comlad.compression import Dense, Payload, Sparse
from comlad.experiment import Prepared
from comlad.rounds import close_round, initial_state, simulate
from comlad.wire import encode_reply

# More coordinates than sparse vectors are aggregated at a time.
Q, KEPT = 150_000, 1500


def sparse_run(kind: str = "trimmed-mean", count: int = 20) -> Prepared:
    return small(
        f"devices.count={count}",
        problem={"kind": "quadratic", "dimension": Q},
        compressor={"kind": "random-sparsification", "keep": KEPT},
        aggregator={"kind": kind},
    )


def sparse_votes(count: int = 20) -> dict[int, Payload]:
    """Of which many hit the same coordinates."""
    return {
        device: Sparse(
            Q,
            np.sort(fresh_rng(device).choice(10 * KEPT, KEPT, replace=False)) * 10,
            fresh_rng(device).normal(0, 1, KEPT).astype(np.float32),
        )
        for device in range(count)
    }


@pytest.mark.parametrize("kind", ["mean", "trimmed-mean", "median"])
def test_aggregates_sparse_vectors_some_coordinates_at_a_time(kind: str) -> None:
    prepared, votes = sparse_run(kind), sparse_votes()
    plan, before = first_plan(prepared), initial_state(prepared)

    state, _ = close_round(prepared, plan, before, votes)

    rule = prepared.experiment.aggregator.rule
    assert isinstance(rule, TakesSparse)
    indices = np.concatenate([vote.indices for vote in votes.values() if isinstance(vote, Sparse)])
    values = np.concatenate([vote.floats() for vote in votes.values()])
    whole = rule.of_sparse(indices, values, len(votes), Q, context(1))
    expected = prepared.experiment.step(before.model, whole, 0)
    assert state.model.tobytes() == expected.tobytes()
    assert kind == "median" or state.model.any()


@dataclass(frozen=True)
class MeanAroundPrevious:
    """A rule that takes sparse vectors and is told what came of the round before."""

    uses_previous = True

    def check(self, n: int, f: int) -> None:
        pass

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        assert context.previous is not None
        return np.asarray(vectors.mean(axis=0) + context.previous)

    def of_sparse(
        self,
        indices: NDArray[np.int64],
        values: NDArray[np.float64],
        n: int,
        dimension: int,
        context: Context,
    ) -> NDArray[np.float64]:
        assert indices.dtype == np.int64
        assert values.dtype == np.float64
        assert context.previous is not None
        return np.asarray(np.bincount(indices, values, dimension) / n + context.previous)


def test_tells_of_the_round_before_only_those_coordinates() -> None:
    prepared, votes = sparse_run(), sparse_votes()
    rule = Aggregation(MeanAroundPrevious())
    prepared = replace(prepared, experiment=replace(prepared.experiment, aggregator=rule))
    before = replace(initial_state(prepared), aggregate=np.arange(float(Q)))
    compact: dict[int, Payload] = {
        device: vote.compact() for device, vote in votes.items() if isinstance(vote, Sparse)
    }
    whole: dict[int, Payload] = {device: Dense(as_dense(vote)) for device, vote in votes.items()}

    state, _ = close_round(prepared, first_plan(prepared), before, compact)

    expected, _ = close_round(prepared, first_plan(prepared), before, whole)
    assert state.model.tobytes() == expected.model.tobytes()


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        ({"kind": "mean"}, False),
        ({"kind": "centered-clipping"}, True),
        ({"kind": "mean", "before": [{"kind": "nnm"}]}, False),
    ],
)
def test_keeps_the_aggregate_for_who_uses_it(table: dict[str, object], kept: bool) -> None:
    *_, (state, _) = simulate(small(aggregator=table))

    assert (state.aggregate is not None) == kept


def test_takes_votes_from_their_only_owner() -> None:
    prepared = small()
    inbox, plan, _ = open_inbox(prepared)
    sent = answers(prepared, plan)
    inbox.receive((0, 1, 2, 3, 4), encode_reply(plan, sent))
    before = initial_state(prepared)

    drained, _ = close_round(prepared, plan, before, inbox.drain())

    kept, _ = close_round(prepared, plan, before, dict(enumerate(sent)))
    assert drained.model.tobytes() == kept.model.tobytes()
    assert inbox.votes == {}
    assert inbox.missing() == []


def test_takes_less_than_three_models_for_sparse_vectors() -> None:
    prepared, votes = sparse_run(count=5), sparse_votes(5)
    plan, before = first_plan(prepared), initial_state(prepared)
    tracemalloc.start()
    try:
        close_round(prepared, plan, before, votes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2.9 * 8 * Q
