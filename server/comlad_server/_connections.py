"""What connections report to a run, and what the run says to all of them."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

from comlad.errors import MessageError, RoundError, Status
from comlad.estimators import Memory
from comlad.experiment import Devices
from comlad.rounds import ByteCount, Direction, Layer
from comlad.session import OpenRound
from comlad.wire import encode_finished
from comlad_server._comings import Comings
from comlad_server._link import Links
from comlad_server._patience import Patience
from comlad_server._roster import Roster
from comlad_server._stream import Stream
from comlad_server._suspensions import Suspensions

__all__ = ["Connections"]

# How long devices may take to hear that the run is over.
_FAREWELL_S = 5.0
# How long who was cut off is kept away: the first time, and at most.
_SUSPENDED_S = 1.0, 60.0
# How often a device may join in how many seconds. Ours wait for 0.2 before they come back.
_MOST_JOINS, _JOINS_S = 8, 1.0


class Connections:
    """The streams of a run, and the round that is open to them.

    Args:
        devices: Of the experiment.
        setup: Charged with what crosses the wire outside of rounds.
        watch: Called with events.
        links: The interfaces, if they carry nothing else and are to be counted.
    """

    def __init__(
        self,
        devices: Devices,
        setup: ByteCount,
        watch: Callable[[dict[str, Any]], None],
        links: Links | None = None,
    ) -> None:
        self.strangers = 0
        self.roster = Roster(devices.count)
        self.waited_for: set[int] = set()  # whose answer to the open round is news
        self._patience = Patience(devices)
        self._suspensions = Suspensions(*_SUSPENDED_S)
        self._comings = Comings(_MOST_JOINS, _JOINS_S)
        self.over = False  # then whatever comes is too late to matter
        self._setup = setup
        self._watch = watch
        self._links = links
        self._open: OpenRound | None = None
        self._changed = asyncio.Event()
        self._stopping: str | None = None

    # What a connection reports.

    def join(self, stream: Stream, *, replace: bool = False) -> None:
        """A stream says which devices it hosts.

        Args:
            stream: The stream.
            replace: Whether it has proven that they are its own, so that it takes the place
                of an older one of theirs.

        Raises:
            MessageError: One of them is connected already, suspended, or comes too often.
        """
        now = time.monotonic()
        if (left := self._suspensions.left(stream.holders, now)) > 0:
            reason = f"suspended for {left:.1f} s: cut off for what it sent"
            raise MessageError(reason, Status.UNAVAILABLE)
        replaced = self.roster.join(stream, replace=replace)
        if self._comings.too_often(stream.devices, now):
            self._suspensions.suspend(stream.holders, now)
            reason = f"joined more than {_MOST_JOINS} times within {_JOINS_S:.0f} s"
            raise MessageError(reason, Status.RESOURCE_EXHAUSTED)
        for older in replaced:
            reason = "a newer connection with the same key took its place"
            self._watch({"event": "replaced", "devices": list(older.devices)})
            self.leave(older)
            older.hang_up(MessageError(reason, Status.ABORTED))
        self.roster.enter(stream)

    def ready(self, stream: Stream) -> None:
        """The devices of a stream have the data and take part from the open round on."""
        self.roster.ready.add(stream)
        if self._links is not None:
            self._links.enter(stream)
        self._count([stream], self._setup)
        devices, peer = list(stream.devices), stream.peer
        self._watch({"event": "ready", "devices": devices, "peer": peer})
        if self._open is not None and not self._open.inbox.heard(stream.devices):
            self._tell(stream, self._open)
        self._changed.set()

    def receive(self, stream: Stream, data: bytes) -> None:
        """A message of a stream that is ready.

        Raises:
            MessageError: The stream is to be cut off.
        """
        if self.over:
            return
        if self._open is None:
            raise MessageError("no round is open", Status.FAILED_PRECONDITION)
        inbox, number = self._open.inbox, self._open.plan.round
        verdicts = inbox.receive(stream.devices, data)
        for verdict in verdicts:
            device, reason = verdict.device, verdict.reason
            self._watch({"event": "refused", "round": number, "device": device, "reason": reason})
            try:
                stream.tell(verdict.answer)
            except ConnectionError as error:
                raise MessageError(str(error), Status.RESOURCE_EXHAUSTED) from error
        if inbox.answered(self.waited_for):
            self._changed.set()
        owed = stream.pace.owed
        stream.pace.heard(len(verdicts))
        if not owed and inbox.exhausted(stream.devices):
            raise MessageError("refused too often in one round", Status.RESOURCE_EXHAUSTED)

    def held(self, peer: str, device: int, plan: int) -> tuple[Stream, Memory]:
        """The stream of a device, and what is remembered of it as of the open round.

        Args:
            peer: Who asks.
            device: About which device.
            plan: In which it was told that an answer has counted.

        Raises:
            MessageError: It is none of the peer's, the plan is not open, or the stream was told
                before.
        """
        stream = self.roster.host(device)
        if stream is None or stream.peer != peer:
            reason = f"device {device} has no stream on this connection"
            raise MessageError(reason, Status.PERMISSION_DENIED)
        if self._open is None or self._open.plan.number != plan:
            raise MessageError(f"plan {plan} is not open", Status.FAILED_PRECONDITION)
        if device in stream.told_held:
            reason = f"what is held of device {device} was told in this stream"
            raise MessageError(reason, Status.ALREADY_EXISTS)
        stream.told_held.add(device)
        self._open.recovered.add(device)
        self._watch({"event": "recovered", "round": self._open.plan.round, "device": device})
        return stream, self._open.memories.get(device, {})

    def charge(
        self, stream: Stream, device: int, direction: Direction, size: int, payload: int = 0
    ) -> None:
        """Charge a device with a message beside the stream."""
        slot = stream.devices.index(device)
        self._tally.count_message(direction, size)
        self._tally.add(direction, Layer.MESSAGE, stream.devices, size, slot)
        self._tally.add(direction, Layer.PAYLOAD, stream.devices, payload, slot)

    def leave(self, stream: Stream) -> None:
        """A stream has ended, for whatever reason; it may be said twice."""
        if self.roster.leave(stream):
            self._count([stream], self._tally)
            if not self.over:
                self._watch({"event": "gone", "devices": list(stream.devices)})
        stream.close()
        if self._open is not None:
            self._open.inbox.leave(stream.devices)
        self._changed.set()

    def cut_off(self, stream: Stream, reason: str) -> None:
        """A stream is ended for what it did: a fault of its devices.

        They may come back after a while, and no round waits for them until then.
        """
        self._suspensions.suspend(stream.holders, time.monotonic())
        self.waited_for.difference_update(stream.devices)
        self._watch({"event": "cut_off", "devices": list(stream.devices), "reason": reason})
        if self._open is not None:
            self._open.inbox.stray.append((stream.devices[0], reason))
        else:
            self.strangers += 1
        self.leave(stream)  # before its end is noticed: the next round is none of theirs

    def stranger(self, reason: str) -> None:
        """A peer was turned away before it was any device."""
        self.strangers += 1
        self._watch({"event": "stranger", "reason": reason})

    # What the run says.

    def stop(self, reason: str) -> None:
        """End the wait for a change."""
        self._stopping = reason
        self._watch({"event": "stopping", "reason": reason})
        self._changed.set()

    async def change(self) -> None:
        """Wait until a stream or the round has changed.

        Raises:
            RoundError: The run is to stop.
        """
        await self._changed.wait()
        self._changed.clear()
        if self._stopping is not None:
            raise RoundError(self._stopping)

    def open(self, opened: OpenRound) -> None:
        """Send a round to all who take part; take what they answer."""
        self._open = opened
        self.waited_for = self._patience.waited_for(self.roster.devices, time.monotonic())
        for stream in self.roster.ready:
            self._tell(stream, opened)

    def missed(self, late: Collection[int]) -> None:
        """A deadline has passed without these: for a while no round waits for them.

        Those that were not waited for have cost nothing.
        """
        self._patience.missed(self.waited_for.intersection(late), time.monotonic())

    def close(self) -> None:
        """No round is open."""
        self._open = None

    def count(self) -> None:
        """Charge what connections and interfaces carried since they were counted last."""
        self._count(self.roster.ready, self._tally)

    def hang_up(self) -> None:
        """End all streams: the run can be gone on with, and devices will come back."""
        for stream in self.roster.streams:
            stream.hang_up(MessageError("the run was stopped; it may go on", Status.UNAVAILABLE))

    async def farewell(self, rounds: int) -> None:
        """Tell everybody that the run is over after so many rounds, and end the streams."""
        message = encode_finished(rounds)
        farewells = [asyncio.create_task(stream.finish(message)) for stream in self.roster.streams]
        if farewells:
            _, late = await asyncio.wait(farewells, timeout=_FAREWELL_S)
            for farewell in late:
                farewell.cancel()

    def _tell(self, stream: Stream, opened: OpenRound) -> None:
        stream.pace.told()
        stream.broadcast(opened.broadcast, lambda: self._tally)

    @property
    def _tally(self) -> ByteCount:
        """What is charged with what crosses the wire now."""
        return self._setup if self._open is None else self._open.counted

    def _count(self, streams: Collection[Stream], counted: ByteCount) -> None:
        for stream in streams:
            counted.add_tcp(stream.devices, stream.count_tcp())
        if self._links is not None:
            others = self.roster.ready.difference(streams)
            for devices, traffic in self._links.count(streams, others):
                counted.add_link(devices, traffic)
