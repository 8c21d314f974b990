"""What is compared: two standard sets of experiments, or experiment files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from comlad.config import at, read_toml
from comlad.errors import ConfigError
from comlad.experiment import Prepared, prepare, read_experiment

__all__ = ["LINKS", "STANDARD", "Method", "StandardSet", "from_files", "shortened"]


@dataclass(frozen=True, slots=True)
class Method:
    """An experiment that is compared with others.

    Args:
        name: As people read it.
        prepared: What is run.
    """

    name: str
    prepared: Prepared

    @property
    def slug(self) -> str:
        """The name as one of a directory."""
        return _slug(self.name)


@dataclass(frozen=True, slots=True)
class StandardSet:
    """Methods that differ in a table or two of the same experiment.

    Args:
        setting: What is run, in two sentences.
        legend: What the methods' names mean.
        rounds: T, unless another is asked for.
        common: Tables that all have, unless a method has its own.
        methods: The tables of each, by name.
    """

    setting: str
    legend: str
    rounds: int
    common: Mapping[str, Any]
    methods: Mapping[str, Mapping[str, Any]]

    def prepare(self, rounds: int | None, seed: int | None) -> list[Method]:
        """Every method, ready to run."""
        head = {"seed": seed or 0, "rounds": rounds or self.rounds}
        return [
            _method(name, {"name": _slug(name), **head, **self.common, **tables})
            for name, tables in self.methods.items()
        ]


def _rand(keep: float, **parameters: Any) -> dict[str, Any]:
    return {"kind": "random-sparsification", "keep": keep, **parameters}


_LIARS = {
    "coding": {"kind": "cyclic", "load": 3},
    "aggregator": {"kind": "trimmed-mean", "trim": 0.2, "before": [{"kind": "nnm"}]},
    "attack": {"kind": "sign-flip", "factor": -2.0},
}

STANDARD = StandardSet(
    setting="Softmax regression on handwritten digits, a digit a subset: 650 coordinates, ten "
    "devices, three of them liars that send −2 times what they should. The server mixes nearest "
    "neighbours (NNM), then takes the trimmed mean; DRACO decodes instead.",
    legend="d, how many gradients a device averages, is 3 unless named. Com-LAD keeps 30 % of the "
    "coordinates, as float32 unless named. Which they are is sent with them, in the shortest code; "
    "or, seeded, follows from a key that the server sends. QSGD has 8 levels, 5 bits a value. "
    "Narrow both ways: one mask for all devices of a round, and down as float32 only what changed.",
    rounds=300,
    common={
        "devices": {"count": 10, "byzantine": 3},
        "problem": {"kind": "softmax-regression", "data": "digits", "split": "label"},
        **_LIARS,
        "step": {"learning_rate": 0.5},
    },
    methods={
        "LAD, float64": {},
        "LAD, d = 1, float64": {"coding": {"kind": "cyclic", "load": 1}},
        "LAD, float32": {"compressor": {"kind": "identity", "values": "float32"}},
        "Com-LAD, indices sent": {"compressor": _rand(0.3)},
        "Com-LAD, seeded": {"compressor": _rand(0.3, index="seeded")},
        "Com-LAD, seeded, float16": {"compressor": _rand(0.3, index="seeded", values="float16")},
        "Com-LAD, seeded, QSGD": {
            "compressor": [_rand(0.3, index="seeded"), {"kind": "qsgd", "levels": 8}]
        },
        "Com-LAD, narrow both ways": {
            "compressor": _rand(0.3, index="common"),
            "downlink": {"model": "float32", "delta": True, "permutation": "own"},
        },
        "DRACO, d = 7, float64": {
            "coding": {"kind": "draco-cyclic", "load": 7},
            "aggregator": {"kind": "mean"},
        },
    },
)

_PATIENT = {"count": 10, "byzantine": 3, "deadline_s": 120.0}  # of slow links, not of slow devices

LINKS = StandardSet(
    setting="A quadratic of 10⁵ parameters whose curvatures are from 0.1 to 1, ten devices, three "
    "of them liars that send −2 times what they should; load 3, NNM and trimmed mean. Com-LAD "
    "keeps 5 % of the coordinates. Every device has a link of its own.",
    legend="The step is 0.4, near the largest that Com-LAD stands; for the second method 1.8, with "
    "which dense vectors need the fewest rounds. Com-LAD would diverge with it: what compression "
    "adds to a vector has 19 times its squared length in the mean.",
    rounds=20,
    common={
        "devices": _PATIENT,
        "problem": {"kind": "quadratic", "dimension": 100_000, "condition": 10.0},
        **_LIARS,
        "step": {"learning_rate": 0.4},
    },
    methods={
        "dense float64": {},
        "dense float64, step 1.8": {"step": {"learning_rate": 1.8}},
        "Com-LAD, indices sent": {"compressor": _rand(0.05)},
        "Com-LAD, seeded": {"compressor": _rand(0.05, index="seeded")},
    },
)


def from_files(paths: Sequence[Path], rounds: int | None, seed: int | None) -> list[Method]:
    """The experiments of files, with other rounds or another seed where these are given.

    They go by their names, or by their paths if two have the same.

    Raises:
        ConfigError: One cannot be run, or is given twice.
    """
    given = {"rounds": rounds, "seed": seed}
    changes = {key: value for key, value in given.items() if value is not None}
    prepared = {}
    for path in paths:
        if path in prepared:
            raise ConfigError(
                f"{path}: must be given once; a seed decides all, so twice is the same"
            )
        tables = {**read_toml(path), **changes}
        with at(f"{path}:"):
            prepared[path] = prepare(read_experiment(tables, path.parent.absolute()))
    methods = [Method(found.experiment.name, found) for found in prepared.values()]
    if len({method.slug for method in methods}) < len(methods):
        return [Method(str(path), found) for path, found in prepared.items()]
    return methods


def shortened(method: Method, rounds: int) -> Method:
    """The same, ended after so many rounds."""
    experiment = replace(method.prepared.experiment, rounds=rounds)
    return replace(method, prepared=replace(method.prepared, experiment=experiment))


def _method(name: str, tables: Mapping[str, Any]) -> Method:
    return Method(name, prepare(read_experiment(tables)))


def _slug(name: str) -> str:
    return "-".join(re.findall(r"\w+", name.lower())) or "experiment"
