"""What a run leaves in its directory."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from types import TracebackType
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray

from comlad.errors import ConfigError
from comlad.experiment import Experiment, write_experiment

__all__ = ["Results", "versions"]


class Results:
    """Writes experiment.toml at once, rounds.jsonl as rounds close, the rest at the end.

    An earlier run's files of these names are replaced.

    Args:
        directory: Made if it is not there.
        experiment: As resolved.

    Raises:
        ConfigError: The directory cannot be written to.
    """

    def __init__(self, directory: Path, experiment: Experiment) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for stale in ("summary.json", "model.npy"):
                (directory / stale).unlink(missing_ok=True)
            toml = tomli_w.dumps(write_experiment(experiment))
            (directory / "experiment.toml").write_text(toml, "utf-8")
            self._rounds = (directory / "rounds.jsonl").open("w", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"--out {directory}: cannot write there ({error})") from error

    def __enter__(self) -> "Results":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing more is to be written."""
        self._rounds.close()

    def add_round(self, record: Mapping[str, Any]) -> None:
        """Append a line to rounds.jsonl; it is in the file when this returns."""
        self._rounds.write(json.dumps(record) + "\n")
        self._rounds.flush()

    def finish(self, summary: Mapping[str, Any], model: NDArray[np.float64]) -> None:
        """Write model.npy, then summary.json: who finds the summary finds the rest."""
        np.save(self.directory / "model.npy", model)
        draft = self.directory / "summary.json.draft"
        draft.write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
        draft.replace(self.directory / "summary.json")


def versions() -> dict[str, str]:
    """Of everything that a run's numbers may depend on, but for numpy, which the library knows."""
    return {
        "comlad": version("comlad"),
        "python": python_version(),
        "grpcio": version("grpcio"),
        "protobuf": version("protobuf"),
    }
