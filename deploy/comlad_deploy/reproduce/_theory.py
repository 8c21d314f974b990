"""Figs. 2 and 3: the error term of Com-LAD's bound, (33), over δ and over d."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import comb, log2
from typing import Any

from comlad.theory import Bounds, Regime, baseline_error, load_that_helps
from comlad_deploy.reproduce._figure import Fact

__all__ = ["TheoryFigure", "fig2", "fig3", "rows"]

_REGIME = Regime(devices=100, honest=65, load=5, kappa=1.5, beta=1.0, delta=0.0)
_COMPRESSION = 0.5


@dataclass(frozen=True, slots=True)
class TheoryFigure:
    """A figure that is computed, not run.

    Args:
        key: Such as "fig2".
        title: The message.
        setting: The numbers it is drawn for.
        axis: What varies, as the axis says it.
        symbol: The same as a formula has it.
        variable: The same as a column's name.
        values: Of what varies.
        bounds: At each of them.
        shown: Which of them get a dot.
        facts: What the paper says.
        remarks: What it does not say.
    """

    key: str
    title: str
    setting: str
    axis: str
    symbol: str
    variable: str
    values: Sequence[float]
    bounds: Sequence[Bounds]
    shown: Sequence[float]
    facts: Sequence[Fact]
    remarks: Sequence[str]

    @property
    def applies(self) -> str:
        """Where the theorem that (33) belongs to says anything."""
        points = [
            f"{self.symbol} = {value:g}"
            for value, bound in zip(self.values, self.bounds, strict=True)
            if bound.feasible
        ]
        where = f"only at {', '.join(points)}" if points else "nowhere in this figure"
        return f"The theorem behind it needs √(κ κ₂) < 1/N, which holds {where}"


def fig2() -> TheoryFigure:
    """The error over δ, for d = 5."""
    values = [step / 20 for step in range(101)]
    bounds = [Bounds(replace(_REGIME, delta=value)) for value in values]
    holds = _increases([bound.order() for bound in bounds])
    return TheoryFigure(
        key="fig2",
        title="The stronger the compression, the larger the error term"
        if holds
        else "The error term over the strength of compression",
        setting="(33) with N = 100, H = 65, κ = 1.5, β = 1, d = 5, its constant taken as 1",
        axis="δ of the compressor (Definition 2)",
        symbol="δ",
        variable="delta",
        values=values,
        bounds=bounds,
        shown=[0, 0.5, 1, 2, 3, 4, 5],
        facts=[
            Fact(
                "error-falls-with-delta",
                "The error term falls as δ does",
                holds,
                f"{bounds[-1].order():.4g} at δ = {values[-1]:g}, {bounds[10].order():.4g} at "
                f"δ = {values[10]:g}, {bounds[0].order():.4g} at δ = 0; monotone: {_yes(holds)}",
            ),
            _overhead(),
        ],
        remarks=[
            "The bound of which (33) is the leading term needs √(κ κ2) < 1/N, which with d = 5 is "
            f"so for δ below {_feasible_delta():.3g} only. Where it is not, nothing is proven; "
            "that is not to say that training fails."
        ],
    )


def fig3() -> TheoryFigure:
    """The error over d, for δ = 0.5."""
    regime = replace(_REGIME, delta=_COMPRESSION)
    loads = list(range(1, regime.devices + 1))
    bounds = [Bounds(replace(regime, load=load)) for load in loads]
    holds = _increases([bound.order() for bound in reversed(bounds)])
    feasible = sum(bound.feasible for bound in bounds)
    least = bounds[-1]
    return TheoryFigure(
        key="fig3",
        title="The error term falls with redundancy" if holds else "The error term over redundancy",
        setting="(33) with N = 100, H = 65, κ = 1.5, β = 1, δ = 0.5, its constant taken as 1",
        axis="d, gradients that each device computes",
        symbol="d",
        variable="load",
        values=loads,
        bounds=bounds,
        shown=[1, 5, 10, 20, 50, 100],
        facts=[
            Fact(
                "error-falls-with-load",
                "The error term falls as d grows",
                holds,
                f"{bounds[0].order():.4g} at d = 1, {bounds[19].order():.4g} at d = 20, "
                f"{least.order():.4g} at d = 100; monotone: {_yes(holds)}",
            ),
            _threshold(),
            _vanishes(),
        ],
        remarks=[
            "The bound of which (33) is the leading term needs √(κ κ2) < 1/N, which is so for "
            f"{feasible} of the 100 points of the figure: at d = 100, where it is nearest, "
            f"√(κ κ2) = {_root(least):.4f} and 1/N = {1 / regime.devices:g}. Where it is not, "
            "nothing is proven; that is not to say that training fails.",
            "With δ > 0 the error term does not vanish at d = N. That it falls like 1/√d at all "
            "is the bound's doing: the exact error of compression, δ(‖µ‖² + (N − d)/(d(N − 1)) V), "
            "keeps δ‖µ‖² however large d is.",
        ],
    )


def rows(figure: TheoryFigure) -> list[Mapping[str, Any]]:
    """The lines of its CSV file."""
    return [
        {
            figure.variable: value,
            "kappa1": bound.constants[0],
            "kappa2": bound.constants[1],
            "error": bound.order(),
            "sqrt_kappa_kappa2": _root(bound),
            "theorem_applies": bound.feasible,
        }
        for value, bound in zip(figure.values, figure.bounds, strict=True)
    ]


def _overhead() -> Fact:
    """What the other side of the trade-off is: random sparsification has δ = Q/Q̂ − 1."""
    bits = {kept: 64 * kept + log2(comb(100, kept)) for kept in (100, 50, 25, 20)}
    return Fact(
        "overhead-grows",
        "The communication overhead grows as δ falls (read as: Rand-k, δ = Q/Q̂ − 1)",
        _increases(list(reversed(bits.values()))),
        "of 100 coordinates in float64, indices at their entropy: "
        + ", ".join(f"{count:.0f} bits at δ = {100 / kept - 1:g}" for kept, count in bits.items()),
    )


def _threshold() -> Fact:
    """The text beside the figure, from (35) and (36): without compression."""
    helped = [
        load
        for load in range(1, 101)
        if Bounds(replace(_REGIME, load=load)).simplified() < baseline_error(_REGIME)
    ]
    return Fact(
        "three-gradients-suffice",
        "Without compression LAD's error, (35), is below that of robust rules alone, (36), "
        "for d ≥ 3",
        helped == list(range(3, 101)),
        f"(35) < (36) from d = {helped[0]} on; the formula gives "
        f"d ≥ {load_that_helps(_REGIME):.4g}",
    )


def _vanishes() -> Fact:
    simplified = [Bounds(replace(_REGIME, load=load)).simplified() for load in range(1, 101)]
    return Fact(
        "vanishes-at-n",
        "Without compression LAD's error, (35), falls with d and vanishes at d = N",
        _increases(simplified[::-1]) and simplified[-1] == 0,
        f"{simplified[0]:.4g} at d = 1, {simplified[19]:.4g} at d = 20, {simplified[-1]:g} at "
        "d = 100",
    )


def _feasible_delta() -> float:
    """The δ below which the theorem applies at d = 5, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if Bounds(replace(_REGIME, delta=middle)).feasible:
            low = middle
        else:
            high = middle
    return low


def _root(bound: Bounds) -> float:
    return 1 / bound.regime.devices - bound.margin


def _increases(values: Sequence[float]) -> bool:
    return all(first < second for first, second in pairwise(values))


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
