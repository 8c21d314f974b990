"""One curve for one draw of the data: the loss at some rounds of a run in this process."""

import math
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from comlad.compression import Payload
from comlad.experiment import Prepared, byzantine_devices, prepare, read_experiment
from comlad.rounds import Plan, State, initial_state, model_sha256, simulate
from comlad.wire import encode_reply

__all__ = ["Stopped", "Trace", "compute", "horizons", "marks"]

_POINTS = 200


class Stopped(Exception):
    """Whoever watches a run wants no more of it."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a run was like.

    Args:
        losses: F(x_t) at every one of `marks(T)`; infinite where it is not finite.
        model_sha256: Of x_T, as in a run's summary.json.
        skipped: Rounds in which the model stayed where it was.
        decode_failed: Rounds in which a code could not be decoded.
        seconds: Of one core.
        gradient_norms: Of the mean loss of a device at the same t, where that was asked for: of
            those that never lie, where each has data of its own, else of all.
        accuracies: On held-out samples, likewise.
        errors: Of the server's estimates g_i, the mean of ‖g_i − ∇f_i(x_{t−1})‖² over the
            devices that never lie, likewise, where those have data of their own; else empty.
        uplink: Bytes that all devices together had sent by then, at the message layer.
        mean_square: Of the gradient's norm, over x_0..x_{T−1}, where that was asked for.
    """

    losses: tuple[float, ...]
    model_sha256: str
    skipped: int
    decode_failed: int
    seconds: float
    gradient_norms: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()
    uplink: tuple[int, ...] = ()
    mean_square: float | None = None


def horizons(rounds: int) -> tuple[int, ...]:
    """T/50, T/10, T/5, T/2 and T in whole rounds: where claims are looked at."""
    return tuple(sorted({-(-rounds // part) for part in (50, 10, 5, 2, 1)}))


def marks(rounds: int) -> tuple[int, ...]:
    """The t at which F(x_t) is recorded: evenly spread, with 0, T and the horizons among them."""
    points = min(rounds, _POINTS)
    even = {round(point * rounds / points) for point in range(points + 1)}
    return tuple(sorted(even | set(horizons(rounds))))


def compute(
    tables: Mapping[str, Any],
    watch: Callable[[int], None] = lambda _: None,
    *,
    closely: bool = False,
    weighed: bool = False,
    averaged: bool = False,
) -> Trace:
    """Run an experiment.

    Args:
        tables: Of its file.
        watch: Called with t after every round; may raise Stopped.
        closely: Whether to record more than the losses.
        weighed: Whether to count bytes, too.
        averaged: Whether to take the mean of the squared norm over all rounds, too.

    Raises:
        ConfigError: The experiment cannot be.
        Stopped: `watch` did.
    """
    started = time.process_time()
    prepared = prepare(read_experiment(tables))
    wanted = set(marks(prepared.experiment.rounds))
    state = initial_state(prepared)
    losses, skipped, decode_failed = [_loss(prepared, state)], 0, 0
    closer = _Closer(prepared, averaged) if closely else None
    with threadpool_limits(1):  # another number of BLAS threads changes the last bits
        for state, outcome in simulate(prepared, closer.sent if closer and weighed else None):
            skipped += outcome.skipped is not None
            decode_failed += outcome.decode_failed
            if state.round in wanted:
                losses.append(_loss(prepared, state))
            if closer is not None:
                closer.look(state, wanted)
            watch(state.round)
    return Trace(
        losses=tuple(losses),
        model_sha256=model_sha256(state.model),
        skipped=skipped,
        decode_failed=decode_failed,
        seconds=time.process_time() - started,
        **({} if closer is None else closer.found()),
    )


class _Closer:
    """What is recorded beside the losses."""

    def __init__(self, prepared: Prepared, averaged: bool) -> None:
        self._prepared = prepared
        experiment = prepared.experiment
        local = (
            getattr(experiment.coding, "tasks", None) == "fixed" and not experiment.devices.redraw
        )
        liars = byzantine_devices(experiment.devices, experiment.seed)
        everyone = np.arange(experiment.devices.count)
        self._honest = [i for i in everyone.tolist() if local and i not in liars]
        self._measured = np.array(self._honest) if local else everyone
        self._model = initial_state(prepared).model
        self._norms: list[float] = []
        self._accuracies: list[float] = []
        self._errors: list[float] = []
        self._uplink = [0]
        self._bytes = 0
        self._squares: list[float] | None = [] if averaged else None
        self._measure(self._model)

    def sent(self, plan: Plan, payloads: Sequence[Payload | None]) -> None:
        """Count what devices send, each from a process of its own."""
        self._bytes += sum(len(encode_reply(plan, [payload])) for payload in payloads if payload)

    def look(self, state: State, wanted: Container[int]) -> None:
        """Take in a round."""
        if self._squares is not None:
            self._squares.append(self._norm(self._model) ** 2)
        if state.round in wanted:
            self._measure(state.model)
            self._uplink.append(self._bytes)
            self._compare(state)
        self._model = state.model

    def found(self) -> dict[str, Any]:
        """All of it, for a Trace."""
        return {
            "gradient_norms": tuple(self._norms),
            "accuracies": tuple(self._accuracies),
            "errors": tuple(self._errors),
            "uplink": tuple(self._uplink),
            "mean_square": None if self._squares is None else float(np.mean(self._squares)),
        }

    def _compare(self, state: State) -> None:
        """Take in how far the server's estimates are from the gradients that they are of."""
        memories = [state.memories.get(device, {}) for device in self._honest]
        held = [memory["estimate"] for memory in memories if "estimate" in memory]
        if held and len(held) == len(memories):
            honest = np.array(self._honest)
            gradients = self._prepared.objective.gradients(self._model, honest)
            self._errors.append(float(((np.array(held) - gradients) ** 2).sum(axis=1).mean()))

    def _measure(self, model: NDArray[np.float64]) -> None:
        self._norms.append(self._norm(model))
        with np.errstate(over="ignore", invalid="ignore"):
            accuracy = self._prepared.objective.accuracy(model)
        if accuracy is not None:
            self._accuracies.append(accuracy)

    def _norm(self, model: NDArray[np.float64]) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            gradients = self._prepared.objective.gradients(model, self._measured)
            norm = float(np.sqrt((gradients.mean(axis=0) ** 2).sum()))
        return norm if math.isfinite(norm) else math.inf


def _loss(prepared: Prepared, state: State) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        loss = prepared.objective.loss(state.model)
    return loss if math.isfinite(loss) else math.inf
