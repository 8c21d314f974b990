"""What the devices of one process answer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from comlad.compression import Payload
from comlad.estimators import Memory
from comlad.rounds._liars import Liars, compress
from comlad.rounds._plan import Plan
from comlad.rounds._site import Site

__all__ = ["DeviceMemory", "Memories", "device_message", "device_messages"]


class DeviceMemory(NamedTuple):
    """What a device remembers between rounds.

    Args:
        estimator: What its estimator does.
        attack: What its attack does, in a device that may lie.
    """

    estimator: Memory
    attack: Memory


_NOTHING = DeviceMemory({}, {})

# By device; those that are not in it remember nothing yet.
Memories = Mapping[int, DeviceMemory]


def device_messages(
    site: Site, plan: Plan, memories: Memories
) -> tuple[tuple[Payload | None, ...], Memories]:
    """What each device of the site sends, in the order of `site.devices`, and their new memories.

    None for one that is silent. A device's payload is the same to the last bit whether it
    is computed alone or with others: rows of gradients do not depend on each other,
    encoding adds row by row in the subsets' order, and each device draws from its own key.
    """
    subsets = plan.subsets
    if subsets is None:
        assert plan.permutation is not None  # a plan has the one or the other
        subsets = site.coding.subsets(plan.tasks, plan.permutation)
    needed, rows = _distinct(subsets)
    payloads = []
    new_memories = dict(memories)
    # A model that runs away overflows here; the server refuses what is not finite.
    with np.errstate(over="ignore", invalid="ignore"):
        gradients = site.objective.gradients(plan.model, needed)
        coded = site.coding.encode(gradients, rows, plan.tasks, site.count)
        del gradients  # as large as a model each
        liars = Liars(site, plan, coded)
        for slot, device in enumerate(site.devices):
            memory = memories.get(device, _NOTHING)
            answer, lore = liars.answer(slot, memory.attack)
            estimate = memory.estimator
            if isinstance(answer, np.ndarray):
                vector, estimate = site.estimator.send(answer, estimate)
                answer = compress(site, plan, slot, vector)
            payloads.append(answer)
            new_memories[device] = DeviceMemory(estimate, lore)
    return tuple(payloads), new_memories


def device_message(
    site: Site, plan: Plan, device: int, memories: Memories
) -> tuple[Payload | None, Memories]:
    """What one device of the site sends; `plan` tells all of them."""
    slot = site.devices.index(device)
    alone = replace(site, devices=(device,), keys=(site.keys[slot],))
    (payload,), memories = device_messages(alone, plan.told([slot]), memories)
    return payload, memories


def _distinct(
    subsets: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every subset once, and where among them those of each task are."""
    if len(subsets) == 1:  # one task names no subset twice
        return subsets[0], np.arange(subsets.shape[1])[None]
    needed = np.unique(subsets)
    return needed, np.searchsorted(needed, subsets)
