"""The in-process engine: a whole cluster in one process, without a network.

Every value goes through the same wire code as over the network, so that the model
agrees to the last bit and the payload and message layers to the last byte.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from comlad.errors import RoundError
from comlad.experiment import Prepared, process_groups
from comlad.rounds import (
    Attendance,
    Memories,
    Snapshot,
    after_close,
    device_messages,
    local_site,
    recovered,
)
from comlad.session import OpenRound, Session
from comlad.wire import reply_messages
from comlad_server.checkpoints import Checkpoint, Checkpoints
from comlad_server.results import Results, versions

__all__ = ["run_inprocess"]

logger = logging.getLogger(__name__)


def run_inprocess(
    prepared: Prepared,
    results: Results,
    per_process: int = 1,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
    *,
    attendance: Sequence[Attendance] | None = None,
    checkpoints: Checkpoints | None = None,
    resumed: Checkpoint | None = None,
    before_round: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Run an experiment to its end.

    Args:
        prepared: What is run.
        results: Where it is written.
        per_process: How many devices would share a process; decides the bytes of messages.
        watch: Called with events: every round's record.
        attendance: Who took part in each round of the run that this one repeats; None:
            everybody.
        checkpoints: Where those of this run are written; None: nowhere.
        resumed: Where an earlier run stopped that this one goes on with.
        before_round: Called before every round; what it raises ends the run.

    Returns:
        The contents of summary.json.

    Raises:
        ConfigError: The attack is a program of its own.
        RoundError: The run diverged, or a round had too few answers; what it reached is
            written.
    """
    # Another number of BLAS threads changes the last bits of products.
    with threadpool_limits(1):
        run = _Run(prepared, per_process, attendance, resumed)
        try:
            while not run.session.over:
                before_round()
                before = time.perf_counter()
                record = run.round() | {"seconds": time.perf_counter() - before}
                results.add_round(record)
                watch({"event": "round", **record})
                if checkpoints is not None:
                    _save(checkpoints, run, results)
        except RoundError as error:
            run.session.failure = str(error)
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            run.session.failure = "interrupted" if interrupted else f"failed: {error}"
            raise
        finally:
            if checkpoints is not None:
                _save(checkpoints, run, results, at_the_end=True)
            summary = run.session.summary("inprocess", run.seconds, versions())
            results.finish(summary, run.session.state.model)
    if run.session.failure is not None:
        raise RoundError(run.session.failure)
    return summary


def _save(
    checkpoints: Checkpoints, run: "_Run", results: Results, at_the_end: bool = False
) -> None:
    rounds = results.rounds
    # What has ended the run may have come in the middle of a round, or of its line.
    whole = run.session.sound and run.closed == rounds
    if whole and checkpoints.due(rounds, at_the_end):
        try:
            results.sync()
            checkpoints.save(run.checkpoint(results))
        except OSError as error:
            logger.error("no checkpoint after %d rounds: %s", rounds, error)


class _Run:
    """The server's session and the devices, side by side."""

    def __init__(
        self,
        prepared: Prepared,
        per_process: int,
        attendance: Sequence[Attendance] | None,
        resumed: Checkpoint | None,
    ) -> None:
        experiment = prepared.experiment
        honest, byzantine = process_groups(experiment.devices, experiment.seed, per_process)
        snapshot = Snapshot(0, {}) if resumed is None else resumed.snapshot
        self.session = Session(prepared, None if resumed is None else snapshot)
        self._groups = (*honest, *byzantine)
        self._site = local_site(prepared)
        self._memories: Memories = snapshot.memories()
        self._attendance = attendance
        # With too few answers; a round that is repeated did close.
        self._may_close = attendance is not None or experiment.devices.too_few == "skip"
        self._told: int | None = None
        self.closed: int | None = snapshot.round  # rounds; None: in the middle of that
        self._before = 0.0 if resumed is None else resumed.ledger["seconds"]
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long the rounds took, those of an earlier run included."""
        return self._before + time.perf_counter() - self._started

    def round(self) -> dict[str, Any]:
        """The next round; its record, but for the seconds.

        Raises:
            RoundError: Too few answered, and never will more.
        """
        opened = self.session.open_round()
        present = Attendance()
        if self._attendance is not None:
            present = self._attendance[opened.plan.round]
        plan, held, lost = opened.plan, opened.memories, present.recovered
        self._memories = recovered(self._site.estimator, plan, held, self._memories, lost)
        payloads, memories = device_messages(self._site, plan, self._memories)
        away = present.missing | present.refused.keys()
        answers = [None if i in away else payload for i, payload in enumerate(payloads)]
        opened.inbox.replay(present.refused)
        self._deliver(opened, answers)
        if not self._may_close and (reason := self.session.lacks(opened)) is not None:
            raise RoundError(reason)
        self.closed = None
        record = self.session.close_round(opened)
        state, missing = self.session.state, present.missing
        self._memories = after_close(self._memories, memories, state, missing)
        self.closed = opened.plan.round + 1
        return record

    def checkpoint(self, results: Results) -> Checkpoint:
        """After the round that was recorded last."""
        snapshot = self.session.snapshot(self._memories)
        return Checkpoint(snapshot, results.rounds_bytes(), {"seconds": self.seconds})

    def _deliver(self, opened: OpenRound, answers: Sequence[Any]) -> None:
        for group in self._groups:
            opened.broadcast.charge(opened.counted, group, self._told)
            own = [answers[device] for device in group]
            if any(answer is not None for answer in own):
                for message in reply_messages(opened.plan, own):
                    opened.inbox.receive(group, message)
        self._told = opened.plan.number
