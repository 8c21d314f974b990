"""A whole run as the server sees it, without time, files or connections.

    session = Session(prepared)
    opened = session.open_round()           # broadcast opened.broadcast, feed opened.inbox
    record = session.close_round(opened)    # a line of rounds.jsonl

Both engines are this loop; they differ in how bytes reach the inbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from comlad.estimators import Memory
from comlad.experiment import Prepared
from comlad.rounds import (
    ByteCount,
    Memories,
    Outcome,
    Plan,
    Report,
    Snapshot,
    State,
    close_round,
    initial_state,
    lacks,
    plan_round,
    round_record,
)
from comlad.wire import Broadcast, Inbox

__all__ = ["ClosedRound", "OpenRound", "Session"]


@dataclass(frozen=True, slots=True, eq=False)
class OpenRound:
    """A round between its broadcast and its close.

    Args:
        plan: What was decided for it.
        broadcast: What devices are told.
        inbox: Takes what they answer.
        counted: The round's bytes; the inbox counts what arrives, the caller what it sends.
        memories: What the estimator remembers of each device, by id.
        recovered: Devices that were told that, having lost their own memory; to be added to.
    """

    plan: Plan
    broadcast: Broadcast
    inbox: Inbox
    counted: ByteCount
    memories: Mapping[int, Memory] = field(default_factory=dict)
    recovered: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class ClosedRound:
    """A round that is closed but not yet recorded.

    Args:
        opened: The round as it was open.
        state: After it.
        outcome: What its votes came to.
    """

    opened: OpenRound
    state: State
    outcome: Outcome


class Session:
    """The run of an experiment, one round after the other.

    Args:
        prepared: What is run.
        snapshot: Where a run of it stopped, to go on from there.

    Raises:
        ConfigError: The snapshot is none of this experiment.
    """

    def __init__(self, prepared: Prepared, snapshot: Snapshot | None = None) -> None:
        self.state: State = initial_state(prepared)
        self.failure: str | None = None
        self._prepared = prepared
        self._report = Report(prepared, self.state)
        if snapshot is not None:
            self.state = snapshot.state(prepared)
            self._report.restore(self.state, snapshot.report)
        self._diverged = False
        self._recorded = self.state  # after the round that was recorded last
        self._told: Plan | None = None  # kept only where what has changed since may be told

    @property
    def over(self) -> bool:
        """Whether no round is left, or going on has no sense: then `failure` says why."""
        return self.failure is not None or self.state.round >= self._prepared.experiment.rounds

    @property
    def sound(self) -> bool:
        """Whether it has sense to go on from the round that was recorded last."""
        return not self._diverged

    def open_round(self) -> OpenRound:
        """The next round."""
        plan = plan_round(self._prepared, self.state)
        counted = ByteCount(self._prepared.experiment.devices.count)
        inbox = Inbox(self._prepared, plan, counted)
        downlink = self._prepared.experiment.downlink
        broadcast = Broadcast(plan, downlink, self._told)
        if downlink.delta:
            self._told = plan
        return OpenRound(plan, broadcast, inbox, counted, self.state.memories)

    def lacks(self, opened: OpenRound) -> str | None:
        """Why a round has too few answers to step; else None."""
        votes, refused = len(opened.inbox.votes), len(opened.inbox.refused)
        if votes == self._prepared.experiment.devices.count:
            return None
        reason = lacks(self._prepared, votes, refused)
        return None if reason is None else f"round {opened.plan.round}: {reason}"

    def advance(self, opened: OpenRound) -> ClosedRound:
        """Close a round: aggregate the votes and step. The next one may open at once."""
        inbox = opened.inbox
        self.state, outcome = close_round(
            self._prepared, opened.plan, self.state, inbox.drain(), len(inbox.refused)
        )
        return ClosedRound(opened, self.state, outcome)

    def record(self, closed: ClosedRound) -> dict[str, Any]:
        """What came of a round, but for the seconds; to be asked once for each, in order."""
        opened = closed.opened
        record = round_record(
            self._prepared,
            closed.state,
            closed.outcome,
            missing=opened.inbox.missing(),
            refused=opened.inbox.refused,
            stray=opened.inbox.stray,
            counted=opened.counted,
            recovered=opened.recovered,
        )
        self._report.add(record, closed.state, opened.counted)
        self._recorded = closed.state
        if record["loss"] is None:
            self._diverged = True
            self.failure = f"diverged: the loss is no longer finite after round {opened.plan.round}"
        return record

    def close_round(self, opened: OpenRound) -> dict[str, Any]:
        """Close a round and say what came of it."""
        return self.record(self.advance(opened))

    def snapshot(self, memories: Memories | None = None) -> Snapshot:
        """The run after the round that was recorded last.

        Args:
            memories: What the devices remember, if they are in this process.
        """
        return Snapshot.of(self._recorded, self._report.to_table(), memories or {})

    def summary(
        self, engine: str, wall_seconds: float, versions: Mapping[str, str], strangers: int = 0
    ) -> dict[str, Any]:
        """The contents of summary.json; `Report.summary` says what the arguments are."""
        summary = self._report.summary(engine, wall_seconds, versions, strangers)
        if self.failure is not None:
            summary["stopped"] = self.failure
        return summary
