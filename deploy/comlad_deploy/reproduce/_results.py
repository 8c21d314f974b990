"""figN.json and figN.csv: what a figure's curves reached, and the paper's claims judged."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comlad_deploy.reproduce._claims import describe, judge
from comlad_deploy.reproduce._comparisons import Losses
from comlad_deploy.reproduce._figure import Curve, LossFigure
from comlad_deploy.reproduce._theory import TheoryFigure, rows
from comlad_deploy.reproduce._trace import Trace, horizons, marks

__all__ = ["headline", "loss_results", "loss_rows", "losses_of", "theory_results"]

Traces = Mapping[str, Sequence[Trace]]


def losses_of(traces: Traces, rounds: int) -> Losses:
    """A figure's curves from the traces of their seeds, by name."""
    by_curve = {name: np.array([trace.losses for trace in seeds]) for name, seeds in traces.items()}
    return Losses(marks(rounds), by_curve)


def loss_results(figure: LossFigure, traces: Traces, rounds: int) -> dict[str, Any]:
    """What figN.json says of a figure that was run."""
    losses = losses_of(traces, rounds)
    claims = []
    for claim in figure.claims:
        at_horizons = [judge(claim, losses, round) for round in horizons(rounds)]
        claims.append(describe(at_horizons[-1], at_horizons))
    claims += [fact.describe() for fact in figure.facts]
    curves = [_describe_curve(figure, curve, traces[curve.name]) for curve in figure.curves]
    return {
        "figure": figure.key,
        "title": headline(figure, claims),
        "setting": figure.setting,
        "rounds": rounds,
        "seeds": len(traces[figure.curves[0].name]),
        "claims": claims,
        "curves": curves,
        "core_seconds": sum(curve["core_seconds"] for curve in curves),
    }


def theory_results(figure: TheoryFigure) -> dict[str, Any]:
    """What figN.json says of a figure that is computed."""
    shown = [row for row in rows(figure) if row[figure.variable] in figure.shown]
    return {
        "figure": figure.key,
        "title": figure.title,
        "setting": figure.setting,
        "claims": [fact.describe() for fact in figure.facts],
        "remarks": list(figure.remarks),
        "points": shown,
    }


def headline(figure: LossFigure, claims: Sequence[Mapping[str, Any]]) -> str:
    """The figure's message: the first that its claims allow."""
    held = {claim["key"] for claim in claims if claim["holds"]}
    for text, needed in figure.headlines:
        if held.issuperset(needed):
            return text
    return f"Training loss of {len(figure.curves)} methods"


def loss_rows(figure: LossFigure, losses: Losses) -> Iterator[dict[str, Any]]:
    """The lines of figN.csv: one for each curve and round, in the figure's order."""
    for curve in figure.curves:
        for round, column in zip(losses.marks, losses.by_curve[curve.name].T, strict=True):
            yield {
                "curve": curve.name,
                "round": round,
                "mean": float(column.mean()),
                "minimum": float(column.min()),
                "maximum": float(column.max()),
                **{f"seed_{seed}": float(loss) for seed, loss in enumerate(column)},
            }


def _describe_curve(figure: LossFigure, curve: Curve, traces: Sequence[Trace]) -> dict[str, Any]:
    losses = np.array([trace.losses for trace in traces])
    with np.errstate(all="ignore"):
        ratios = losses[:, -1] / losses[:, 0]
    return {
        "name": curve.name,
        "paper": curve.paper,
        "load": curve.load,
        "experiment": f"experiments/{figure.key}/{curve.slug}.toml",
        "final_loss": _numbers(losses[:, -1]),
        "final_ratio": _numbers(ratios),
        "model_sha256": [trace.model_sha256 for trace in traces],
        "rounds_skipped": sum(trace.skipped for trace in traces),
        "rounds_not_decoded": sum(trace.decode_failed for trace in traces),
        "core_seconds": sum(trace.seconds for trace in traces),
    }


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """JSON has no others than finite ones."""
    return [float(value) if math.isfinite(value) else None for value in values]
