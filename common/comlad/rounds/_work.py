"""What devices compute in a round: coded gradients, of all their samples or of some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from comlad.estimators import MODEL, Memory, Work
from comlad.problems import Objective, Samples
from comlad.rng import Purpose, device_generator
from comlad.rounds._plan import Plan
from comlad.rounds._site import Site

__all__ = ["Crew", "coded_gradients", "work_of"]

Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Crew:
    """Devices of which something is computed.

    Args:
        keys: What each draws from.
        tasks: T_i of each, shape (M,).
        subsets: What that means, a row for each, shape (M, d).
        samples: For each subset in each row the positions of the samples that the device
            has drawn from it, row by row; None: all.
    """

    keys: Sequence[bytes]
    tasks: NDArray[np.intp]
    subsets: NDArray[np.intp]
    samples: Sequence[NDArray[np.intp]] | None = None

    @classmethod
    def of(cls, site: Site, plan: Plan, keys: Sequence[bytes], tasks: NDArray[np.intp]) -> "Crew":
        """The devices of those keys and tasks, with this round's samples."""
        subsets = plan.subsets
        if subsets is None:
            assert plan.permutation is not None  # a plan has the one or the other
            subsets = site.coding.subsets(tasks, plan.permutation)
        crew = cls(keys, tasks, subsets)
        return crew if plan.full else crew._drawing(site, plan.round)

    def drawn(self, row: int) -> Sequence[NDArray[np.intp]] | None:
        """The samples of one of them."""
        load = self.subsets.shape[1]
        return None if self.samples is None else self.samples[row * load : (row + 1) * load]

    def some(self, rows: Sequence[int]) -> "Crew":
        """Some of them."""
        samples = None
        if self.samples is not None:
            samples = [some for row in rows for some in self.drawn(row) or ()]
        keys = [self.keys[row] for row in rows]
        return Crew(keys, self.tasks[rows], self.subsets[rows], samples)

    def _drawing(self, site: Site, round: int) -> "Crew":
        batch = site.batch
        if batch is None:
            return self
        sizes = cast("Samples", site.objective).sizes  # or there would be no batch
        if batch >= sizes.max():
            return self
        samples = []
        for key, subsets in zip(self.keys, self.subsets, strict=True):
            rng = device_generator(key, Purpose.SAMPLING, round)
            for size in sizes[subsets].tolist():
                if batch >= size:
                    samples.append(np.arange(size))
                elif batch == 1:  # a draw like the one below, and much faster
                    samples.append(rng.integers(size, size=1))
                else:
                    samples.append(rng.choice(size, batch, replace=False, shuffle=False))
        return replace(self, samples=samples)


def coded_gradients(
    site: Site, crew: Crew, model: Vectors, objective: Objective | None = None
) -> Vectors:
    """The coded gradient of each device at a model, shape (M, width).

    A row's bits are the same whichever others are computed with it: rows of gradients do
    not depend on each other, and encoding adds row by row in the subsets' order.

    Args:
        site: Whose code and functions.
        crew: The devices.
        model: Where, shape (Q,).
        objective: The functions; the site's if not given.
    """
    objective = site.objective if objective is None else objective
    if crew.samples is None:
        needed, rows = _distinct(crew.subsets)
        gradients = objective.gradients(model, needed)
    else:
        rows = np.arange(crew.subsets.size).reshape(crew.subsets.shape)
        drawn = cast("Samples", objective)
        gradients = drawn.sampled_gradients(model, crew.subsets.ravel(), crew.samples)
    return site.coding.encode(gradients, rows, crew.tasks, site.count)


def work_of(
    site: Site,
    plan: Plan,
    crew: Crew,
    memories: Sequence[Memory],
    objective: Objective | None = None,
) -> list[Work]:
    """What the estimator of each device is given."""
    vectors = coded_gradients(site, crew, plan.model, objective)
    before: Mapping[int, Vectors] = {}
    if site.estimator.compares and not plan.full:
        before = _before(site, crew, memories, objective)
    return [
        Work(plan.model, vector, before.get(row), plan.full) for row, vector in enumerate(vectors)
    ]


def _before(
    site: Site, crew: Crew, memories: Sequence[Memory], objective: Objective | None
) -> dict[int, Vectors]:
    """By row the coded gradient of the same samples where the device was before."""
    # Mostly all were at the same model, and remember one array.
    groups: dict[int, list[int]] = {}
    for row, memory in enumerate(memories):
        if MODEL in memory:
            groups.setdefault(id(memory[MODEL]), []).append(row)
    found: dict[int, Vectors] = {}
    for rows in groups.values():
        some = crew if len(rows) == len(memories) else crew.some(rows)
        model = memories[rows[0]][MODEL]
        found |= zip(rows, coded_gradients(site, some, model, objective), strict=True)
    return found


def _distinct(
    subsets: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every subset once, and where among them those of each task are."""
    if len(subsets) == 1:  # one task names no subset twice
        return subsets[0], np.arange(subsets.shape[1])[None]
    needed = np.unique(subsets)
    return needed, np.searchsorted(needed, subsets)
