"""What `comlad bandwidth` is asked for."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import isfinite
from pathlib import Path

from comlad.config import require
from comlad.errors import ConfigError
from comlad_deploy.bandwidth._links import Link
from comlad_deploy.bandwidth._methods import LINKS, STANDARD, Method, from_files

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for.

    Args:
        files: Experiment files; none: a standard set.
        rounds: T of every method, instead of its own.
        seed: Of every method, instead of its own.
        out: Where all is written.
        uplinks: Rates of the devices' links to the server, one after the other.
        downlink: Rate of the links from the server; None: as fast as the machine is.
        target: The loss to which seconds are measured on these links; None: the highest
            with which a method ends that got below where it began.
        namespaces: Server and devices in network namespaces of their own, so that the link
            layer is counted; always so where a rate is given.
        as_json: Print the results and nothing else.
    """

    files: Sequence[Path] = ()
    rounds: int | None = None
    seed: int | None = None
    out: Path = Path("out/bandwidth")
    uplinks: Sequence[str] = ()
    downlink: str | None = None
    target: float | None = None
    namespaces: bool = False
    as_json: bool = False

    def check(self) -> None:
        """Raise ConfigError for an option that cannot be."""
        rounds, seed = self.rounds, self.seed
        right = f"must be from 1 to {2**32 - 1}"
        require(rounds is None or 1 <= rounds < 2**32, "--rounds", rounds, right)
        require(seed is None or 0 <= seed < 2**63, "--seed", seed, "must be from 0 to 2^63 − 1")
        right = "is the loss to reach on links of a rate; give --uplink or --downlink too"
        require(self.target is None or self.shaped, "--target", self.target, right)
        right = "must be a finite number"
        require(self.target is None or isfinite(self.target), "--target", self.target, right)
        rates = list(self.uplinks)
        require(len({*rates}) == len(rates), "--uplink", ",".join(rates), "must name a rate once")
        for link in self.links:
            link.seconds(0, 0)  # complains of what is no rate
        packages = [package for package in ("matplotlib", "rich") if find_spec(package) is None]
        if packages:
            raise ConfigError(
                f"figures and tables need {' and '.join(packages)}, not installed here; "
                "pip install 'comlad[lab]'"
            )

    @property
    def shaped(self) -> bool:
        """Whether links are to be narrowed."""
        return bool(self.uplinks) or self.downlink is not None

    @property
    def links(self) -> list[Link]:
        """To be narrowed to, one after the other."""
        uplinks: Sequence[str | None] = self.uplinks or [None]
        return [Link(uplink, self.downlink) for uplink in uplinks] if self.shaped else []

    @property
    def methods(self) -> list[Method]:
        """What is compared, ready to run."""
        if self.files:
            return from_files(self.files, self.rounds, self.seed)
        return (LINKS if self.shaped else STANDARD).prepare(self.rounds, self.seed)

    @property
    def command(self) -> str:
        """What to type for the same results."""
        words = ["comlad", "bandwidth", *map(str, self.files)]
        values = {
            "--rounds": self.rounds,
            "--seed": self.seed,
            "--uplink": ",".join(self.uplinks) or None,
            "--downlink": self.downlink,
            "--target": self.target,
        }
        for option, value in values.items():
            words += [] if value is None else [option, str(value)]
        return shlex.join(words + ["--namespaces"] * self.namespaces)

    @property
    def setting(self) -> str:
        """What is run, in words."""
        if self.files:
            return "The experiments of " + ", ".join(map(str, self.files)) + "."
        return (LINKS if self.shaped else STANDARD).setting

    @property
    def legend(self) -> str:
        """What the methods' names mean; files' experiments speak for themselves."""
        return "" if self.files else (LINKS if self.shaped else STANDARD).legend

    @property
    def stem(self) -> str:
        """What files of results are called."""
        return "links" if self.shaped else "bandwidth"
