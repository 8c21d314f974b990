"""What a process of devices knows before the first round."""

from collections.abc import Callable
from dataclasses import dataclass

from comlad.attacks import Attack
from comlad.coding import Coding
from comlad.compression import Compressor
from comlad.errors import ConfigError
from comlad.estimators import Estimator
from comlad.experiment import Command, Prepared, byzantine_devices
from comlad.problems import Objective
from comlad.rng import device_key

__all__ = ["Secrets", "Site", "local_site", "nobody"]


def nobody(round: int) -> frozenset[int]:
    """The devices that lie in a round where none does."""
    return frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Secrets:
    """What all draws of a run follow from; the server's alone, but where liars know everything.

    Args:
        seed: The run's, from which tasks are drawn.
        keys: Of all N devices the keys that they draw from.
    """

    seed: int
    keys: tuple[bytes, ...]

    @classmethod
    def of(cls, seed: int, devices: int) -> "Secrets":
        """Those of a run with that seed and so many devices."""
        return cls(seed, tuple(device_key(seed, device) for device in range(devices)))


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """All that a process of one or more devices knows before the first round.

    Args:
        objective: The functions f_1..f_N over the data it was allocated.
        devices: The ids of the devices it hosts.
        keys: Of each of them the key it draws from.
        count: N, of all devices there are.
        attack: What those that lie send instead.
        liars: The ids of the devices that lie in a round; ids hosted elsewhere may be among them.
        may_lie: The ids of the devices that lie in any round; none other's attack is asked to
            remember anything. All of them, if not given.
        batch: b, how many samples of each of its subsets a device draws; None: all.
        secrets: What everybody draws from, for liars who are to know what all others send
            also where that cannot be computed from what they are told; None: they do not.
    """

    objective: Objective
    coding: Coding
    estimator: Estimator
    compressor: Compressor
    devices: tuple[int, ...]
    keys: tuple[bytes, ...]
    count: int
    attack: Attack | None = None
    liars: Callable[[int], frozenset[int]] = nobody
    may_lie: frozenset[int] | None = None
    batch: int | None = None
    secrets: Secrets | None = None

    def lying(self, round: int) -> frozenset[int]:
        """The ids of its own devices that lie in a round."""
        if self.attack is None:
            return frozenset()
        return self.liars(round).intersection(self.devices)


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

    secrets = Secrets.of(experiment.seed, len(devices))
    return Site(
        objective=prepared.objective,
        coding=experiment.coding,
        estimator=experiment.estimator,
        compressor=experiment.compressor,
        devices=devices,
        keys=secrets.keys,
        count=len(devices),
        attack=experiment.attack,
        liars=liars,
        may_lie=None if experiment.devices.redraw else fixed,
        batch=experiment.sampling.batch,
        secrets=secrets,
    )
