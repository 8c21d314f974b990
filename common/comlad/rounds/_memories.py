"""What devices remember between rounds, and what of that holds once a round is closed."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from comlad.estimators import Estimator, Memory
from comlad.rounds._plan import Answered, Plan, State

__all__ = ["NOTHING", "DeviceMemory", "Memories", "after_close", "recovered"]


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
        old, answered = before.get(device, NOTHING), state.answered.get(device, Answered())
        memory = new
        if answered.after != state.round and new.estimator:
            memory = new.back_at(old.estimator if answered.after else {})
        if device in missing:
            memory = memory._replace(attack=old.attack)
        memories[device] = memory
    return memories


def recovered(
    estimator: Estimator,
    plan: Plan,
    held: Mapping[int, Memory],
    memories: Memories,
    lost: Collection[int] = (),
) -> Memories:
    """The memories of all devices, where those that have lost theirs begin from what is held.

    Args:
        estimator: In use.
        plan: The server's own, of the round that they begin with.
        held: What the server remembers of each device.
        memories: Of all devices, in this process.
        lost: Devices that had lost their memory in the run that is repeated; besides, those
            of which an answer has counted and that remember nothing, since the run came from
            other processes.
    """
    if plan.answered is None:
        return memories
    found = dict(memories)
    for device, answered in enumerate(plan.answered):
        memory = memories.get(device, NOTHING)
        if device in lost or (answered.after and not memory.estimator):
            begins = estimator.restart(held.get(device, {}), plan.model)
            found[device] = memory._replace(estimator=begins)
    return found
