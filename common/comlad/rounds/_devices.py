"""What the devices of one process answer."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from comlad.compression import Payload
from comlad.estimators import Memory, Work, remembers
from comlad.rounds._liars import Liars, compress
from comlad.rounds._memories import NOTHING, DeviceMemory, Memories
from comlad.rounds._plan import Plan
from comlad.rounds._shadows import shadows, spy
from comlad.rounds._site import Site
from comlad.rounds._work import Crew, work_of

__all__ = ["device_message", "device_messages"]


def device_messages(
    site: Site, plan: Plan, memories: Memories
) -> tuple[tuple[Payload | None, ...], Memories]:
    """What each device of the site sends, in the order of `site.devices`, and their new memories.

    None for one that is silent. A device's payload is the same to the last bit whether it
    is computed alone or with others, and each device draws from its own key. What is
    remembered holds if the answer counts: what each goes on from is in `memories`.
    """
    payloads = []
    new_memories = dict(memories)
    # A model that runs away overflows here; the server refuses what is not finite.
    with np.errstate(over="ignore", invalid="ignore"):
        held = [memories.get(device, NOTHING) for device in site.devices]
        crew = Crew.of(site, plan, site.keys, plan.tasks)
        works = _works(site, plan, crew, [memory.estimator for memory in held])
        tracked = [
            site.estimator.track(work, memory.estimator)
            for work, memory in zip(works, held, strict=True)
        ]
        del works  # as large as a model each
        targets = [target for target, _ in tracked]
        everybody: NDArray[np.float64] | None = None
        shadow: dict[int, Memory] = {}
        if spy(site, plan):
            everybody, shadow = shadows(site, plan, targets, memories)
            new_memories |= {device: DeviceMemory({}, {}, s) for device, s in shadow.items()}
        liars = Liars(site, plan, crew, targets, everybody)
        for slot, device in enumerate(site.devices):
            answer, lore = liars.answer(slot, held[slot].attack)
            payload, estimate = _sent(site, plan, slot, answer, tracked[slot][1])
            payloads.append(payload)
            new_memories[device] = DeviceMemory(estimate, lore, shadow.get(device))
    return tuple(payloads), new_memories


def device_message(
    site: Site, plan: Plan, device: int, memories: Memories
) -> tuple[Payload | None, Memories]:
    """What one device of the site sends; `plan` tells all of them."""
    slot = site.devices.index(device)
    alone = replace(site, devices=(device,), keys=(site.keys[slot],))
    (payload,), memories = device_messages(alone, plan.told([slot]), memories)
    return payload, memories


def _works(site: Site, plan: Plan, crew: Crew, memories: list[Memory]) -> list[Work]:
    """What each device has computed; on poisoned data, if that is how it lies."""
    works = work_of(site, plan, crew, memories)
    # Asked in every round, for which isinstance with a protocol takes too long.
    poison = getattr(site.attack, "poisoned", None)
    if poison is not None and (lying := site.lying(plan.round)):
        slots = [slot for slot, device in enumerate(site.devices) if device in lying]
        held = [memories[slot] for slot in slots]
        theirs = work_of(site, plan, crew.some(slots), held, poison(site.objective))
        for slot, work in zip(slots, theirs, strict=True):
            works[slot] = work
    return works


def _sent(
    site: Site,
    plan: Plan,
    slot: int,
    answer: NDArray[np.float64] | Payload | None,
    memory: Memory,
) -> tuple[Payload | None, Memory]:
    """What travels for an answer, and what the device remembers once it is sent."""
    if answer is None:
        return None, memory
    estimator, offered = site.estimator, None
    if isinstance(answer, np.ndarray):
        offered, memory = estimator.offer(answer, memory)
        answer = compress(site, plan, slot, offered)
    if not remembers(estimator):
        return answer, memory
    decoded = np.zeros(answer.dimension)
    answer.write_to(decoded)
    return answer, estimator.settle(decoded if offered is None else offered, decoded, memory)
