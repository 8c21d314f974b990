"""`comlad reproduce dm21`: all studies, their figures and their results."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from comlad_deploy.files import to_csv, write_text
from comlad_deploy.reproduce._networked import networked_run
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce.dm21._attacks import Attacks
from comlad_deploy.reproduce.dm21._batches import Batches
from comlad_deploy.reproduce.dm21._linear import Linear
from comlad_deploy.reproduce.dm21._methods import ATTACKS, experiment, named
from comlad_deploy.reproduce.dm21._rates import Rates
from comlad_deploy.reproduce.dm21._redrawn import Redrawn
from comlad_deploy.reproduce.dm21._study import Study
from comlad_deploy.reproduce.dm21._variance import Variance

__all__ = ["Scope", "dm21"]

_SETTING = (
    "Logistic regression on scikit-learn's breast cancer data (455 samples to train, Q = 30, "
    "unit rows, λ = 5.6·10⁻⁴), split unevenly over n = 20 devices by a Dirichlet draw (α = 0.5), "
    "of which f\u00a0= 8 lie, the same in all rounds. Each draws one sample a round, but for "
    "Byz-EF21, which takes all, and the full rounds of MARINA and DASHA-PAGE. 10 % of the "
    "coordinates, by top-k, or by Rand-k where a method must be unbiased; CWTM after NNM; η = "
    "0.1. ‖∇F‖ is that of the mean loss of the honest devices. The paper's data (a9a, CIFAR-10, "
    "FEMNIST) cannot be shipped; any LIBSVM file can be run. Other studies have settings of their "
    "own, at their tables."
)


_PICTURES: Mapping[str, Literal["rounds", "bytes"]] = {
    "dm21.png": "rounds",
    "dm21-bytes.png": "bytes",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is run.

    Args:
        rounds: T.
        seeds: K.
        full: Every rule and both compressors.
    """

    rounds: int
    seeds: int
    full: bool = False


def dm21(scope: Scope, runs: Runs, out: Path) -> dict[str, Any]:
    """Compute what is missing, draw it; gives the contents of dm21.json.

    Args:
        scope: How much.
        runs: Finds and computes.
        out: Where all is written.
    """
    from comlad_deploy.reproduce.dm21._draw import draw_attacks, draw_studies

    rounds, seeds = scope.rounds, scope.seeds
    attacks = Attacks(rounds, seeds, scope.full)
    rates, linear = Rates(2 * rounds, seeds), Linear(rounds, seeds)
    variance, redrawn = Variance(rounds, seeds), Redrawn(rounds, seeds)
    studies: list[Study] = [attacks, Batches(rounds, seeds), rates, linear, variance, redrawn]
    for study in studies:
        for jobs in study.stages(runs):
            runs.obtain(jobs)
    findings = [study.findings(runs) for study in studies]
    claims = [claim for found in findings for claim in found.claims]
    title = _title(claims)
    for name, over in _PICTURES.items():
        draw_attacks(out / name, attacks, runs, over=over, title=title, subtitle=_SETTING)
    draw_studies(out / "dm21-studies.png", (rates, linear, variance, redrawn), runs)
    write_text(out / "dm21.csv", to_csv([line for found in findings for line in found.lines]))
    return {
        "figure": "dm21",
        "name": "Byz-DM21 and its relatives",
        "title": title,
        "setting": _SETTING,
        "rounds": rounds,
        "seeds": seeds,
        "full": scope.full,
        "claims": claims,
        "sheets": [
            {"title": sheet.title, "columns": list(sheet.columns), "rows": list(sheet.rows)}
            for found in findings
            for sheet in found.sheets
        ],
        "pictures": {
            "dm21-bytes.png": "The same over uplink bytes",
            "dm21-studies.png": "Rates, the PŁ instance, errors of estimates, redrawn liars",
        },
        "networked": _networked(out),
        "core_seconds": sum(
            runs[job.place].seconds
            for study in studies
            for jobs in study.stages(runs)
            for job in jobs
        ),
    }


def _title(claims: list[dict[str, Any]]) -> str:
    held = {claim["key"] for claim in claims if claim["holds"]}
    if {"byz-dm21-converges", "byz-vr-dm21-converges", "naive-does-not"} <= held:
        return "Double momentum converges under every attack, with one sample a round"
    return "Methods with error feedback under attack"


def _networked(out: Path) -> dict[str, Any]:
    """A few rounds again with twenty processes."""
    method = named("Byz-VR-DM21")
    tables = experiment(method, attack=ATTACKS["ALIE"], rounds=30, seed=0, step=0.5)
    return networked_run(f"{method.name} under ALIE", tables, out / "networked" / "dm21", 1)
