"""What devices remember between rounds, and what of that holds once a round is closed."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from comlad.estimators import Memory
from comlad.rounds._plan import State

__all__ = ["NOTHING", "DeviceMemory", "Memories", "after_close"]


class DeviceMemory(NamedTuple):
    """What a device remembers between rounds.

    Args:
        estimator: What its estimator does.
        attack: What its attack does, in a device that may lie.
        shadow: What liars who spy on it take its estimator to remember: to their knowledge
            every answer of it counts. None where that is what it does remember.
    """

    estimator: Memory
    attack: Memory
    shadow: Memory | None = None

    def back_at(self, estimator: Memory) -> "DeviceMemory":
        """After this, an answer that did not count, where the last one that did left that."""
        shadow = self.estimator if self.shadow is None else self.shadow
        return DeviceMemory(estimator, self.attack, shadow)


NOTHING = DeviceMemory({}, {})

# By device; those that are not in it remember nothing yet.
Memories = Mapping[int, DeviceMemory]


def after_close(
    before: Memories, after: Memories, state: State, missing: Collection[int] = ()
) -> Memories:
    """What the devices of one process go on from once a round is closed.

    A device whose answer did not count goes on from the last one that did, as over a
    network it is told to.

    Args:
        before: What they remembered when the round opened.
        after: What their answers have left.
        state: The server's after the round.
        missing: Devices that were not heard of: to their attacks the round has not been.
    """
    memories = {}
    for device, new in after.items():
        old, answered = before.get(device, NOTHING), state.answered.get(device, 0)
        memory = new
        if answered != state.round and new.estimator:
            memory = new.back_at(old.estimator if answered else {})
        if device in missing:
            memory = memory._replace(attack=old.attack)
        memories[device] = memory
    return memories
