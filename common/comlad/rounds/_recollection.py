"""What the devices of a process remembered before each of the latest rounds.

The server says of each device which of its answers was the last that counted, with a
fingerprint of what it holds since. The device goes on from what it remembered after that
answer. Mostly that is the one before; not if that came too late, was refused, or belonged
to a round that was skipped, and not if the server was killed and goes on from a
checkpoint, telling rounds that it had told before. Where another process was the device
in the meantime, the fingerprint is another's.
"""

from itertools import islice, takewhile
from typing import NamedTuple

from comlad.estimators import Estimator, Memory, fingerprint
from comlad.rounds._memories import NOTHING, Memories
from comlad.rounds._plan import Answered, Plan
from comlad.rounds._site import Site

__all__ = ["Recollection"]

# Together enough for some checkpoints' distance, and little beside a device process.
_MOST_ROUNDS, _MOST_BYTES = 512, 2**26


class _Entry(NamedTuple):
    """The memories that an answer has left."""

    memories: Memories
    size: int


class Recollection:
    """The memories of some devices, as far back as there is room.

    Args:
        most_bytes: How much may be kept; more only if two rounds alone take more.
        most_rounds: Of how many rounds.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES, most_rounds: int = _MOST_ROUNDS) -> None:
        self._most_bytes, self._most_rounds = most_bytes, most_rounds
        self._bytes = 0
        self._entries: dict[int, _Entry] = {}  # by 1 + the round of the answer, ascending
        self._counted: int | None = None  # 1 + the last round of which an answer has counted
        self._restored: dict[int, tuple[Answered, Memory]] = {}

    def before(self, plan: Plan, site: Site) -> tuple[Memories, tuple[int, ...]]:
        """What the devices of the process go on from in a round.

        Args:
            plan: As the process was told it.
            site: The process.

        Returns:
            Their memories, and those of shadows; and the slots of devices that do not know
            any more what they should go on from: the server has to say what it holds, for
            `restore`.
        """
        self._go_back(plan.round)
        latest = self._entries[next(reversed(self._entries))].memories if self._entries else {}
        if plan.answered is None:
            self._counted = None
            return latest, ()
        self._counted = max(each.after for each in plan.answered)
        self._forget_what_was_in_vain(self._counted)
        memories, lost = dict(latest), []
        for slot, (device, answered) in enumerate(zip(site.devices, plan.answered, strict=True)):
            estimator = self._after(device, answered, site.estimator)
            if estimator is None:
                lost.append(slot)
                estimator = {}
            new = latest.get(device, NOTHING)
            if new.estimator is not estimator and (new.estimator or estimator):
                memories[device] = new.back_at(estimator)
        return memories, tuple(lost)

    def restore(self, device: int, answered: Answered, memory: Memory) -> None:
        """A device that was lost has this memory, while that answer is the last that counts."""
        self._restored[device] = answered, memory

    def keep(self, round: int, memories: Memories) -> None:
        """The answer to this round, the last that was asked for, has left these memories."""
        size = _size(memories)
        if not size:  # nothing is remembered, as by most devices
            self._entries.clear()
            self._bytes = 0
            return
        self._entries[round + 1] = _Entry(memories, size)
        self._bytes += size
        while len(self._entries) > 2 and (
            self._bytes > self._most_bytes or len(self._entries) > self._most_rounds
        ):
            oldest, second = islice(self._entries, 2)
            last = self._counted is not None and second > self._counted  # that counts
            self._drop(second if last else oldest)

    def _after(self, device: int, answered: Answered, estimator: Estimator) -> Memory | None:
        """What a device remembered after that answer, if that is what the server holds."""
        if not answered.after:
            return {}
        if (entry := self._entries.get(answered.after)) and device in entry.memories:
            memory = entry.memories[device].estimator
            if fingerprint(memory, estimator.mirrored) == answered.held:
                self._restored.pop(device, None)
                return memory
        of, memory = self._restored.get(device, (None, {}))
        return memory if of == answered else None

    def _go_back(self, round: int) -> None:
        """Forget what answers to this round and later ones have left: they are asked for again."""
        while self._entries and (newest := next(reversed(self._entries))) > round:
            self._drop(newest)

    def _forget_what_was_in_vain(self, counted: int) -> None:
        """Forget what later answers have left than any that counts, but of the very last.

        These never will, and must not push out of the room what does.
        """
        in_vain = list(takewhile(lambda after: after > counted, reversed(self._entries)))
        for after in in_vain[1:]:
            self._drop(after)

    def _drop(self, after: int) -> None:
        self._bytes -= self._entries.pop(after).size


def _size(memories: Memories) -> int:
    """Bytes; an array that several devices remember is there once."""
    parts = (part for memory in memories.values() for part in memory if part)
    arrays = {id(array): array for part in parts for array in part.values()}
    return sum(array.nbytes for array in arrays.values())
