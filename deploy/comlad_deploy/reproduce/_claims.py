"""What a paper says of its curves, and whether it holds in the mean over the seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comlad_deploy.reproduce._comparisons import Comparison, Losses

__all__ = ["Claim", "Verdict", "describe", "judge", "weigh"]

# Up to so many comparisons are all shown.
_FEW = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """What the paper says; it holds if all its comparisons do, in the mean over the seeds.

    Args:
        key: Its name in results.
        text: What is claimed, with the threshold where the paper gives none.
        comparisons: What it comes to.
    """

    key: str
    text: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim judged.

    Args:
        claim: Which.
        rounds: The T at which.
        means: Of each comparison the mean over the seeds.
        errors: Its standard error; NaN for one seed.
        seeds_for: Of each comparison the number of seeds in which it holds.
        seeds_for_all: The number of seeds in which all do.
        seeds: K.
    """

    claim: Claim
    rounds: int
    means: tuple[float, ...]
    errors: tuple[float, ...]
    seeds_for: tuple[int, ...]
    seeds_for_all: int
    seeds: int

    @property
    def each_holds(self) -> tuple[bool, ...]:
        pairs = zip(self.means, self.claim.comparisons, strict=True)
        return tuple(mean < comparison.limit for mean, comparison in pairs)

    @property
    def holds(self) -> bool:
        return all(self.each_holds)

    @property
    def clear(self) -> bool | None:
        """Whether what decides is two standard errors from its limit; None for one seed.

        A mean that is not finite is as far from it as can be.
        """
        if self.seeds == 1:
            return None
        distances = [
            (comparison.limit - mean) / error
            if error and math.isfinite(mean)
            else math.copysign(math.inf, holds - 0.5)
            for comparison, mean, error, holds in zip(
                self.claim.comparisons, self.means, self.errors, self.each_holds, strict=True
            )
        ]
        return min(distances) > 2 if self.holds else min(distances) < -2


def judge(claim: Claim, losses: Losses, round: int) -> Verdict:
    """Whether a claim holds after so many rounds; each number is compared within its seed."""
    moment = losses.at(round)
    values = np.array([comparison.value(moment) for comparison in claim.comparisons])
    return weigh(claim, values, round)


def weigh(claim: Claim, values: NDArray[np.float64], round: int) -> Verdict:
    """Whether a claim holds, from the numbers of its comparisons, shape (comparisons, K)."""
    limits = np.array([comparison.limit for comparison in claim.comparisons])
    better = values < limits[:, None]
    count = values.shape[1]
    with np.errstate(all="ignore"):
        deviations = values.std(axis=1, ddof=1) if count > 1 else np.full(len(values), math.nan)
    return Verdict(
        claim=claim,
        rounds=round,
        means=tuple(values.mean(axis=1).tolist()),
        errors=tuple((deviations / math.sqrt(count)).tolist()),
        seeds_for=tuple(better.sum(axis=1).tolist()),
        seeds_for_all=int(better.all(axis=0).sum()),
        seeds=count,
    )


def describe(verdict: Verdict, horizons: Sequence[Verdict]) -> dict[str, Any]:
    """A verdict as figN.json has it.

    Args:
        verdict: At T.
        horizons: Of the same claim at several t.
    """
    claim = verdict.claim
    comparisons = [
        {
            "what": comparison.what,
            "mean": _number(mean),
            "standard_error": _number(error),
            "below": comparison.limit,
            "holds": holds,
            "seeds_for": seeds,
        }
        for comparison, mean, error, seeds, holds in zip(
            claim.comparisons,
            verdict.means,
            verdict.errors,
            verdict.seeds_for,
            verdict.each_holds,
            strict=True,
        )
    ]
    reasons = [
        reason
        for comparison, holds in zip(claim.comparisons, verdict.each_holds, strict=True)
        if not holds
        for reason in comparison.reasons
    ]
    return {
        "key": claim.key,
        "claim": claim.text,
        "holds": verdict.holds,
        "clear": verdict.clear,
        "measured": _measured(comparisons, verdict.seeds),
        "rounds": verdict.rounds,
        "seeds": verdict.seeds,
        "seeds_for": verdict.seeds_for_all,
        "comparisons": comparisons,
        "horizons": [
            {"rounds": other.rounds, "holds": other.holds, "seeds_for": other.seeds_for_all}
            for other in horizons
        ],
        "reasons": list(dict.fromkeys(reasons)),
    }


def _measured(comparisons: Sequence[Mapping[str, Any]], seeds: int) -> str:
    """All of a few numbers; of many those that decide."""
    shown, more = list(comparisons), ""
    if len(shown) > _FEW:
        failing = [entry for entry in shown if not entry["holds"]]
        shown = failing or [max(shown, key=lambda entry: (entry["mean"] or 0) - entry["below"])]
        kind = "fails" if failing else "is nearest to failing"
        more = f" (of {len(comparisons)} comparisons what {kind})"
    return "; ".join(_in_words(entry, seeds) for entry in shown) + more


def _in_words(entry: Mapping[str, Any], seeds: int) -> str:
    mean, error = entry["mean"], entry["standard_error"]
    if mean is None:
        text = "not finite"
    elif error is None:
        text = f"{mean:.6g}"
    elif 1e-6 < error < 1:
        digits = 1 - math.floor(math.log10(error))  # the first two of the error's
        text = f"{mean:.{digits}f} ± {error:.{digits}f}"
    else:
        text = f"{mean:.4g} ± {error:.2g}"
    limit = "" if entry["below"] == 1 else f", to be below {entry['below']:g}"
    return f"{entry['what']}: {text} ({entry['seeds_for']} of {seeds} seeds{limit})"


def _number(value: float) -> float | None:
    """JSON has no other numbers."""
    return value if math.isfinite(value) else None
