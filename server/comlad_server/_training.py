"""The run: who is connected, when a round opens and closes, what is recorded of it.

Knows time and files, but nothing of gRPC; what a message means is decided in `comlad`.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection
from typing import Any

from comlad.errors import MessageError, RoundError, Status
from comlad.experiment import Prepared
from comlad.rounds import ByteCount
from comlad.session import ClosedRound, OpenRound, Session
from comlad.wire import encode_finished
from comlad_server._link import Links
from comlad_server._stream import Stream
from comlad_server.results import Results, versions

__all__ = ["Training"]

logger = logging.getLogger(__name__)

# How long devices may take to hear that the run is over.
_FAREWELL_S = 5.0


class Training:
    """One run of an experiment with whoever connects.

    Args:
        prepared: What is run.
        results: Where it is written.
        watch: Called with events: every round's record, and who is waited for.
        links: The interfaces, if they carry nothing else and are to be counted.
    """

    def __init__(
        self,
        prepared: Prepared,
        results: Results,
        watch: Callable[[dict[str, Any]], None],
        links: Links | None = None,
    ) -> None:
        self.strangers = 0
        self._prepared = prepared
        self._results = results
        self._watch = watch
        self._links = links
        self._session = Session(prepared)
        self._streams: dict[int, Stream] = {}  # by device, from join to leave
        self._ready: set[Stream] = set()
        self._open: OpenRound | None = None
        self._closed: tuple[ClosedRound, float] | None = None  # and its seconds; not yet recorded
        self._waited_for: set[int] = set()
        self._changed = asyncio.Event()
        self._setup = ByteCount(prepared.experiment.devices.count)
        self._stopping: str | None = None

    # What the connections report.

    def join(self, stream: Stream) -> None:
        """A stream says which devices it hosts.

        Raises:
            MessageError: One of them is connected already.
        """
        for device in stream.devices:
            if device in self._streams:
                raise MessageError(
                    f"device {device} is connected already: an id can be registered once",
                    Status.ALREADY_EXISTS,
                )
        self._streams.update(dict.fromkeys(stream.devices, stream))

    def ready(self, stream: Stream) -> None:
        """The devices of a stream have the data and take part from the open round on."""
        self._ready.add(stream)
        if self._links is not None:
            self._links.enter(stream)
        self._count([stream], self._setup)
        logger.info("devices %s are ready", _ids(stream.devices))
        if self._open is not None and not self._open.inbox.heard(stream.devices):
            self._send(stream, self._open)
        self._changed.set()

    def receive(self, stream: Stream, data: bytes) -> None:
        """A message of a stream that is ready.

        Raises:
            MessageError: The stream is to be cut off.
        """
        if self._session.over:
            return  # too late to matter
        if self._open is None:
            raise MessageError("no round is open", Status.FAILED_PRECONDITION)
        inbox = self._open.inbox
        for verdict in inbox.receive(stream.devices, data):
            logger.warning("refused device %d: %s", verdict.device, verdict.reason)
            try:
                stream.tell(verdict.answer)
            except ConnectionError as error:
                raise MessageError(str(error), Status.RESOURCE_EXHAUSTED) from error
        if inbox.answered(self._waited_for):
            self._changed.set()
        if inbox.exhausted(stream.devices):
            raise MessageError("refused too often in one round", Status.RESOURCE_EXHAUSTED)

    def leave(self, stream: Stream) -> None:
        """A stream has ended, for whatever reason."""
        if stream in self._ready:
            self._ready.remove(stream)
            self._count([stream], self._tally)
            if not self.over:
                logger.warning("devices %s have gone", _ids(stream.devices))
        for device in stream.devices:
            if self._streams.get(device) is stream:
                del self._streams[device]
        stream.close()
        if self._open is not None:
            self._open.inbox.leave(stream.devices)
        self._changed.set()

    def cut_off(self, stream: Stream, reason: str) -> None:
        """A stream is ended for what it did: a fault of its devices."""
        logger.warning("cut off devices %s: %s", _ids(stream.devices), reason)
        if self._open is not None:
            self._open.inbox.stray.append((stream.devices[0], reason))
        else:
            self.strangers += 1

    def stranger(self, reason: str) -> None:
        """A peer was turned away before it was any device."""
        self.strangers += 1
        logger.warning("turned away: %s", reason)

    @property
    def over(self) -> bool:
        """Whether the last round is closed."""
        return self._session.over

    def stop(self, reason: str) -> None:
        """Close no further round."""
        self._stopping = reason
        self._changed.set()

    # The run itself.

    async def run(self) -> None:
        """Train, then write the summary, whatever ended the run.

        Raises:
            RoundError: The run ended before its last round; says why.
        """
        started = time.perf_counter()
        try:
            await self._everyone()
            self._watch({"event": "started"})
            self._count(self._ready, self._setup)
            started = time.perf_counter()
            await self._train()
        except RoundError as error:
            self._session.failure = str(error)
        except BaseException as error:
            self._session.failure = f"failed: {error}"
            raise
        finally:
            self._open = None
            self._record()
            seconds = time.perf_counter() - started
            summary = self._session.summary("processes", seconds, versions(), self.strangers)
            summary["setup"] = {
                way: {"tcp": layers.get("tcp")} | {k: n for k, n in layers.items() if k == "link"}
                for way, layers in self._setup.totals().items()
            }
            self._results.finish(summary, self._session.state.model)
        await self._farewell()
        if self._session.failure is not None:
            raise RoundError(self._session.failure)

    async def _everyone(self) -> None:
        """Wait for all devices; say now and then who has not come."""
        everyone = set(range(self._prepared.experiment.devices.count))
        while missing := everyone.difference(*(stream.devices for stream in self._ready)):
            logger.info("waiting for devices %s", _ids(sorted(missing)))
            try:
                async with asyncio.timeout(self._prepared.experiment.devices.deadline_s):
                    await self._change()
            except TimeoutError:
                self._watch({"event": "waiting", "devices": sorted(missing)})

    async def _train(self) -> None:
        """All rounds. Each is recorded while the devices already work on the next."""
        while not self._session.over:
            while not self._ready:
                self._open = None
                logger.warning("no device is connected; waiting")
                await self._change()
            opened = self._open_round()
            started = time.perf_counter()
            if self._closed is not None:
                await asyncio.sleep(0)  # lets the broadcasts go out
                self._record()
                if self._session.over:
                    return
            await self._everyone_answered(opened)
            self._count(self._ready, opened.counted)
            self._closed = self._session.advance(opened), time.perf_counter() - started

    def _open_round(self) -> OpenRound:
        self._open = opened = self._session.open_round()
        self._waited_for = {device for stream in self._ready for device in stream.devices}
        for stream in self._ready:
            self._send(stream, opened)
        return opened

    async def _everyone_answered(self, opened: OpenRound) -> None:
        """Wait for those who were there when the round opened, until the deadline."""
        try:
            async with asyncio.timeout(self._prepared.experiment.devices.deadline_s):
                while not opened.inbox.answered(self._waited_for):
                    await self._change()
        except TimeoutError:
            if missing := opened.inbox.missing():
                logger.warning("round %d: deadline, without %s", opened.plan.round, _ids(missing))

    def _record(self) -> None:
        """Record the round that was closed last, unless it is recorded."""
        if self._closed is None:
            return
        (closed, seconds), self._closed = self._closed, None
        record = self._session.record(closed) | {"seconds": seconds}
        self._results.add_round(record)
        self._watch({"event": "round", **record})
        logger.info("round %d: loss %.6g", record["round"], record["loss"] or math.nan)
        if "skipped" in record:
            logger.warning("round %d: the model stays: %s", record["round"], record["skipped"])

    def _send(self, stream: Stream, opened: OpenRound) -> None:
        stream.broadcast(opened.broadcast, lambda: self._tally)

    @property
    def _tally(self) -> ByteCount:
        """What is charged with what crosses the wire now."""
        return self._setup if self._open is None else self._open.counted

    def _count(self, streams: Collection[Stream], counted: ByteCount) -> None:
        """Charge what connections and interfaces carried since they were counted last."""
        for stream in streams:
            counted.add_tcp(stream.devices, stream.count_tcp())
        if self._links is not None:
            others = self._ready.difference(streams)
            for devices, traffic in self._links.count(streams, others):
                counted.add_link(devices, traffic)

    async def _change(self) -> None:
        """Wait until a stream or the round has changed, or the run is to stop."""
        await self._changed.wait()
        self._changed.clear()
        if self._stopping is not None:
            raise RoundError(self._stopping)

    async def _farewell(self) -> None:
        message = encode_finished(self._session.state.round)
        streams = set(self._streams.values())
        farewells = [asyncio.create_task(stream.finish(message)) for stream in streams]
        if farewells:
            _, late = await asyncio.wait(farewells, timeout=_FAREWELL_S)
            for farewell in late:
                farewell.cancel()


def _ids(devices: list[int] | tuple[int, ...]) -> str:
    shown = ", ".join(map(str, devices[:10]))
    return shown if len(devices) <= 10 else f"{shown} and {len(devices) - 10} more"
