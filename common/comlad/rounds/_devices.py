"""What the devices of one process answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from comlad.attacks import Attack, Pool, Remembers, View
from comlad.coding import Coding
from comlad.compression import Compressor, Draws, Payload
from comlad.errors import ConfigError
from comlad.estimators import Estimator, Memory
from comlad.experiment import Command, Prepared, byzantine_devices
from comlad.problems import Objective
from comlad.rng import Purpose, device_generator, device_key
from comlad.rounds._plan import Plan

__all__ = [
    "DeviceMemory",
    "Memories",
    "Site",
    "device_message",
    "device_messages",
    "local_site",
    "nobody",
]


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
        may_lie: The ids of the devices that lie in any round; none other's attack is asked to
            remember anything. All of them, if not given.
    """

    objective: Objective
    coding: Coding
    estimator: Estimator
    compressor: Compressor
    devices: tuple[int, ...]
    keys: tuple[bytes, ...]
    attack: Attack | None = None
    liars: Callable[[int], frozenset[int]] = nobody
    may_lie: frozenset[int] | None = None


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
        may_lie=None if experiment.devices.redraw else fixed,
    )


def device_messages(
    site: Site, plan: Plan, memories: Memories
) -> tuple[tuple[Payload | None, ...], Memories]:
    """What each device of the site sends, in the order of `site.devices`, and their new memories.

    None for one that is silent. A device's payload is the same to the last bit whether it
    is computed alone or with others: rows of gradients do not depend on each other,
    encoding adds row by row in the subsets' order, and each device draws from its own key.
    """
    subsets = site.coding.subsets(plan.tasks, plan.permutation)
    needed, rows = _distinct(subsets)
    payloads = []
    new_memories = dict(memories)
    # A model that runs away overflows here; the server refuses what is not finite.
    with np.errstate(over="ignore", invalid="ignore"):
        gradients = site.objective.gradients(plan.model, needed)
        coded = site.coding.encode(gradients, rows, plan.tasks, len(plan.permutation))
        liars = _Liars(site, plan, coded)
        for slot, device in enumerate(site.devices):
            memory = memories.get(device, _NOTHING)
            answer, lore = liars.answer(slot, memory.attack)
            estimate = memory.estimator
            if isinstance(answer, np.ndarray):
                vector, estimate = site.estimator.send(answer, estimate)
                answer = _compress(site, plan, slot, vector)
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


class _Liars:
    """The attack of a site in a round, and what is common to all who lie there."""

    def __init__(self, site: Site, plan: Plan, coded: NDArray[np.float64]) -> None:
        self._site, self._plan, self._coded = site, plan, coded
        self._pool = _pool(site, plan, coded)
        self._lying = frozenset() if site.attack is None else site.liars(plan.round)
        # Asked once: whether a protocol is met takes as long as an answer.
        self._remember = site.attack.remember if isinstance(site.attack, Remembers) else None
        may_lie = site.devices if site.may_lie is None else site.may_lie
        self._learning: frozenset[int] = frozenset(() if self._remember is None else may_lie)

    def answer(
        self, slot: int, memory: Memory
    ) -> tuple[NDArray[np.float64] | Payload | None, Memory]:
        """What the device in a slot says, the truth unless it lies, and its new memory."""
        honest, attack, device = self._coded[slot], self._site.attack, self._site.devices[slot]
        lies, learns = device in self._lying, device in self._learning
        if attack is None or not (lies or learns):
            return honest, memory
        view = self._view(slot, memory)
        answer = _checked(attack, attack(view), honest.shape) if lies else honest
        return answer, memory if self._remember is None else self._remember(view)

    def _view(self, slot: int, memory: Memory) -> View:
        site, plan = self._site, self._plan
        return View(
            honest=self._coded[slot],
            round=plan.round,
            device=site.devices[slot],
            task=int(plan.tasks[slot]),
            model=plan.model,
            permutation=plan.permutation,
            objective=site.objective,
            coding=site.coding,
            compressor=site.compressor,
            compress=partial(_compress, site, plan, slot),
            generator=partial(device_generator, site.keys[slot], Purpose.ATTACK, plan.round),
            pool=self._pool,
            memory=memory,
        )


def _compress(site: Site, plan: Plan, slot: int, vector: NDArray[np.float64]) -> Payload:
    """The vector as the device in that slot compresses it, always from the same draws."""
    generator = partial(device_generator, site.keys[slot], Purpose.COMPRESSION, plan.round)
    return site.compressor.compress(vector, Draws(generator, plan.common_key))


def _pool(site: Site, plan: Plan, coded: NDArray[np.float64]) -> Pool:
    def vectors() -> NDArray[np.float64]:
        if len(np.unique(plan.tasks)) < len(plan.permutation):
            pool = Pool.of(site.objective, site.coding, plan.model, plan.permutation)
            return pool.vectors
        vectors = np.empty_like(coded)  # who hosts everybody has all of it at hand
        vectors[plan.tasks] = coded
        return vectors

    return Pool(vectors)


def _checked(
    attack: Attack, answer: NDArray[np.float64] | Payload | None, shape: tuple[int, ...]
) -> NDArray[np.float64] | Payload | None:
    if answer is None or isinstance(answer, Payload):
        return answer
    vector = np.asarray(answer, np.float64)
    if vector.shape != shape:
        raise ConfigError(f"{attack!r} gave shape {vector.shape}: must be {shape}")
    return vector
