"""What lying devices are shown and what they say."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from comlad.attacks import Attack, Pool, Remembers, View
from comlad.compression import Draws, Payload
from comlad.errors import ConfigError
from comlad.estimators import Memory
from comlad.rng import Purpose, device_generator
from comlad.rounds._forms import form_of
from comlad.rounds._plan import Plan
from comlad.rounds._shadows import hidden
from comlad.rounds._site import Site
from comlad.rounds._work import Crew

__all__ = ["Liars", "compress"]


class Liars:
    """The attack of a site in a round, and what is common to all who lie there.

    Args:
        site: The process.
        plan: What it was told.
        crew: Its devices at work.
        targets: What its devices would honestly have the server hold, (width,) each.
        everybody: The same of all N, a row for each task, if the liars know.
    """

    def __init__(
        self,
        site: Site,
        plan: Plan,
        crew: Crew,
        targets: Sequence[NDArray[np.float64]],
        everybody: NDArray[np.float64] | None,
    ) -> None:
        self._site, self._plan, self._crew, self._targets = site, plan, crew, targets
        self._pool = None
        if everybody is not None:
            self._pool = Pool(lambda: everybody)
        elif plan.subsets is None:
            self._pool = _pool(site, plan, targets)
        self._lying = site.lying(plan.round)
        # Asked once: whether a protocol is met takes as long as an answer.
        self._remember = site.attack.remember if isinstance(site.attack, Remembers) else None
        may_lie = site.devices if site.may_lie is None else site.may_lie
        self._learning: frozenset[int] = frozenset(() if self._remember is None else may_lie)

    def answer(
        self, slot: int, memory: Memory
    ) -> tuple[NDArray[np.float64] | Payload | None, Memory]:
        """What the device in a slot says, the truth unless it lies, and its new memory."""
        honest, attack, device = self._targets[slot], self._site.attack, self._site.devices[slot]
        lies, learns = device in self._lying, device in self._learning
        if attack is None or not (lies or learns):
            return honest, memory
        view = self._view(slot, memory)
        answer = _checked(attack, attack(view), honest.shape) if lies else honest
        return answer, memory if self._remember is None else self._remember(view)

    def _view(self, slot: int, memory: Memory) -> View:
        site, plan, pool = self._site, self._plan, self._pool
        permutation = plan.permutation
        if permutation is None:
            permutation = _guess(site, plan, slot)
        if pool is None:
            pool = Pool.of(site.objective, site.coding, plan.model, permutation)
        return View(
            honest=self._targets[slot],
            round=plan.round,
            device=site.devices[slot],
            task=int(plan.tasks[slot]),
            model=plan.model,
            permutation=permutation,
            objective=site.objective,
            coding=site.coding,
            compressor=site.compressor,
            compress=partial(compress, site, plan, slot),
            generator=partial(device_generator, site.keys[slot], Purpose.ATTACK, plan.round),
            pool=pool,
            memory=memory,
            samples=self._crew.drawn(slot),
        )


def compress(site: Site, plan: Plan, slot: int, vector: NDArray[np.float64]) -> Payload:
    """The vector as the device in that slot compresses it, always from the same draws."""
    generator = partial(device_generator, site.keys[slot], Purpose.COMPRESSION, plan.round)
    form = form_of(site.estimator, site.compressor, plan, slot)
    return form.compress(vector, Draws(generator, plan.mask_key(slot)))


def _pool(site: Site, plan: Plan, targets: Sequence[NDArray[np.float64]]) -> Pool:
    """What the liars can compute from what they are told."""

    def vectors() -> NDArray[np.float64]:
        if len(np.unique(plan.tasks)) < site.count or hidden(site.estimator, site.batch):
            assert plan.permutation is not None  # else there is no one pool
            pool = Pool.of(site.objective, site.coding, plan.model, plan.permutation)
            return pool.vectors
        vectors = np.empty((site.count, len(targets[0])))  # who hosts everybody has it at hand
        for task, target in zip(plan.tasks, targets, strict=True):
            vectors[task] = target
        return vectors

    return Pool(vectors)


def _guess(site: Site, plan: Plan, slot: int) -> NDArray[np.intp]:
    """A permutation that agrees with what the device in that slot was told; the rest is drawn.

    Each liar guesses for itself, whoever else is in its process: what it says must not
    depend on that.
    """
    assert plan.subsets is not None
    own, everyone = plan.subsets[slot], np.arange(site.count)
    (places,) = site.coding.subsets(plan.tasks[slot : slot + 1], everyone)
    rng = device_generator(site.keys[slot], Purpose.GUESS, plan.round)
    permutation = np.empty(site.count, np.intp)
    permutation[np.setdiff1d(everyone, places)] = rng.permutation(np.setdiff1d(everyone, own))
    permutation[places] = own
    return permutation


def _checked(
    attack: Attack, answer: NDArray[np.float64] | Payload | None, shape: tuple[int, ...]
) -> NDArray[np.float64] | Payload | None:
    if answer is None or isinstance(answer, Payload):
        return answer
    vector = np.asarray(answer, np.float64)
    if vector.shape != shape:
        raise ConfigError(f"{attack!r} gave shape {vector.shape}: must be {shape}")
    return vector
