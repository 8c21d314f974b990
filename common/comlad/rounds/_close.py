"""What the server makes of the answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation import Context, TakesSparse
from comlad.coding import Decodes, Received
from comlad.compression import Payload, Sparse
from comlad.errors import ConfigError
from comlad.estimators import Arrival, Memory, Plain, fingerprint, remembers
from comlad.experiment import Prepared
from comlad.rng import Stream, run_generator
from comlad.rounds._plan import Answered, Plan, State
from comlad.rounds._quorum import must_skip

__all__ = ["Outcome", "close_round"]

# A vector with more of its coordinates than this is no longer worth treating as sparse.
_SPARSE = 0.1
# Coordinates of sparse vectors that are aggregated at a time; their temporaries are then small
# beside the model.
_COLUMNS = 2**16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a round.

    Args:
        update_norm: ‖x_{t+1} − x_t‖; infinite if its square is out of the finite numbers.
        skipped: Why the model stayed where it was; None if it moved.
        suspects: Devices that a code found out.
        decode_failed: Whether there was a code to be decoded and it could not be.
    """

    update_norm: float
    skipped: str | None = None
    suspects: tuple[int, ...] = ()
    decode_failed: bool = False


def close_round(
    prepared: Prepared,
    plan: Plan,
    state: State,
    payloads: Mapping[int, Payload] | Iterable[tuple[int, Payload]],
    refused: int = 0,
) -> tuple[State, Outcome]:
    """Decode or aggregate what came, and step.

    The rules expect f' liars, which `Devices.expected` says. Where n' vectors are too few
    for the rule, or for the quorum if rounds below it are skipped, or the step would leave
    the finite numbers, the model stays; no answer has counted then, and what is
    remembered of devices stays, too. A device without a vote, or with one that is not
    finite, keeps what is remembered of it until it has one.

    Args:
        prepared: What is being run.
        plan: What the devices were told.
        state: Before the round.
        payloads: By device; in any order. Of an iterator that is their only owner, none is
            kept in memory longer than it is needed.
        refused: How many devices' answers were refused; all others have not answered.
    """
    answers = _Answers(prepared, plan, state, payloads, refused)
    after = replace(state, round=state.round + 1)
    try:
        # What overflows is a liar's, and found out below.
        with np.errstate(over="ignore", invalid="ignore"):
            aggregate = answers.aggregate()
    except ConfigError as error:
        aggregate, skipped = None, str(error)
    else:
        skipped = "the step would leave the finite numbers"
    outcome = Outcome(0.0, skipped, answers.suspects, answers.decode_failed)
    after = replace(after, decoding=answers.decoding)
    memories, answered = answers.memories, answers.answered
    del answers
    if aggregate is None:
        return after, outcome
    with np.errstate(over="ignore", invalid="ignore"):
        model = prepared.experiment.step(state.model, aggregate, state.round)
        if not np.isfinite(model).all():
            return after, outcome
        experiment = prepared.experiment
        previous = experiment.aggregator.uses_previous or experiment.estimator.uses_previous
        kept = aggregate if previous else None
        del aggregate
        update_norm = _distance(model, state.model)
    outcome = replace(outcome, update_norm=update_norm, skipped=None)
    after = replace(after, model=model, aggregate=kept, memories=memories, answered=answered)
    return after, outcome


def _distance(model: NDArray[np.float64], before: NDArray[np.float64]) -> float:
    squares = model - before
    squares *= squares
    return float(np.sqrt(squares.sum()))


class _Answers:
    """The votes of a round on their way to an aggregate."""

    def __init__(
        self,
        prepared: Prepared,
        plan: Plan,
        state: State,
        payloads: Mapping[int, Payload] | Iterable[tuple[int, Payload]],
        refused: int,
    ) -> None:
        experiment = prepared.experiment
        self.memories: dict[int, Memory] = dict(state.memories)
        # What a device remembers is worth nothing after a step without it, if that builds on it.
        lapses = experiment.estimator.uses_previous
        self.answered: dict[int, Answered] = {} if lapses else dict(state.answered)
        self._arrival = Arrival(plan.full, state.aggregate)
        self._remembers = remembers(experiment.estimator)
        self.decoding = state.decoding
        self.suspects: tuple[int, ...] = ()
        self.decode_failed = False
        self._prepared = prepared
        self._plan = plan
        # In the order of the ids, never of arrival: float addition does not associate.
        by_device = dict(payloads)
        self._devices = tuple(sorted(by_device))
        self._payloads = [by_device[device] for device in self._devices]
        missing = experiment.devices.count - len(self._devices) - refused
        self._context = Context(
            f=experiment.devices.expected(refused, missing),
            rng=run_generator(experiment.seed, Stream.AGGREGATION, state.round),
            devices=self._devices,
            previous=state.aggregate,
        )

    def aggregate(self) -> NDArray[np.float64]:
        """What to step along.

        Raises:
            ConfigError: There is no telling; says why.
        """
        experiment = self._prepared.experiment
        if (reason := must_skip(experiment.devices, len(self._devices))) is not None:
            raise ConfigError(reason)
        if isinstance(experiment.coding, Decodes):
            return self._decoded(experiment.coding)
        if (sparse := self._of_sparse()) is not None:
            return sparse
        return experiment.aggregator(self._vectors(), self._context)

    def _decoded(self, coding: Decodes) -> NDArray[np.float64]:
        experiment, plan = self._prepared.experiment, self._plan
        received = Received(
            vectors=self._vectors(),
            devices=self._devices,
            tasks=plan.tasks[list(self._devices)],
            count=experiment.devices.count,
            rng=run_generator(experiment.seed, Stream.DECODING, plan.round),
            memory=self.decoding,
        )
        decoded = coding.decode(received)
        self.suspects, self.decoding = decoded.suspects, decoded.memory
        if decoded.mean is not None:
            return decoded.mean
        self.decode_failed = True
        if coding.on_failure == "skip":
            raise ConfigError("DECODE_FAILED: no set of liars explains the vectors")
        return experiment.aggregator(coding.estimates(received), self._context)

    def _vectors(self) -> NDArray[np.float64]:
        estimator = self._prepared.experiment.estimator
        vectors = np.zeros((len(self._devices), self._prepared.width))
        for row, device in zip(vectors, self._devices, strict=True):
            self._payloads.pop(0).write_to(row)  # no vector is in memory twice for long
            if not self._remembers:
                continue
            memory = self.memories.get(device, {})
            estimate, memory = estimator.receive(row, memory, self._arrival)
            row[:] = estimate
            if np.isfinite(row).all():  # else what is not would stay there for ever
                held = fingerprint(memory, estimator.mirrored) or 0
                self.answered[device] = Answered(self._plan.round + 1, held)
                if memory:
                    self.memories[device] = memory
        return vectors

    def _of_sparse(self) -> NDArray[np.float64] | None:
        """The aggregate without a matrix, where all that came is sparse and can stay so."""
        aggregator, dimension = self._prepared.experiment.aggregator, self._prepared.width
        rule = aggregator.rule
        payloads = [payload for payload in self._payloads if isinstance(payload, Sparse)]
        if (
            aggregator.before
            or len(payloads) < len(self._payloads)
            or sum(len(payload.indices) for payload in payloads)
            > _SPARSE * dimension * len(payloads)
            or not isinstance(rule, TakesSparse)
            or not isinstance(self._prepared.experiment.estimator, Plain)
        ):
            return None
        floats = [payload.values for payload in payloads]
        values = [each if isinstance(each, np.ndarray) else each.floats() for each in floats]
        if not all(np.isfinite(each).all() for each in values):  # whose, the other way finds out
            return None
        aggregator.check(len(payloads), self._context.f)
        bounds = [*range(0, dimension, _COLUMNS), dimension]
        cuts = [np.searchsorted(payload.indices, bounds) for payload in payloads]
        result, previous = np.empty(dimension), self._context.previous
        for number, (start, end) in enumerate(pairwise(bounds)):
            parts = [slice(*cut[number : number + 2]) for cut in cuts]
            indices = [payload.indices[part] for payload, part in zip(payloads, parts, strict=True)]
            result[start:end] = rule.of_sparse(
                np.concatenate(indices, dtype=np.int64) - start,
                np.concatenate(
                    [each[part] for each, part in zip(values, parts, strict=True)],
                    dtype=np.float64,
                ),
                len(payloads),
                end - start,
                replace(self._context, previous=None if previous is None else previous[start:end]),
            )
        return result
