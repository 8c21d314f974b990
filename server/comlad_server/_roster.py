"""Who is connected: the streams by device, from joining to leaving."""

from comlad.errors import MessageError, Status
from comlad_server._stream import Stream

__all__ = ["Roster"]


class Roster:
    """The streams of a run.

    Args:
        devices: N.
    """

    def __init__(self, devices: int) -> None:
        self.ready: set[Stream] = set()  # those whose devices take part
        self._everyone = frozenset(range(devices))
        self._streams: dict[int, Stream] = {}  # by device, from join to leave

    def join(self, stream: Stream, *, replace: bool = False) -> list[Stream]:
        """A stream hosts devices from now on.

        Args:
            stream: Says which.
            replace: Whether it is proven that they are its devices. Then the host of an
                older stream of theirs has vanished, or was started twice: the newer counts.

        Returns:
            The streams whose place it takes; they are to leave.

        Raises:
            MessageError: One of its devices is connected already, and nothing is proven.
        """
        older = {self._streams[i]: i for i in stream.devices if i in self._streams}
        if older and not replace:
            raise MessageError(
                f"device {min(older.values())} is connected already: an id can be registered once",
                Status.ALREADY_EXISTS,
            )
        return list(older)

    def enter(self, stream: Stream) -> None:
        """A stream that was let in."""
        self._streams.update(dict.fromkeys(stream.devices, stream))

    def leave(self, stream: Stream) -> bool:
        """A stream has ended; whether its devices took part."""
        for device in stream.devices:
            if self._streams.get(device) is stream:
                del self._streams[device]
        took_part = stream in self.ready
        self.ready.discard(stream)
        return took_part

    def host(self, device: int) -> Stream | None:
        """The stream that hosts a device, if any."""
        return self._streams.get(device)

    @property
    def streams(self) -> set[Stream]:
        """All of them."""
        return set(self._streams.values())

    @property
    def devices(self) -> set[int]:
        """The ids of the devices that take part."""
        return {device for stream in self.ready for device in stream.devices}

    @property
    def absent(self) -> list[int]:
        """The ids of those that do not."""
        return sorted(self._everyone - self.devices)
