"""Who comes back too often: each time costs a handshake, a broadcast and lines of the log.

Pure: the time is told, in seconds from anywhere.
"""

from collections.abc import Iterable

__all__ = ["Comings"]


class Comings:
    """How often each device came lately.

    Args:
        most: So often it may come in a while.
        while_s: How long such a while is, from the first time on.
    """

    def __init__(self, most: int, while_s: float) -> None:
        self._most, self._while_s = most, while_s
        self._whiles: dict[int, tuple[float, int]] = {}  # their beginning, and how often

    def too_often(self, devices: Iterable[int], now: float) -> bool:
        """Count that these come now; whether one of them has come too often."""
        return max([self._count(device, now) for device in devices], default=0) > self._most

    def _count(self, device: int, now: float) -> int:
        begin, times = self._whiles.get(device, (now, 0))
        if now - begin >= self._while_s:
            begin, times = now, 0
        self._whiles[device] = begin, times + 1
        return times + 1
