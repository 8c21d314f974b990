"""What a run leaves in its directory."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from io import FileIO
from pathlib import Path
from platform import python_version
from types import TracebackType
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray

from comlad.errors import ConfigError
from comlad.experiment import Experiment, write_experiment
from comlad_server._earlier import put_aside
from comlad_server.checkpoints import Checkpoint, drop_newer, offer_older

__all__ = ["Results", "place_experiment", "versions"]


class Results:
    """Writes experiment.toml at once, rounds.jsonl as rounds close, the rest at the end.

    An earlier run's files of these names are replaced; those of one that could be gone on
    with are put aside, into `earlier`. If this run goes on with it, only what it wrote after
    its checkpoint goes.

    Args:
        directory: Made if it is not there.
        experiment: As resolved.
        resumed: Where an earlier run stopped that this one goes on with.

    Raises:
        ConfigError: The directory cannot be written to, another run writes there just now,
            or the rounds before the checkpoint are not all there.
    """

    def __init__(
        self, directory: Path, experiment: Experiment, resumed: Checkpoint | None = None
    ) -> None:
        self.directory = directory
        self.rounds = 0 if resumed is None else resumed.snapshot.round  # that rounds.jsonl has
        self.again = 0  # rounds that were closed after the checkpoint, and will be once more
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._rounds = (directory / "rounds.jsonl").open("ab+", buffering=0)
            self._lock()
            self._rewind(resumed, experiment)
            for stale in ("summary.json", "model.npy"):
                (directory / stale).unlink(missing_ok=True)
        except OSError as error:
            raise _no_place(directory, error) from error
        place_experiment(directory, experiment)

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
        """Append a line to rounds.jsonl; it is in the file when this returns.

        Raises:
            OSError: It could not be written; nothing of it is left.
        """
        line, before = json.dumps(record).encode() + b"\n", self._rounds.tell()
        with _named(self.directory / "rounds.jsonl"):
            try:
                while line:
                    line = line[self._rounds.write(line) :]
            except OSError:
                self._rounds.truncate(before)
                raise
        self.rounds += 1

    def rounds_bytes(self) -> int:
        """How long rounds.jsonl is."""
        return self._rounds.tell()

    def sync(self) -> None:
        """Wait until what rounds.jsonl has is on the disk."""
        os.fsync(self._rounds.fileno())

    def finish(self, summary: Mapping[str, Any], model: NDArray[np.float64]) -> None:
        """Write model.npy, then summary.json: who finds the summary finds the rest.

        Raises:
            OSError: They could not be written.
        """
        with _named(path := self.directory / "model.npy"):
            np.save(path, model)
        with _named(path := self.directory / "summary.json"):
            _write_whole(path, json.dumps(summary, indent=2) + "\n")

    def _lock(self) -> None:
        """Keep other runs out for as long as the file is open."""
        try:
            fcntl.flock(self._rounds, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._rounds.close()
            raise ConfigError(f"--out {self.directory}: another run writes there") from error

    def _rewind(self, resumed: Checkpoint | None, experiment: Experiment) -> None:
        if resumed is None:
            put_aside(self.directory)
            self._rounds.truncate(0)
            self._rounds.seek(0)
            return
        self._rounds.seek(0)
        kept = _lines(self._rounds, resumed.rounds_bytes)
        if kept != resumed.snapshot.round:
            self._rounds.close()
            offer = "" if resumed.path is None else offer_older(resumed.path, experiment)
            raise ConfigError(
                f"{self.directory / 'rounds.jsonl'} has {kept} rounds in the first "
                f"{resumed.rounds_bytes} bytes: must have {resumed.snapshot.round}, "
                f"as when {resumed.path} was written{offer}"
            )
        drop_newer(self.directory, resumed.snapshot.round)
        self.again = _lines(self._rounds, None)
        self._rounds.truncate(resumed.rounds_bytes)
        self._rounds.seek(0, os.SEEK_END)


def place_experiment(directory: Path, experiment: Experiment) -> Path:
    """Write experiment.toml; gives its path.

    Raises:
        ConfigError: The directory cannot be written to.
    """
    path = directory / "experiment.toml"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write_whole(path, tomli_w.dumps(write_experiment(experiment)))
    except OSError as error:
        raise _no_place(directory, error) from error
    return path


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Have an OSError name the file that it is about."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{path}: cannot be written ({error})") from error


def _no_place(directory: Path, error: OSError) -> ConfigError:
    return ConfigError(f"--out {directory}: cannot write there ({error})")


def _lines(file: FileIO, size: int | None) -> int:
    """How many lines end in the next so many bytes, or in all that are left."""
    count, left = 0, size
    while chunk := file.read(2**20 if left is None else min(left, 2**20)):
        count += chunk.count(b"\n")
        left = None if left is None else left - len(chunk)
    return count


def _write_whole(path: Path, text: str) -> None:
    """Replace a file by one that is never seen half written."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)


def versions() -> dict[str, str]:
    """Of everything that a run's numbers may depend on, but for numpy, which the library knows."""
    return {
        "comlad": version("comlad"),
        "python": python_version(),
        "grpcio": version("grpcio"),
        "protobuf": version("protobuf"),
    }
