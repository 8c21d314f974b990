"""The run: when a round opens and closes, and what is recorded of it.

Knows time and files, but nothing of gRPC; what a message means is decided in `comlad`.
Whatever happens is told as an event; `_events` says which there are.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from comlad.errors import RoundError
from comlad.experiment import Prepared
from comlad.session import ClosedRound, OpenRound, Session
from comlad_server._connections import Connections
from comlad_server._keeper import Keeper
from comlad_server._ledger import Ledger
from comlad_server._link import Links
from comlad_server.checkpoints import Checkpoint, Checkpoints
from comlad_server.results import Results, versions

__all__ = ["Training"]


class _Closed(NamedTuple):
    """A round that is closed, and the seconds that took: waiting for answers, and the rest."""

    round: ClosedRound
    answers: float
    close: float


class Training:
    """One run of an experiment with whoever connects.

    Args:
        prepared: What is run.
        results: Where it is written.
        watch: Called with events.
        links: The interfaces, if they carry nothing else and are to be counted.
        transport: How devices are connected, for the summary.
        checkpoints: Where those of this run are written; None: nowhere.
        resumed: Where an earlier run stopped that this one goes on with.

    Raises:
        ConfigError: That is none of this experiment.
    """

    def __init__(
        self,
        prepared: Prepared,
        results: Results,
        watch: Callable[[dict[str, Any]], None],
        links: Links | None = None,
        *,
        transport: str = "plaintext on loopback",
        checkpoints: Checkpoints | None = None,
        resumed: Checkpoint | None = None,
    ) -> None:
        self._devices = prepared.experiment.devices
        self._results = results
        self._watch = watch
        self._session = Session(prepared, None if resumed is None else resumed.snapshot)
        self._keeper = Keeper(checkpoints, results, watch)
        self._ledger = Ledger(self._devices.count, transport)
        self._closed: _Closed | None = None  # not yet recorded
        self._resumed = resumed
        self.connections = Connections(self._devices, self._ledger.setup, watch, links)
        if resumed is not None:
            self.connections.strangers = self._ledger.restore(resumed, results.again)

    async def run(self) -> None:
        """Train, then write the summary, whatever ended the run.

        Raises:
            RoundError: The run ended before its last round; says why.
        """
        session, connections = self._session, self.connections
        if self._resumed is not None:
            rounds, file = self._resumed.snapshot.round, str(self._resumed.path)
            again = self._results.again
            self._watch({"event": "resumed", "round": rounds, "file": file, "again": again})
        try:
            if not session.over:
                await self._gather()
                self._watch({"event": "started", "round": session.state.round})
                connections.count()
                self._ledger.begin()
                await self._train()
        except RoundError as error:
            session.failure = str(error)
        except BaseException as error:
            session.failure = f"failed: {error}"
            connections.hang_up()
            raise
        finally:
            connections.over = True
            connections.close()
            self._record()
            seconds = self._ledger.seconds
            await self._keeper.at_the_end(session, self._to_ledger)
            summary = session.summary("processes", seconds, versions(), connections.strangers)
            self._results.finish(summary | self._ledger.summary(), session.state.model)
        if session.failure is None or not session.sound:
            await connections.farewell(session.state.round)
        else:
            connections.hang_up()
        if session.failure is not None:
            reason, resumable = session.failure, session.sound
            self._watch({"event": "stopped", "reason": reason, "resumable": resumable})
            raise RoundError(session.failure)

    async def _gather(self) -> None:
        """Wait for all devices, or the quorum; say now and then who has not come."""
        while absent := self.connections.roster.absent:
            quorum = self._devices.quorum or self._devices.count
            enough = self._devices.count - len(absent) >= quorum
            try:
                async with asyncio.timeout(self._devices.deadline_s):
                    await self.connections.change()
            except TimeoutError:
                if enough:
                    return
                self._watch({"event": "waiting", "devices": absent})

    async def _train(self) -> None:
        """All rounds. Each is recorded while the devices already work on the next."""
        session, connections = self._session, self.connections
        while not session.over:
            if not connections.roster.ready:
                connections.close()
                self._record()
                if session.over:
                    return
                await self._anyone()
            started = time.perf_counter()
            opened = session.open_round()
            connections.open(opened)
            if self._closed is not None:
                await asyncio.sleep(0)  # lets the broadcasts go out
                self._record()
                if session.over:
                    return
            await self._enough_answered(opened)
            answered = time.perf_counter()
            connections.count()
            closed = session.advance(opened)
            self._closed = _Closed(closed, answered - started, time.perf_counter() - answered)
            connections.over = session.over

    async def _anyone(self) -> None:
        """Wait until a device is connected."""
        roster = self.connections.roster
        while not roster.ready:
            self._watch({"event": "waiting", "devices": roster.absent})
            await self.connections.change()

    async def _enough_answered(self, opened: OpenRound) -> None:
        """Wait for those who were there when the round opened, until the deadline.

        If they are too few, for whoever comes, and perhaps for some deadlines more; the
        answers that are there count.

        Raises:
            RoundError: It was in vain.
        """
        number, connections = opened.plan.round, self.connections

        def enough_answered() -> bool:
            return self._session.lacks(opened) is None or not opened.inbox.missing()

        def all_answered() -> bool:
            return opened.inbox.answered(connections.waited_for) and enough_answered()

        may_close = all_answered
        for left in range(self._devices.repeats, -1, -1):
            try:
                async with asyncio.timeout(self._devices.deadline_s) as deadline:
                    while not may_close():
                        await connections.change()
                        if not connections.roster.ready and self._session.lacks(opened):
                            deadline.reschedule(None)
                            await self._anyone()
                            now = asyncio.get_running_loop().time()
                            deadline.reschedule(now + self._devices.deadline_s)
            except TimeoutError:
                if missing := opened.inbox.missing():
                    connections.missed(missing)
                    self._watch({"event": "late", "round": number, "devices": missing})
            reason = self._session.lacks(opened)
            if reason is None or self._devices.too_few == "skip":
                return
            # Who was refused has had its say: no use in waiting if that is all others.
            if self._devices.too_few == "stop" or not left or not opened.inbox.missing():
                raise RoundError(reason)
            self._watch({"event": "repeated", "round": number, "reason": reason, "left": left})
            await self._anyone()
            may_close, connections.waited_for = enough_answered, set()  # every answer is news

    def _record(self) -> None:
        """Record the round that was closed last, unless it is recorded."""
        if self._closed is None:
            return
        closed, self._closed = self._closed, None
        started = time.perf_counter()
        record = self._session.record(closed.round)
        phases = {"answers": closed.answers, "close": closed.close}
        phases["record"] = time.perf_counter() - started
        record["seconds"] = closed.answers + closed.close
        self._results.add_round(record)
        self._watch({"event": "round", **record, "phases": phases})
        self._keeper.after_round(self._session, self._to_ledger)

    def _to_ledger(self) -> dict[str, Any]:
        return self._ledger.to_table(self.connections.strangers)
