"""The server's end of a device process's stream."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import suppress

from comlad.errors import MessageError
from comlad.rounds import ByteCount
from comlad.wire import Broadcast
from comlad_server._pace import Pace
from comlad_server._tcp import TcpMeter

__all__ = ["Stream"]

# Small messages that may wait for each device of a peer that does not read.
_MAX_NOTES = 32


class Stream:
    """Writes to one device process without ever making the round wait for it.

    At most one broadcast is written or waits to be: a newer one takes the place of an
    older, half sent perhaps, which a device so slow has no use for any more.

    Args:
        devices: The ids of the devices that the process hosts, by slot.
        write: Sends a message; raises ConnectionError when the peer is gone.
        peer: Its address, as gRPC names it.
    """

    def __init__(
        self,
        devices: tuple[int, ...],
        write: Callable[[bytes], Awaitable[None]],
        peer: str = "",
    ) -> None:
        self.devices = devices
        self.holders: tuple[Hashable, ...] = devices  # who is to answer for what it does
        self.peer = peer
        self._write = write
        self.interface: str | None = None  # that carries it, where interfaces are counted
        self._meter: TcpMeter | None = None
        self.pace = Pace(len(devices))
        self.told_held: set[int] = set()  # of which devices it was told what is held
        self.verdict: MessageError | None = None  # why the run ends it, if it does
        self.on_hang_up: Callable[[], object] = lambda: None
        self._seen = (0, 0)
        self._notes: deque[bytes] = deque()
        self._waiting: tuple[Broadcast, Callable[[], ByteCount]] | None = None
        self._sending: tuple[int, Iterator[tuple[bytes, bool]]] | None = None
        self._told: int | None = None  # the plan that was sent last, and wholly
        self._writer: asyncio.Task[None] | None = None

    def broadcast(self, broadcast: Broadcast, counted: Callable[[], ByteCount]) -> None:
        """Send a round; replaces one that is not sent yet.

        `counted` gives the tally that each message is charged to as it goes out.
        """
        self._waiting = broadcast, counted
        self._wake()

    def tell(self, message: bytes) -> None:
        """Send something small.

        Raises:
            ConnectionError: Too much waits already: the peer does not read.
        """
        if len(self._notes) >= _MAX_NOTES * (1 + len(self.devices)):
            raise ConnectionError("does not read what it is sent")
        self._notes.append(message)
        self._wake()

    async def finish(self, message: bytes) -> None:
        """Send a last message, when all that waits is sent, and end the stream."""
        self._waiting = self._sending = None
        with suppress(ConnectionError):
            self.tell(message)
        if self._writer is not None:
            await asyncio.wait([self._writer])
        self.on_hang_up()

    def hang_up(self, verdict: MessageError) -> None:
        """End the stream, with what its peer is told."""
        self.verdict = verdict
        self.on_hang_up()

    def count_with(self, meter: TcpMeter | None) -> None:
        """Take the meter of the connection, if there is one; the stream closes it."""
        self._meter = meter

    @property
    def ends(self) -> tuple[str, str] | None:
        """IP addresses of the connection, ours and the peer's, if it was found."""
        return None if self._meter is None else self._meter.ends

    def count_tcp(self) -> tuple[int, int] | None:
        """Bytes up and down on the connection since the last call; None if nobody counts them."""
        if self._meter is None:
            return None
        now = self._meter.read()
        up, down = now[0] - self._seen[0], now[1] - self._seen[1]
        self._seen = now
        return up, down

    def close(self) -> None:
        """The stream has ended; what still waits is dropped."""
        if self._writer is not None:
            self._writer.cancel()
        if self._meter is not None:
            self._meter.close()

    def _wake(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._notes or self._waiting or self._sending:
                if self._notes:
                    await self._write(self._notes.popleft())
                elif self._waiting is not None:
                    (broadcast, counted), self._waiting = self._waiting, None
                    messages = broadcast.messages(self.devices, self._told, counted)
                    self._sending = broadcast.number, messages
                elif self._sending is not None:
                    number, messages = self._sending
                    message, last = next(messages)
                    await self._write(message)
                    if last:
                        self._told, self._sending = number, None
        except ConnectionError:
            self._notes.clear()
            self._waiting = self._sending = None
