"""All that shows a run to those who operate it; nothing of it decides anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import grpc.aio

from comlad.experiment import Experiment
from comlad.v1 import training_pb2
from comlad_server._events import Event, Observer, fan_out
from comlad_server.operations._board import StatusBoard
from comlad_server.operations._health import Health
from comlad_server.operations._log import EventLog
from comlad_server.operations._metrics import serve_metrics
from comlad_server.operations._table import TableLog
from comlad_server.operations._watch import WATCH_SERVICE, WatchService

__all__ = ["Operations"]

_TRAINING_SERVICE = training_pb2.DESCRIPTOR.services_by_name["TrainingService"].full_name


class Operations:
    """The log, status, watchers, health, metrics and table of a run.

    Args:
        experiment: What is run.
        announce: Another observer of its events.
    """

    def __init__(self, experiment: Experiment, announce: Observer) -> None:
        self._board = StatusBoard(experiment)
        self._watch = WatchService(self._board)
        self._health = Health(_TRAINING_SERVICE, WATCH_SERVICE)
        log = EventLog(experiment.devices.count)
        self.observe = fan_out([self._board.observe, log.observe, announce, self._heed])

    @asynccontextmanager
    async def offered_by(
        self, server: grpc.aio.Server, metrics: str | None, table_s: float | None
    ) -> AsyncIterator[str | None]:
        """Offer all of it, and see to it that whoever looks on hears how the run ended.

        Gives the address of the metrics.

        Args:
            server: Not yet started; still there when the block ends.
            metrics: HOST:PORT of these, if they are wanted.
            table_s: Seconds between two tables in the log, if they are wanted.

        Raises:
            ConfigError: The metrics' address cannot be listened on.
        """
        async with AsyncExitStack() as stack:
            if metrics is not None:
                metrics = stack.enter_context(serve_metrics(metrics, self._board))
            self._watch.add_to(server)
            self._health.add_to(server)
            stack.callback(self._health.end)
            stack.push_async_callback(self._watch.end)
            if table_s is not None:
                await stack.enter_async_context(_tables(TableLog(self._board), table_s))
            yield metrics

    def _heed(self, event: Event) -> None:
        """Nobody new is to come to a server that is about to stop."""
        if event["event"] == "stopping":
            self._health.end()


@asynccontextmanager
async def _tables(log: TableLog, seconds: float) -> AsyncIterator[None]:
    """Write a table now and then, and one at the end."""

    async def write() -> None:
        while True:
            await asyncio.sleep(seconds)
            log.write()

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        log.write()
