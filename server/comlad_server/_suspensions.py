"""Who is kept away for a while: twice as long each time, until it has behaved.

Pure: the time is told, in seconds from anywhere.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

__all__ = ["Suspensions"]


@dataclass(frozen=True, slots=True)
class _Suspension:
    seconds: float
    end: float


class Suspensions:
    """Suspensions of devices, or whatever else there is a bounded number of.

    Args:
        first_s: How long the first one lasts.
        longest_s: No longer than this; and who has behaved for so long after the end of
            one starts anew.
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._last: dict[Hashable, _Suspension] = {}

    def suspend(self, who: Iterable[Hashable], now: float) -> None:
        """Keep them away from now on, unless they are suspended already."""
        self._forget(now)
        for one in who:
            last = self._last.get(one)
            if last is not None and last.end > now:
                continue
            seconds = self._first_s if last is None else min(2 * last.seconds, self._longest_s)
            self._last[one] = _Suspension(seconds, now + seconds)

    def left(self, who: Iterable[Hashable], now: float) -> float:
        """Seconds until all of them may come back; 0 if they may."""
        ends = (self._last[one].end for one in who if one in self._last)
        return max(max(ends, default=now) - now, 0.0)

    def _forget(self, now: float) -> None:
        """Those who have behaved: nothing is kept of them."""
        long_over = now - self._longest_s
        for one in [one for one, last in self._last.items() if last.end <= long_over]:
            del self._last[one]
