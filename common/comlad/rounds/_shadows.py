"""What liars know who know all: what each device would honestly send, its memory followed along.

What a device sends may depend on draws of its own and on all rounds before, which no
other device can tell. Attacks are mostly stated for liars who know it none the less. Those
repeat everybody's honest work with everybody's keys, and take every answer to have counted.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from comlad.estimators import Estimator, Memory, remembers
from comlad.experiment import Experiment
from comlad.rounds._memories import NOTHING, Memories
from comlad.rounds._plan import Plan, drawn_tasks
from comlad.rounds._site import Site
from comlad.rounds._work import Crew, work_of

__all__ = ["hidden", "shadows", "spied_on", "spy"]

Vectors = NDArray[np.float64]


def hidden(estimator: Estimator, batch: int | None) -> bool:
    """Whether what others send does not follow from what a device is told in a round."""
    return remembers(estimator) or batch is not None


def spied_on(experiment: Experiment) -> bool:
    """Whether liars must know what everybody draws from, to know what the attack goes by."""
    spies: bool = getattr(experiment.attack, "spies", False)
    told = experiment.downlink.permutation == "broadcast"
    return spies and told and hidden(experiment.estimator, experiment.sampling.batch)


def spy(site: Site, plan: Plan) -> bool:
    """Whether liars of the site repeat everybody's work, for what they cannot tell otherwise."""
    # Asked in every round, for which isinstance with a protocol takes too long.
    spies: bool = getattr(site.attack, "spies", False)
    told = plan.subsets is None and site.secrets is not None
    return spies and told and hidden(site.estimator, site.batch)


def shadows(
    site: Site, plan: Plan, targets: Sequence[Vectors], memories: Memories
) -> tuple[Vectors, dict[int, Memory]]:
    """What everybody would honestly have the server hold, and what that leaves in memory.

    Args:
        site: Of a process whose liars know everybody's draws.
        plan: What it was told.
        targets: What its own devices would, if they were honest; in the order of the slots.
        memories: Of its own devices, and the shadows of others.

    Returns:
        A row for each task, shape (N, width); and new shadows, of all devices but those
        whose own memories are just that.
    """
    assert site.secrets is not None
    tasks = drawn_tasks(site.coding, site.count, site.secrets.seed, plan.round)
    vectors = np.empty((site.count, len(targets[0])))
    apart = dict.fromkeys(range(site.count))
    for device, target in zip(site.devices, targets, strict=True):
        if memories.get(device, NOTHING).shadow is None:
            vectors[tasks[device]] = target
            del apart[device]
    found: dict[int, Memory] = {}
    if apart:
        others = list(apart)
        keys = [site.secrets.keys[device] for device in others]
        held = [memories.get(device, NOTHING).shadow or {} for device in others]
        works = work_of(site, plan, Crew.of(site, plan, keys, tasks[others]), held)
        for device, work, memory in zip(others, works, held, strict=True):
            vectors[tasks[device]], found[device] = site.estimator.track(work, memory)
    return vectors, found
