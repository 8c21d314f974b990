"""Finished work in files, so that a second call computes only what is missing.

A file is taken for what it should be only if it names everything that decides its
contents: the experiment as resolved, with its seed and its rounds, the code that ran
it, and the version of this format.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from comlad.experiment import read_experiment, write_experiment
from comlad_deploy.files import write_text
from comlad_deploy.reproduce._trace import Trace, marks

__all__ = ["Store", "key_of"]

_FORMAT = 2


class Store:
    """Traces below a directory, each in a file of its own.

    Args:
        directory: Made when something is kept.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, place: str, tables: Mapping[str, Any]) -> Trace | None:
        """The trace of an experiment if it is there and whole.

        Args:
            place: A name for people, below the directory.
            tables: Of the experiment's file.
        """
        key = key_of(tables)
        try:
            found = json.loads(self._path(place, key).read_text("utf-8"))
            if found["key"] != key or found["marks"] != list(marks(tables["rounds"])):
                return None
            trace = Trace(**{name: _read(value) for name, value in found["trace"].items()})
        except (OSError, ValueError, TypeError, KeyError):  # not there, or torn
            return None
        return trace if len(trace.losses) == len(found["marks"]) else None

    def keep(self, place: str, tables: Mapping[str, Any], trace: Trace) -> None:
        """Write a trace; the file is there whole or not at all."""
        key = key_of(tables)
        fields = {name: _written(value) for name, value in asdict(trace).items()}
        content = {"key": key, "marks": marks(tables["rounds"]), "trace": fields}
        write_text(self._path(place, key), json.dumps(content) + "\n")

    def _path(self, place: str, key: Mapping[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return self._directory / f"{place}-{digest[:12]}.json"


def _written(value: Any) -> Any:
    """JSON has no other numbers than finite ones."""
    if not isinstance(value, tuple):
        return value
    return [number if math.isfinite(number) else None for number in value]


def _read(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return tuple(math.inf if number is None else number for number in value)


def key_of(tables: Mapping[str, Any], *packages: str) -> dict[str, Any]:
    """Everything that decides what comes of an experiment.

    Args:
        tables: Of its file.
        packages: Whose code takes part in it, beside the library's.
    """
    return {
        "format": _FORMAT,
        "experiment": write_experiment(read_experiment(tables)),
        "numpy": np.__version__,
        "code": {package: _code_digest(package) for package in ("comlad", *packages)},
    }


@cache
def _code_digest(package: str) -> str:
    """Of all .py files of a package, as they are when this process first asks."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (root,) = map(Path, spec.submodule_search_locations)
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
