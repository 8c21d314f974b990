"""What is compared: methods with their compressors, attacks, rules and problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ATTACKS",
    "METHODS",
    "MOMENTUM",
    "RULES",
    "STEPS",
    "Method",
    "cancer",
    "experiment",
    "named",
    "overparameterised",
]

Tables = Mapping[str, Any]

# η, as for the released code's CIFAR-10.
MOMENTUM = 0.1
# The grid of steps that every method is tuned over.
STEPS = (5.0, 1.5, 0.5)

_KEEP = 0.1


@dataclass(frozen=True, slots=True)
class Method:
    """A line of the figures.

    Args:
        name: As papers call it.
        estimator: Its table.
        colour: Of the line.
        unbiased: Whether its compressor must be; then it is Rand-k, else top-k.
        batch: How many samples a device draws in a round; None: all.
    """

    name: str
    estimator: Tables
    colour: str
    unbiased: bool = False
    batch: int | None = 1

    @property
    def slug(self) -> str:
        """The name as that of a file."""
        return self.name.lower().replace(" ", "-")

    def compressor_name(self, kind: str) -> str:
        """What it has, where that is asked for."""
        return "rand-k" if self.unbiased else kind

    def compressor(self, kind: str) -> dict[str, Any]:
        """Its compressor, of 10 % of the coordinates.

        Args:
            kind: "top-k" or "rand-k"; a method that must have Rand-k has it anyway.
        """
        if self.compressor_name(kind) == "top-k":
            return {"kind": "top-k", "keep": _KEEP}
        return {"kind": "random-sparsification", "keep": _KEEP, "scaled": self.unbiased}


def _momentum(kind: str) -> Tables:
    return {"kind": kind, "momentum": MOMENTUM}


METHODS: Sequence[Method] = (
    Method("Byz-DM21", _momentum("byz-dm21"), "#0072B2"),
    Method("Byz-VR-DM21", _momentum("byz-vr-dm21"), "#D55E00"),
    Method("Byz-EF21-SGDM", _momentum("ef21-sgdm"), "#009E73"),
    Method("Byz-EF21", {"kind": "ef21"}, "#CC79A7", batch=None),
    Method("Byz-VR-MARINA", {"kind": "byz-vr-marina"}, "#56B4E9", unbiased=True),
    Method("Byz-DASHA-PAGE", {"kind": "byz-dasha-page"}, "#E69F00", unbiased=True),
    Method("naive SGD", {"kind": "plain", "biased": True}, "#000000"),
)


def named(name: str) -> Method:
    """The method of a name."""
    (method,) = (method for method in METHODS if method.name == name)
    return method


ATTACKS: Mapping[str, Tables] = {
    "SF": {"kind": "sign-flip", "factor": -1.0},
    "LF": {"kind": "label-flip"},
    "IPM": {"kind": "ipm", "epsilon": 0.1},
    "ALIE": {"kind": "alie"},
}

_NNM = [{"kind": "nnm"}]
RULES: Mapping[str, Tables] = {
    "CWTM": {"kind": "trimmed-mean", "before": _NNM},
    "CM": {"kind": "median", "before": _NNM},
    "RFA": {"kind": "geometric-median", "before": _NNM},
}


def cancer(split: str = "dirichlet", **changes: Any) -> dict[str, Any]:
    """Logistic regression on the breast cancer data: 455 samples to train, Q = 30."""
    problem = {"kind": "logistic-regression", "data": "breast-cancer", "split": split}
    return problem | changes


def overparameterised() -> dict[str, Any]:
    """Least squares with 20 samples, which all devices have, and Q = 60: a PŁ instance."""
    return {"kind": "least-squares", "samples": 20, "dimension": 60, "shared": True}


def experiment(
    method: Method,
    *,
    attack: Tables | None,
    rounds: int,
    seed: int,
    step: float,
    problem: Tables | None = None,
    rule: Tables = RULES["CWTM"],
    compressor: Tables | None = None,
    batch: int | None = -1,
    estimator: Tables | None = None,
    coding: Tables | None = None,
    redraw: bool = False,
    liars: int = 8,
) -> dict[str, Any]:
    """The tables of an experiment: n = 20 devices of which f = 8 lie, with data of their own.

    Args:
        method: Which, with its compressor, samples and estimator unless others are given.
        attack: None: nobody lies, though the rule is as wary.
        rounds: T.
        seed: Of all draws.
        step: γ.
        problem: The breast cancer data, unevenly split, if not given.
        rule: The aggregator's table.
        compressor: The method's own with top-k if not given.
        batch: Other than the method's; −1: the method's.
        estimator: Other parameters than the method's.
        coding: The tasks: fixed if not given.
        redraw: Whether the liars are drawn anew in every round.
        liars: f.
    """
    devices: dict[str, Any] = {"count": 20, "tolerate": liars}
    if attack is not None:
        devices |= {"byzantine": liars, "redraw": redraw}
    samples = method.batch if batch == -1 else batch
    tables: dict[str, Any] = {
        "name": f"dm21-{method.slug}",
        "seed": seed,
        "rounds": rounds,
        "devices": devices,
        "problem": dict(problem or cancer()),
        "coding": dict(coding or {"kind": "cyclic", "tasks": "fixed"}),
        "sampling": {} if samples is None else {"batch": samples},
        "estimator": dict(estimator or method.estimator),
        "compressor": dict(compressor or method.compressor("top-k")),
        "aggregator": dict(rule),
        "step": {"learning_rate": step},
    }
    return tables if attack is None else tables | {"attack": dict(attack)}
