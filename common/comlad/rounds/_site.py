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

__all__ = ["Site", "local_site", "nobody"]


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
        count: N, of all devices there are.
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
    count: int
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
        count=len(devices),
        attack=experiment.attack,
        liars=liars,
        may_lie=None if experiment.devices.redraw else fixed,
    )
