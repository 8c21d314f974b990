"""Who the holder of a key is: a name in its certificate, and one for its directory.

A certificate carries one of these as a URI among its subject's alternative names:

    urn:comlad:server
    urn:comlad:devices:0-4,7
    urn:comlad:watcher
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from comlad.config._ids import parse_ranges, write_ids
from comlad.errors import ConfigError

__all__ = ["SERVER", "SERVER_NAME", "WATCHER", "Identity", "parse_identity"]

# The name that every server's certificate has, wherever it listens: devices ask for this
# one and not for the address that they dial, so that a key does not depend on addresses.
SERVER_NAME = "comlad-server"

_PREFIX = "urn:comlad:"
_DEVICES = "devices:"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate says its holder is.

    Args:
        role: What it may do.
        ranges: The ids of its devices, ascending; none but for devices.
    """

    role: Literal["server", "devices", "watcher"]
    ranges: tuple[range, ...] = ()

    @classmethod
    def of_devices(cls, ids: Iterable[int]) -> "Identity":
        """Of a host of these devices."""
        return cls("devices", parse_ranges("devices", write_ids(ids)))

    @property
    def uri(self) -> str:
        """Its name in a certificate."""
        return _PREFIX + (_DEVICES + self._ids() if self.role == "devices" else self.role)

    @property
    def directory(self) -> str:
        """The name of the directory of its key: "server", "device-3" or "devices-0-4,7"."""
        if self.role != "devices":
            return self.role
        return f"{'device' if self.count == 1 else 'devices'}-{self._ids()}"

    @property
    def count(self) -> int:
        """How many devices it is."""
        return sum(map(len, self.ranges))

    def __contains__(self, device: int) -> bool:
        return any(device in some for some in self.ranges)

    def __str__(self) -> str:
        if self.role != "devices":
            return f"the {self.role}"
        ids = self._ids()
        ids = ids if len(ids) <= 60 else ids[:60].rpartition(",")[0] + " and more"
        return f"{'device' if self.count == 1 else 'devices'} {ids}"

    def _ids(self) -> str:
        return ",".join(
            str(some.start) if len(some) == 1 else f"{some.start}-{some.stop - 1}"
            for some in self.ranges
        )


SERVER, WATCHER = Identity("server"), Identity("watcher")


def parse_identity(uri: str) -> Identity:
    """Who a certificate's name means.

    Takes no more memory than the name, however many devices that means.

    Raises:
        ConfigError: It is none of these names.
    """
    for identity in (SERVER, WATCHER):
        if uri == identity.uri:
            return identity
    prefix = _PREFIX + _DEVICES
    if not uri.startswith(prefix):
        raise ConfigError(f"name {uri[:100]!r}: must be {prefix}IDS, {SERVER.uri} or {WATCHER.uri}")
    ranges = parse_ranges("name", uri.removeprefix(prefix))
    return Identity("devices", tuple(sorted(ranges, key=lambda some: some.start)))
