"""Every rule against every attack on real images: final accuracies as a heat map.

python -m bench.robustness [--rounds 150] [--out docs]

Eleven devices of which two lie, digits split by label, load 3, vectors whole and with 30 %
of their coordinates. Writes robustness.csv, robustness.png and robustness.md; exits with 1
if any combination ends without a finite loss and without a reason.
"""

import argparse
import csv
import math
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from comlad.aggregation import AGGREGATORS, PREAGGREGATORS
from comlad.attacks import ATTACKS
from comlad.errors import ConfigError
from comlad.experiment import prepare, read_experiment
from comlad.rounds import simulate
from comlad_deploy.figures import STYLE

__all__ = ["ATTACKS_TRIED", "COMPRESSORS", "RULES", "Cell", "measure", "tables_of"]

_DEVICES, _LIARS = 11, [4, 9]  # Bulyan needs n ≥ 4f + 3
# Parameters without a default, or whose default is not meant for this problem.
_PARAMETERS: dict[str, dict[str, Any]] = {
    "clipping": {"limit": 1.0},
    "mimic": {"warmup": 20},
    "monna": {"trusted": 0},
}

RULES: dict[str, dict[str, Any]] = {
    **{kind: {"kind": kind, **_PARAMETERS.get(kind, {})} for kind in sorted(AGGREGATORS.own)},
    **{
        f"{kind} + trimmed-mean": {
            "kind": "trimmed-mean",
            "before": [{"kind": kind, **_PARAMETERS.get(kind, {})}],
        }
        for kind in sorted(PREAGGREGATORS.own)
    },
}
ATTACKS_TRIED: dict[str, dict[str, Any]] = {
    kind: {"kind": kind, **_PARAMETERS.get(kind, {})} for kind in sorted(ATTACKS.own)
}
COMPRESSORS: dict[str, dict[str, Any]] = {
    "whole vectors": {"kind": "identity"},
    "30 % of coordinates": {"kind": "random-sparsification", "keep": 0.3},
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one combination.

    Args:
        accuracy: Of the last model; nan if the run was refused or diverged.
        loss: Of the last model.
        skipped: Rounds that left the model where it was.
        reason: Why the last of them did, or why it could not run at all.
    """

    rule: str
    attack: str
    compressor: str
    accuracy: float = math.nan
    loss: float = math.nan
    skipped: int = 0
    reason: str = ""


def tables_of(rule: str, attack: str, compressor: str, rounds: int) -> dict[str, Any]:
    """The experiment of a cell."""
    return {
        "name": f"{rule} against {attack}",
        "rounds": rounds,
        "devices": {"count": _DEVICES, "byzantine": _LIARS},
        "problem": {"kind": "softmax-regression", "split": "label"},
        "coding": {"kind": "cyclic", "load": 3},
        "compressor": COMPRESSORS[compressor],
        "aggregator": RULES[rule],
        "attack": ATTACKS_TRIED[attack],
        "step": {"learning_rate": 0.5},
    }


def measure(rule: str, attack: str, compressor: str, rounds: int) -> Cell:
    """Run one combination in this process."""
    with threadpool_limits(1):
        try:
            prepared = prepare(read_experiment(tables_of(rule, attack, compressor, rounds)))
            states, outcomes = zip(*simulate(prepared), strict=True)
        except ConfigError as error:
            return Cell(rule, attack, compressor, reason=str(error))
        model = states[-1].model
        reasons = [outcome.skipped for outcome in outcomes if outcome.skipped is not None]
        return Cell(
            rule,
            attack,
            compressor,
            accuracy=prepared.objective.accuracy(model) or 0.0,
            loss=prepared.objective.loss(model),
            skipped=len(reasons),
            reason=reasons[-1] if reasons else "",
        )


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    combinations = list(product(RULES, ATTACKS_TRIED, COMPRESSORS))
    arguments = zip(*combinations, strict=True)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        lengths = [options.rounds] * len(combinations)
        cells = list(pool.map(measure, *arguments, lengths, chunksize=8))
    options.out.mkdir(parents=True, exist_ok=True)
    _write(cells, options.out / "robustness.csv")
    _draw(cells, options.out / "robustness.png", options.rounds)
    page = _page(cells, options.rounds)
    (options.out / "robustness.md").write_text(page, "utf-8")
    sys.exit(any(not math.isfinite(cell.loss) and not cell.reason for cell in cells))


def _write(cells: Sequence[Cell], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Cell)])
        for cell in cells:
            numbers = f"{cell.accuracy:.4f}", f"{cell.loss:.4f}", cell.skipped
            writer.writerow([cell.rule, cell.attack, cell.compressor, *numbers, cell.reason])


def _page(cells: Sequence[Cell], rounds: int) -> str:
    """What the picture shows, in words and numbers."""
    lines = [
        "# Every rule against every attack",
        "",
        f"What each rule leaves of the accuracy on held-out digits after {rounds} rounds: "
        f"{_DEVICES} devices of which {len(_LIARS)} lie (f = {len(_LIARS)}), digits split by "
        "label, cyclic code of load 3, γ = 0.5, seed 0; vectors sent whole, and with a random "
        "30 % of their coordinates. Parameters are the defaults of "
        "[algorithms.md](algorithms.md), but for "
        + "; ".join(
            f"{kind}: {', '.join(f'{key} = {value}' for key, value in parameters.items())}"
            for kind, parameters in _PARAMETERS.items()
        )
        + ". Made by `make robustness`; the numbers are in [robustness.csv](robustness.csv).",
        "",
        "![Accuracies of all combinations](robustness.png)",
        "",
        "One seed, one problem and two liars of eleven: this shows that everything runs against "
        "everything and where rules break, not which rule is best. The model before the first "
        f"round gets {_untrained():.3f} right.",
        "",
        "| rule | " + " | ".join(f"{name}: mean | worst | by" for name in COMPRESSORS) + " |",
        "|---|" + "---|---|---|" * len(COMPRESSORS),
    ]
    for rule in RULES:
        row = [rule]
        for compressor in COMPRESSORS:
            own = [cell for cell in cells if (cell.rule, cell.compressor) == (rule, compressor)]
            worst = min(own, key=lambda cell: cell.accuracy)
            mean = sum(cell.accuracy for cell in own) / len(own)
            row += [f"{mean:.3f}", f"{worst.accuracy:.3f}", worst.attack]
        lines.append("| " + " | ".join(row) + " |")
    lines += ["", "Rounds that left the model where it was:", ""]
    lines += [
        f"- {cell.rule} against {cell.attack}, {cell.compressor}: {cell.skipped} of {rounds}, "
        f"“{cell.reason}”"
        for cell in cells
        if cell.reason
    ] or ["none."]
    return "\n".join([*lines, ""])


def _untrained() -> float:
    objective = prepare(read_experiment(tables_of("mean", "zero", "whole vectors", 1))).objective
    return objective.accuracy(np.zeros(objective.dimension)) or 0.0


def _draw(cells: Sequence[Cell], path: Path, rounds: int) -> None:
    """Two panels, rules down, attacks across, accuracy as colour and number."""
    found = {(cell.rule, cell.attack, cell.compressor): cell for cell in cells}
    colours = LinearSegmentedColormap.from_list("accuracy", ["#8E2A00", "#F6F1E7", "#00507A"])
    colours.set_bad("#FFFFFF")
    with matplotlib.rc_context({**STYLE, "axes.grid": False, "font.size": 8}):
        figure = Figure(figsize=(0.36 * len(ATTACKS_TRIED) + 2.4, 0.5 * len(RULES) + 3.2))
        FigureCanvasAgg(figure)
        panels = figure.subplots(len(COMPRESSORS), 1, sharex=True)
        for axes, compressor in zip(panels, COMPRESSORS, strict=True):
            grid = [
                [found[rule, attack, compressor].accuracy for attack in ATTACKS_TRIED]
                for rule in RULES
            ]
            axes.imshow(grid, cmap=colours, vmin=0, vmax=1, aspect="auto")
            axes.set_title(compressor, loc="left", fontsize=9, color="#333333")
            axes.set_yticks(range(len(RULES)), list(RULES))
            axes.set_xticks(range(len(ATTACKS_TRIED)), list(ATTACKS_TRIED), rotation=90)
            axes.tick_params(length=0)
            for y, row in enumerate(grid):
                for x, accuracy in enumerate(row):
                    _label(axes, x, y, accuracy)
        figure.text(
            0.01,
            0.995,
            "Accuracy on held-out digits, every rule against every attack",
            va="top",
            fontsize=12,
            fontweight="bold",
        )
        figure.text(
            0.01,
            0.975,
            f"{_DEVICES} devices, {len(_LIARS)} lie; digits by label, load 3, {rounds} rounds",
            va="top",
            color="#555555",
        )
        figure.subplots_adjust(left=0.19, right=0.99, top=0.93, bottom=0.11, hspace=0.08)
        figure.savefig(path, format="png", dpi=110)


def _label(axes: Any, x: int, y: int, accuracy: float) -> None:
    text = "–" if math.isnan(accuracy) else f"{100 * accuracy:.0f}"
    strong = abs(accuracy - 0.5) > 0.3
    axes.text(
        x, y, text, ha="center", va="center", fontsize=7, color="#FFFFFF" if strong else "#333333"
    )


if __name__ == "__main__":
    _main()
