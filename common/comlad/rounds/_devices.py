"""What the devices of one process answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from comlad.attacks import Attack, View
from comlad.coding import Coding
from comlad.compression import Compressor, Payload
from comlad.errors import ConfigError
from comlad.estimators import Estimator, Memory
from comlad.experiment import Command, Prepared, byzantine_devices
from comlad.problems import Objective
from comlad.rng import Purpose, device_generator, device_key
from comlad.rounds._plan import Plan

__all__ = ["Memories", "Site", "device_message", "device_messages", "local_site", "nobody"]

# What the estimator remembers, by device.
Memories = Mapping[int, Memory]


def nobody(round: int) -> frozenset[int]:
    """The devices that lie in a round where none does."""
    return frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """All that a process of one or more devices knows before the first round.

    Args:
        objective: The functions f_1..f_N over the data it was allocated.
        devices: The ids of the devices it hosts.
        keys: Of each of them the key it draws from.
        attack: What those that lie send instead.
        liars: The ids of the devices that lie in a round; ids hosted elsewhere may be among them.
    """

    objective: Objective
    coding: Coding
    estimator: Estimator
    compressor: Compressor
    devices: tuple[int, ...]
    keys: tuple[bytes, ...]
    attack: Attack | None = None
    liars: Callable[[int], frozenset[int]] = nobody


def local_site(prepared: Prepared) -> Site:
    """All devices of the experiment in one process, the liars among them.

    Raises:
        ConfigError: The attack is a program of its own, which only a network reaches.
    """
    experiment = prepared.experiment
    if isinstance(experiment.attack, Command):
        raise ConfigError(
            "[attack] command: a program of its own attacks over the network only; "
            "use --engine processes"
        )
    devices = tuple(range(experiment.devices.count))
    fixed = byzantine_devices(experiment.devices, experiment.seed)

    def liars(round: int) -> frozenset[int]:
        if experiment.devices.redraw:
            return byzantine_devices(experiment.devices, experiment.seed, round)
        return fixed

    return Site(
        objective=prepared.objective,
        coding=experiment.coding,
        estimator=experiment.estimator,
        compressor=experiment.compressor,
        devices=devices,
        keys=tuple(device_key(experiment.seed, device) for device in devices),
        attack=experiment.attack,
        liars=liars,
    )


def device_messages(
    site: Site, plan: Plan, memories: Memories
) -> tuple[tuple[Payload, ...], Memories]:
    """What each device of the site sends, in the order of `site.devices`, and their new memories.

    A device's payload is the same to the last bit whether it is computed alone or
    with others: rows of gradients do not depend on each other, encoding adds row by
    row in the subsets' order, and each device draws from its own key.
    """
    subsets = site.coding.subsets(plan.tasks, plan.permutation)
    needed, rows = _distinct(subsets)
    liars = site.liars(plan.round)
    payloads = []
    new_memories = dict(memories)
    # A model that runs away overflows here; the server refuses what is not finite.
    with np.errstate(over="ignore", invalid="ignore"):
        gradients = site.objective.gradients(plan.model, needed)
        coded = site.coding.encode(gradients, rows)
        for slot, (device, key) in enumerate(zip(site.devices, site.keys, strict=True)):
            vector = coded[slot]
            if site.attack is not None and device in liars:
                vector = _attacked(site, site.attack, plan, slot, vector)
            memory = memories.get(device, {})
            vector, new_memories[device] = site.estimator.send(vector, memory)
            rng = device_generator(key, Purpose.COMPRESSION, plan.round)
            payloads.append(site.compressor.compress(vector, rng))
    return tuple(payloads), new_memories


def device_message(
    site: Site, plan: Plan, device: int, memories: Memories
) -> tuple[Payload, Memories]:
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


def _attacked(
    site: Site, attack: Attack, plan: Plan, slot: int, honest: NDArray[np.float64]
) -> NDArray[np.float64]:
    view = View(
        honest=honest,
        round=plan.round,
        device=site.devices[slot],
        task=int(plan.tasks[slot]),
        model=plan.model,
        permutation=plan.permutation,
        objective=site.objective,
        coding=site.coding,
        rng=device_generator(site.keys[slot], Purpose.ATTACK, plan.round),
    )
    vector = np.asarray(attack(view), np.float64)
    if vector.shape != honest.shape:
        raise ConfigError(f"{attack!r} gave shape {vector.shape}: must be {honest.shape}")
    return vector
