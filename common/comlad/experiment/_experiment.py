"""The experiment as a value."""

from dataclasses import dataclass, field

from comlad.aggregation import Aggregation, TrustsOne
from comlad.attacks import Attack, ChecksDevices
from comlad.coding import Coding, Decodes
from comlad.compression import Compressor
from comlad.config import at, require
from comlad.estimators import ESTIMATORS, Estimator, remembers
from comlad.experiment._devices import Devices, byzantine_devices
from comlad.experiment._downlink import Downlink
from comlad.experiment._sampling import Sampling
from comlad.problems import Problem
from comlad.steps import Step

__all__ = ["Command", "Experiment"]


@dataclass(frozen=True, slots=True)
class Command:
    """An attack that is a program of its own, in any language.

    It is started once for each Byzantine device with COMLAD_SERVER (HOST:PORT) and
    COMLAD_DEVICE (the id) in its environment, and speaks the protocol of proto/comlad/v1.

    Args:
        command: The program and its arguments.
    """

    command: tuple[str, ...]

    def __post_init__(self) -> None:
        require(bool(self.command), "command", [], "must name a program")


@dataclass(frozen=True, slots=True)
class Experiment:
    """Everything that decides what a run computes. The parts check themselves; this their sum."""

    name: str
    seed: int
    rounds: int
    devices: Devices
    problem: Problem
    coding: Coding
    estimator: Estimator
    compressor: Compressor
    aggregator: Aggregation
    attack: Attack | Command | None
    step: Step
    downlink: Downlink
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        require(self.name.strip() != "", "name", self.name, "must not be empty")
        require(0 <= self.seed < 2**63, "seed", self.seed, "must be from 0 to 2^63 − 1")
        require(1 <= self.rounds < 2**32, "rounds", self.rounds, "must be at least 1")
        right = "needs an [attack]: what the Byzantine devices do"
        liars = self.devices.byzantine_count
        require(not liars or self.attack is not None, "[devices] byzantine", liars, right)
        right = "an attack of its own program cannot lie in some rounds only; use a list of ids"
        own_program = isinstance(self.attack, Command)
        require(
            not (own_program and self.devices.redraw),
            "[devices] redraw",
            self.devices.redraw,
            right,
        )
        with at("[coding]"):
            self.coding.check(self.devices.count)
        with at("[aggregator]"):
            self.aggregator.check_run(self.devices.count, self.devices.tolerated)
            self._check_trust()
        if isinstance(self.coding, Decodes):
            corrected, f = self.coding.corrects(self.devices.count), self.devices.tolerated
            right = f"must be at most {corrected}, the liars that [coding] corrects"
            require(f <= corrected, "[devices] tolerate", f, right)
            self._check_decodable()
        if isinstance(self.attack, ChecksDevices):
            with at("[attack]"):
                self.attack.check(self.devices.count)

    def _check_decodable(self) -> None:
        """A code is of the gradients of one round, and devices of one row have the same."""
        kind = ESTIMATORS.kind_of(self.estimator)
        right = "must be plain where [coding] is decoded: a code is of the gradients of one round"
        require(not remembers(self.estimator), "[estimator] kind", kind, right)
        batch = self.sampling.batch
        right = "must be left out where [coding] is decoded: all must compute the same gradients"
        require(batch is None, "[sampling] batch", batch, right)

    def _check_trust(self) -> None:
        rule = self.aggregator.rule
        if isinstance(rule, TrustsOne) and not self.devices.redraw:
            lies = rule.trusted in byzantine_devices(self.devices, self.seed)
            require(not lies, "trusted", rule.trusted, "must not be one of the devices that lie")
