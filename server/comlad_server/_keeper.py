"""When checkpoints are written: beside the rounds, one at a time."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from comlad.session import Session
from comlad_server.checkpoints import Checkpoint, Checkpoints
from comlad_server.results import Results

__all__ = ["Keeper"]


class Keeper:
    """Keeps a run on disk.

    Args:
        checkpoints: Where; None: nowhere.
        results: Of the run; rounds.jsonl is on the disk before a checkpoint after its rounds.
        watch: Called with events.
    """

    def __init__(
        self,
        checkpoints: Checkpoints | None,
        results: Results,
        watch: Callable[[dict[str, Any]], None],
    ) -> None:
        self._checkpoints = checkpoints
        self._results = results
        self._watch = watch
        self._writing: asyncio.Task[None] | None = None

    def after_round(self, session: Session, ledger: Callable[[], Mapping[str, Any]]) -> None:
        """Begin to write a checkpoint, if one is due and none is being written.

        Args:
            session: Whose last round is recorded.
            ledger: Gives what the program keeps of the run besides.
        """
        if self._writing is None or self._writing.done():
            self._begin(session, ledger, at_the_end=False)

    async def at_the_end(self, session: Session, ledger: Callable[[], Mapping[str, Any]]) -> None:
        """Write the last one, of all rounds that are recorded."""
        if self._writing is not None:
            await self._writing
        self._begin(session, ledger, at_the_end=True)
        if self._writing is not None:
            await self._writing

    def _begin(
        self, session: Session, ledger: Callable[[], Mapping[str, Any]], *, at_the_end: bool
    ) -> None:
        checkpoints, rounds = self._checkpoints, self._results.rounds
        if checkpoints is None or not session.sound or not checkpoints.due(rounds, at_the_end):
            return
        snapshot = session.snapshot()
        if snapshot.round != rounds:  # the last line could not be written
            return
        checkpoint = Checkpoint(snapshot, self._results.rounds_bytes(), ledger())
        self._writing = asyncio.create_task(self._write(checkpoints, checkpoint))

    async def _write(self, checkpoints: Checkpoints, checkpoint: Checkpoint) -> None:
        started, rounds = time.perf_counter(), checkpoint.snapshot.round
        try:
            await asyncio.to_thread(self._results.sync)
            path = await asyncio.to_thread(checkpoints.save, checkpoint)
        except OSError as error:  # the run goes on; the checkpoint before is still there
            self._watch({"event": "no_checkpoint", "round": rounds, "reason": str(error)})
            return
        seconds = time.perf_counter() - started
        self._watch({"event": "checkpoint", "round": rounds, "file": str(path), "seconds": seconds})
