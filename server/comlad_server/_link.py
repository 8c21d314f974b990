"""What the network interfaces of this host or container carried, from their counters.

An interface counts what everybody sends: it is the devices' only if nobody else uses
it, which only who starts the server can know.
"""

import socket
import sys
from collections.abc import Collection, Iterable, Iterator

import psutil

from comlad.errors import ConfigError
from comlad.rounds import Traffic
from comlad_server._stream import Stream
from comlad_server._tcp import plain_address

__all__ = ["Links"]

_NOTHING = Traffic(0, 0, 0, 0)


class Links:
    """The interfaces that connections to devices go over.

    Counts from its construction on.

    Raises:
        ConfigError: Not on Linux.
    """

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise ConfigError(f"--count-link: must be Linux to be counted, found {sys.platform}")
        self._seen = _counters()
        self._devices: dict[str, tuple[int, ...]] = {}

    def enter(self, stream: Stream) -> None:
        """A stream is there: note which interface carries it.

        None if it cannot be told, or if its peer is on this host: then the loopback does.
        """
        stream.interface = name = _interface(*stream.ends) if stream.ends else None
        if name is None:
            return
        # Whoever came once stays: a device that has gone may have packets on the way.
        before = self._devices.get(name, stream.devices)
        if set(stream.devices) - set(before):
            before = tuple(sorted({*before, *stream.devices}))
        self._devices[name] = before

    def count(
        self, streams: Iterable[Stream], others: Collection[Stream]
    ) -> Iterator[tuple[tuple[int, ...], Traffic | None]]:
        """What was carried since the last call, and for which devices; None if nobody counted.

        Args:
            streams: Whose connections are counted at this moment.
            others: Not now: an interface that carries one of these as well is left for later,
                or it would be charged with what is not on their connections yet.
        """
        names: set[str] = set()
        for stream in streams:
            if stream.interface is None:
                yield stream.devices, None
            else:
                names.add(stream.interface)
        names.difference_update(stream.interface or "" for stream in others)
        if not names:
            return
        now = _counters()
        for name in sorted(names):
            before, after = self._seen.get(name, _NOTHING), now.get(name, _NOTHING)
            self._seen[name] = after
            spent = Traffic(*(b - a for a, b in zip(before, after, strict=True)))
            # It went away, or another has its name now: what it carried last was not seen.
            gone = min(spent) < 0
            yield self._devices[name], None if gone else spent


def _counters() -> dict[str, Traffic]:
    """By interface since it was made; up is what it received."""
    return {
        name: Traffic(io.bytes_recv, io.bytes_sent, io.packets_recv, io.packets_sent)
        for name, io in psutil.net_io_counters(pernic=True, nowrap=False).items()
    }


def _interface(here: str, there: str) -> str | None:
    """The one that has this address, unless none or several have it, or the peer is local too."""
    owners: dict[str, set[str]] = {}
    for name, entries in psutil.net_if_addrs().items():
        for entry in entries:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                # An address with a label of its own is listed as eth0:label.
                owners.setdefault(plain_address(entry.address), set()).add(name.partition(":")[0])
    found = owners.get(here, set())
    return next(iter(found)) if len(found) == 1 and there not in owners else None
