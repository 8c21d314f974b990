"""What every study of the reproduction is: runs that are wanted, and what they say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from comlad_deploy.reproduce._claims import Claim, describe, weigh
from comlad_deploy.reproduce._comparisons import Comparison
from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs

__all__ = ["Findings", "Measured", "Sheet", "Study", "claimed", "job"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of numbers.

    Args:
        title: What it has, and of which setting.
        columns: Headings.
        rows: Cells, as they are shown.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a study says.

    Args:
        claims: Judged, as dm21.json has them.
        sheets: The numbers behind them.
        lines: Of dm21.csv.
    """

    claims: Sequence[dict[str, Any]]
    sheets: Sequence[Sheet] = ()
    lines: Sequence[Mapping[str, Any]] = field(default_factory=list)


class Study(Protocol):
    """Some runs, and what they show."""

    def stages(self, runs: Runs) -> Iterator[Sequence[Job]]:
        """The jobs of each stage; when the next is asked for, those before are there."""

    def findings(self, runs: Runs) -> Findings:
        """What came of them."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A number of each seed that is below a limit if a claim holds.

    Args:
        what: The number.
        values: By seed.
        limit: What it must be below.
        reason: Why it is not, as far as that is known.
    """

    what: str
    values: Sequence[float]
    limit: float = 1.0
    reason: str = ""


def claimed(key: str, text: str, rounds: int, measured: Sequence[Measured]) -> dict[str, Any]:
    """A claim, judged over the seeds, as dm21.json has it."""
    comparisons = tuple(
        Comparison(each.what, _not_asked, each.limit, (each.reason,) if each.reason else ())
        for each in measured
    )
    values = np.array([each.values for each in measured])
    verdict = weigh(Claim(key, text, comparisons), values, rounds)
    return describe(verdict, ())


def job(
    study: str,
    case: str,
    tables: Mapping[str, Any],
    *,
    weighed: bool = False,
    averaged: bool = False,
) -> Job:
    """A run of a study that is looked at closely.

    Args:
        study: Its name.
        case: What is run, as the name of a file.
        tables: The experiment's.
        weighed: Whether bytes are counted.
        averaged: Whether the mean of ‖∇F‖² over all rounds is taken.
    """
    seed, cost = tables["seed"], 1.7 if weighed else 1.0
    place = f"dm21/{study}/{case}/seed-{seed}"
    return Job(f"{study} {case}, seed {seed}", place, tables, cost, True, weighed, averaged)


def _not_asked(_: object) -> Any:
    raise AssertionError("the numbers are at hand")
