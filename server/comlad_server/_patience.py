"""Whom a round waits for: not those who have just cost it a deadline.

A silent device would cost every round its deadline. One that missed a deadline is waited
for again only after as long as it has cost, and twice as long each time: so the run goes
on at half its speed at least, whatever such a device does. Its answers count whenever they
come before the round closes.
"""

from collections.abc import Collection

from comlad.experiment import Devices
from comlad_server._suspensions import Suspensions

__all__ = ["Patience"]

# No longer than so many deadlines.
_LONGEST = 64


class Patience:
    """With each device of a run.

    Args:
        devices: How many there are, how many of them the rules expect to lie, and how
            long a round waits. If more than may lie are late, that is no malice but the
            network, and the others are waited for.
    """

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._late = Suspensions(devices.deadline_s, _LONGEST * devices.deadline_s)

    def missed(self, late: Collection[int], now: float) -> None:
        """A deadline has passed in waiting for these."""
        self._late.suspend(late, now)

    def waited_for(self, present: Collection[int], now: float) -> set[int]:
        """Whom of those who are there a round waits for that opens now."""
        left = {device: self._late.left([device], now) for device in present}
        late = sorted((device for device in present if left[device]), key=lambda i: (-left[i], i))
        return set(present).difference(late[: self._spare(len(present))])

    def _spare(self, present: int) -> int:
        """How many of those who are there a round can do without."""
        most = self._devices.tolerated
        if self._devices.quorum is not None:
            most = min(most, self._devices.count - self._devices.quorum)
        return max(most - (self._devices.count - present), 0)
