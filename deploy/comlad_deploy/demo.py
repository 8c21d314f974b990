"""`comlad demo`: four defences against three liars, on the same images with the same seed."""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comlad.config import require
from comlad.errors import ConfigError
from comlad.experiment import Experiment, Prepared, byzantine_devices, prepare, read_experiment
from comlad_deploy.progress import progress
from comlad_deploy.run import run_prepared
from comlad_deploy.text import defences_table, describe_columns

if TYPE_CHECKING:  # needs matplotlib, which is part of the extra `lab`
    from comlad_deploy.figures import Curve

__all__ = ["DEFENCES", "Defence", "run_demo"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Defence:
    """What is set against the liars.

    Args:
        name: As people read it.
        aggregator: The table of the experiment file.
        load: d, how many subsets each device computes.
    """

    name: str
    aggregator: Mapping[str, Any]
    load: int = 1

    @property
    def slug(self) -> str:
        """The name as one of a directory."""
        return "-".join(re.findall("[a-z0-9]+", self.name.lower()))


_TRIMMED_MEAN = {"kind": "trimmed-mean", "trim": 0.2}
_NNM_TRIMMED_MEAN = {**_TRIMMED_MEAN, "before": [{"kind": "nnm"}]}

DEFENCES = (
    Defence("mean", {"kind": "mean"}),
    Defence("trimmed mean", _TRIMMED_MEAN),
    Defence("nnm + trimmed mean", _NNM_TRIMMED_MEAN),
    Defence("com-lad: nnm + trimmed mean, load 3", _NNM_TRIMMED_MEAN, load=3),
)


def run_demo(out: Path, rounds: int, seed: int, as_json: bool) -> None:
    """Run every defence, leave summary.json and demo.png, and print what came of it.

    Args:
        out: Gets them, and a directory for each defence.
        rounds: T of every defence.
        seed: Of the data, of who lies and of every draw; the same for all defences.
        as_json: Print the summary and nothing else.

    Raises:
        ConfigError: An option cannot be, a package is missing, or `out` cannot be written to.
    """
    require(1 <= rounds < 2**32, "--rounds", rounds, "must be at least 1")
    require(0 <= seed < 2**63, "--seed", seed, "must be from 0 to 2^63 − 1")
    _check_extra()
    runs = [(defence, prepare(_experiment(defence, rounds, seed))) for defence in DEFENCES]
    figure, summary_file = out / "demo.png", out / "summary.json"
    _make_way(out, figure, summary_file)
    if not as_json:
        _print_setting(runs[0][1])

    entries = []
    with progress(rounds, hidden=as_json, names=[defence.name for defence in DEFENCES]) as watch:
        for defence, prepared in runs:
            directory = out / defence.slug
            run = run_prepared(prepared, directory, "processes", 1, watch(defence.name))
            entries.append(_entry(defence, directory, run, prepared.objective.dimension))
    summary = {"seed": seed, "rounds": rounds, "defences": entries, "figure": str(figure)}
    _draw(summary, figure)
    text = json.dumps(summary, indent=2)
    summary_file.write_text(text + "\n", "utf-8")
    if as_json:
        print(text)
    else:
        _print_results(summary)
        print(f"\n{summary_file}\n{figure}")


def _check_extra() -> None:
    packages = {"matplotlib": "matplotlib", "rich": "rich", "sklearn": "scikit-learn"}
    missing = [package for module, package in packages.items() if find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"the demo needs {' and '.join(missing)}, not installed here; pip install 'comlad[lab]'"
        )


def _make_way(out: Path, *stale: Path) -> None:
    """Make the directory and remove what an earlier demo concluded there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path in stale:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {out}: cannot write there ({error})") from error


def _experiment(defence: Defence, rounds: int, seed: int) -> Experiment:
    return read_experiment(
        {
            "name": defence.slug,
            "seed": seed,
            "rounds": rounds,
            "devices": {"count": 10, "byzantine": 3},
            "problem": {"kind": "softmax-regression", "data": "digits", "split": "label"},
            "coding": {"kind": "cyclic", "load": defence.load},
            "compressor": {"kind": "random-sparsification", "keep": 0.3},
            "aggregator": defence.aggregator,
            "attack": {"kind": "sign-flip", "factor": -2.0},
            "step": {"kind": "sgd", "learning_rate": 0.5},
        }
    )


def _entry(
    defence: Defence, directory: Path, run: dict[str, Any], dimension: int
) -> dict[str, Any]:
    """A defence in summary.json.

    Args:
        defence: Which.
        directory: Where its run was written.
        run: The summary.json of the run.
        dimension: Q.
    """
    faults = run["faults"]
    if faults["missing"] or faults["refused"]:
        text = "%s: %d answers were missing and %d refused; see %s"
        shown = directory / "rounds.jsonl"
        logger.warning(text, defence.name, faults["missing"], faults["refused"], shown)
    dense = 8 * dimension * run["experiment"]["devices"]["count"] * run["rounds"]
    uplink = run["bytes"]["up"]
    return {
        "name": defence.name,
        "directory": str(directory),
        "accuracy": run["accuracy"],
        "loss": run["loss"]["final"],
        "bytes": run["bytes"],
        "dense_float64_bytes": dense,
        "uplink_ratio": uplink.get("tcp", uplink["message"]) / dense,
        "model_sha256": run["model_sha256"],
        "wall_seconds": run["wall_seconds"],
    }


def _draw(summary: Mapping[str, Any], path: Path) -> None:
    from comlad_deploy.figures import defences_figure

    entries = summary["defences"]
    layer = "tcp" if all("tcp" in entry["bytes"]["up"] for entry in entries) else "message"
    defences_figure(
        path,
        [_curve(entry["name"], Path(entry["directory"]), layer) for entry in entries],
        title="Ten devices, three of them liars: what each defence is worth",
        setting="Softmax regression on handwritten digits, a digit per subset; liars send −2 × "
        f"their gradient; 30% of the coordinates travel; seed {summary['seed']}",
        layer=layer,
        dense=entries[0]["dense_float64_bytes"],
    )


def _curve(name: str, directory: Path, layer: str) -> "Curve":
    from comlad_deploy.figures import Curve

    with (directory / "rounds.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return Curve(
        name,
        rounds=[record["round"] + 1 for record in records],
        uplink=list(accumulate(record["bytes"]["up"][layer] for record in records)),
        accuracy=[record["accuracy"] for record in records],
    )


def _print_setting(prepared: Prepared) -> None:
    experiment = prepared.experiment
    first, second, third = sorted(byzantine_devices(experiment.devices, experiment.seed))
    liars = f"Devices {first}, {second} and {third} are liars"
    print(
        "Softmax regression on handwritten digits: a server and ten devices, each a\n"
        f"process. {liars} and send -2 times their gradient.\n"
        "A device computes the gradient of one digit's images a round; with load 3 of\n"
        "three digits, and sends no more for it: random sparsification keeps 30% of the\n"
        f"{prepared.objective.dimension} coordinates. {experiment.rounds} rounds a defence, "
        f"seed {experiment.seed}.\n",
        flush=True,
    )


def _print_results(summary: Mapping[str, Any]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(defences_table(summary["defences"]))
    console.print(f"\n{describe_columns(summary['defences'])}", style="dim")
