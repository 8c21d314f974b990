"""What the devices of a process remembered before each of the latest rounds.

A server that was killed goes on from its last checkpoint, and tells rounds that it had
told before. Devices that outlived it give the same answers again, which for those with a
memory takes the one that they had then.
"""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from comlad.rounds._devices import Memories

__all__ = ["Recollection"]

_MOST_BYTES = 2**27


class _Entry(NamedTuple):
    """The memories that an answer has left, and from which round on they are those to use."""

    round: int
    memories: Memories
    size: int


class Recollection:
    """The memories of some devices, as far back as there is room.

    Args:
        most_bytes: How much may be kept; more only if one round alone takes more.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: deque[_Entry] = deque()

    def before(self, round: int) -> Memories:
        """What the last answer before this round has left; nothing if that is not known any more.

        What later answers have left is forgotten: the run has gone back.
        """
        while self._entries and self._entries[-1].round > round:
            self._bytes -= self._entries.pop().size
        return self._entries[-1].memories if self._entries else {}

    def keep(self, round: int, memories: Memories) -> None:
        """The answer to this round, the last that was asked for, has left these memories."""
        size = sum(map(_size, memories.values()))
        if not size:  # nothing is remembered, as by most devices
            self._entries.clear()
            self._bytes = 0
            return
        self._entries.append(_Entry(round + 1, memories, size))
        self._bytes += size
        while self._bytes > self._most_bytes and len(self._entries) > 1:
            self._bytes -= self._entries.popleft().size


def _size(memory: tuple[Mapping[str, object], ...]) -> int:
    arrays = [array for part in memory for array in part.values()]
    return sum(getattr(array, "nbytes", 0) for array in arrays)
