"""A figure of training losses: its curves, each an experiment, and what the paper says of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from comlad_deploy.reproduce._claims import Claim

__all__ = [
    "DRACO",
    "MEAN",
    "NNM_TRIMMED",
    "TGN",
    "TRIMMED",
    "Curve",
    "Fact",
    "Family",
    "LossFigure",
    "regression",
]

Family = Literal["va", "cwtm", "cwtm-nnm", "tgn", "draco", "nobody"]

MEAN: Mapping[str, Any] = {"kind": "mean"}
TRIMMED: Mapping[str, Any] = {"kind": "trimmed-mean", "trim": 0.1}
NNM_TRIMMED: Mapping[str, Any] = {**TRIMMED, "before": [{"kind": "nnm"}]}
TGN: Mapping[str, Any] = {"kind": "norm-thresholding", "beta": 0.2}
DRACO: Mapping[str, Any] = {"kind": "draco-cyclic", "load": 41}


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a figure, for all its seeds.

    Args:
        name: As the reader of the paper knows it.
        family: The rule or code, which decides the line's colour.
        load: d, which decides its dashes.
        tables: The experiment's, without name, seed and rounds.
        panel: Where it is drawn, from 0.
        paper: Whether the paper has it.
        cost: How long a round takes, compared with others'.
    """

    name: str
    family: Family
    load: int
    tables: Mapping[str, Any]
    panel: int = 0
    paper: bool = True
    cost: float = 1.0

    @property
    def slug(self) -> str:
        """The name as that of a file."""
        name = self.name.lower().replace("σ_h", "s").replace(" = ", "").replace(".", "")
        return "-".join(re.findall("[a-z0-9]+", name))


@dataclass(frozen=True, slots=True)
class Fact:
    """A claim that no loss decides.

    Args:
        key: Its name in results.
        text: What is claimed.
        holds: Whether it is so.
        measured: What was found.
        reason: Why it is not so.
    """

    key: str
    text: str
    holds: bool
    measured: str
    reason: str = ""

    def describe(self) -> dict[str, Any]:
        """As figN.json has it."""
        return {
            "key": self.key,
            "claim": self.text,
            "holds": self.holds,
            "measured": self.measured,
            "reasons": [self.reason] if self.reason and not self.holds else [],
        }


@dataclass(frozen=True, slots=True)
class LossFigure:
    """One of Figs. 4 to 6.

    Args:
        key: Such as "fig4".
        setting: What was run, in a few sentences.
        panels: What is over each panel; one that is empty if there is one.
        curves: Its lines.
        reference: The curve that others are compared with at T, for each panel.
        compared: The same as an axis says it.
        claims: What the paper says of them.
        facts: What it says beside that.
        headlines: Messages, each with the claims that have to hold for it; the first
            one that may be said becomes the title.
        networked: The curve of which a few rounds are repeated with real processes.
    """

    key: str
    setting: str
    panels: Sequence[str]
    curves: Sequence[Curve]
    reference: Sequence[str]
    compared: str
    claims: Sequence[Claim]
    facts: Sequence[Fact]
    headlines: Sequence[tuple[str, Sequence[str]]]
    networked: str

    def experiment(self, curve: Curve, seed: int, rounds: int) -> dict[str, Any]:
        """The tables of a curve's experiment file."""
        head = {"name": f"{self.key}-{curve.slug}", "seed": seed, "rounds": rounds}
        return {**head, **curve.tables}


def regression(
    *,
    rule: Mapping[str, Any],
    load: int = 1,
    liars: int,
    learning_rate: float,
    heterogeneity: float = 0.3,
    keep: int | None = None,
    coding: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The paper's linear regression: 100 devices, as many subsets and coordinates (Section VII)."""
    tables: dict[str, Any] = {
        "devices": {"count": 100, "byzantine": liars},
        "problem": {
            "kind": "linear-regression",
            "dimension": 100,
            "heterogeneity": heterogeneity,
        },
        "coding": dict(coding or {"kind": "cyclic", "load": load}),
        "aggregator": dict(rule),
        "step": {"kind": "sgd", "learning_rate": learning_rate},
    }
    if liars:
        tables["attack"] = {"kind": "sign-flip", "factor": -2.0}
    if keep is not None:
        tables["compressor"] = {"kind": "random-sparsification", "keep": keep}
    return tables
