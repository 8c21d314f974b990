"""What the devices of a process remembered before each of the latest rounds.

The server says of each device which of its answers was the last that counted: the device
goes on from what it remembered after that. Mostly that is the answer before; not if that
came too late, was refused, or belonged to a round that was skipped, and not if the server
was killed and goes on from a checkpoint, telling rounds that it had told before.
"""

from collections import deque
from typing import NamedTuple

from comlad.estimators import Memory
from comlad.rounds._memories import NOTHING, Memories
from comlad.rounds._plan import Plan

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
        most_bytes: How much may be kept; more only if two rounds alone take more.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: deque[_Entry] = deque()

    def before(self, plan: Plan, devices: tuple[int, ...]) -> tuple[Memories, tuple[int, ...]]:
        """What the devices of the process go on from in a round.

        What later answers have left is forgotten: the run has gone back.

        Args:
            plan: As the process was told it.
            devices: The process's, by slot.

        Returns:
            Their memories, and those of shadows; and the slots of which what they should go
            on from is not known any more: the server has to say what it holds of them.
        """
        while self._entries and self._entries[-1].round > plan.round:
            self._bytes -= self._entries.pop().size
        latest = self._entries[-1].memories if self._entries else {}
        if plan.answered is None:
            return latest, ()
        memories, lost = dict(latest), []
        by_round = {entry.round: entry.memories for entry in self._entries}
        for slot, (device, answered) in enumerate(zip(devices, plan.answered, strict=True)):
            if answered and device not in by_round.get(answered, {}):
                lost.append(slot)
            estimator: Memory = {}
            if answered and slot not in lost[-1:]:
                estimator = by_round[answered][device].estimator
            new = latest.get(device, NOTHING)
            if new.estimator is not estimator and (new.estimator or estimator):
                memories[device] = new.back_at(estimator)
        return memories, tuple(lost)

    def keep(self, round: int, memories: Memories) -> None:
        """The answer to this round, the last that was asked for, has left these memories."""
        size = _size(memories)
        if not size:  # nothing is remembered, as by most devices
            self._entries.clear()
            self._bytes = 0
            return
        self._entries.append(_Entry(round + 1, memories, size))
        self._bytes += size
        while self._bytes > self._most_bytes and len(self._entries) > 2:
            self._bytes -= self._entries.popleft().size


def _size(memories: Memories) -> int:
    """Bytes; an array that several devices remember is there once."""
    parts = (part for memory in memories.values() for part in memory if part)
    arrays = {id(array): array for part in parts for array in part.values()}
    return sum(array.nbytes for array in arrays.values())
