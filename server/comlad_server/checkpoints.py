"""Checkpoints: all that a run needs to go on, in one file.

A checkpoint is an .npz with the arrays of a snapshot and, as JSON, the rest of it; behind
that is the SHA-256 of all before, for not every byte of an .npz has a checksum. It appears
under its name only when all of it is on the disk, and the file before it stays until then:
whatever ends a process, even `kill -9` or a power cut, the newest one is whole.
"""

import json
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from comlad.errors import ConfigError
from comlad.experiment import Experiment
from comlad.rounds import Snapshot, experiment_sha256

__all__ = ["Checkpoint", "Checkpoints", "drop_newer", "find_checkpoint", "offer_older"]

_FORMAT = 1
_KEPT = 2
_HEADER = "header"
_DIGEST_BYTES = 32
_NAME = re.compile(r"round-(\d{10})\.npz")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run between two rounds, with what programs know of it.

    Args:
        snapshot: What the library needs.
        rounds_bytes: How long rounds.jsonl is, up to this round.
        ledger: What an engine keeps besides: seconds, bytes of joining, and so on; JSON.
        path: Where it is from.
    """

    snapshot: Snapshot
    rounds_bytes: int
    ledger: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None


class Checkpoints:
    """Writes the checkpoints of one run.

    Args:
        directory: Of the run's results; they are in `checkpoints` there.
        experiment: What is run.
        every: Rounds from one checkpoint to the next.
    """

    def __init__(self, directory: Path, experiment: Experiment, every: int) -> None:
        self._directory = directory / "checkpoints"
        self._sha256 = experiment_sha256(experiment)
        self._every = every
        self._saved = self._tried = 0  # rounds of the last one

    def due(self, rounds: int, at_the_end: bool = False) -> bool:
        """Whether there is to be one after so many rounds, and is not yet."""
        if at_the_end:
            return rounds > self._saved
        return rounds - self._tried >= self._every

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write one, and remove those that are older than the one before; gives its path.

        Raises:
            OSError: It could not be written; those that are there stay.
        """
        snapshot = checkpoint.snapshot
        self._tried = snapshot.round  # where there is no room, there is none after a round more
        header = {
            "format": _FORMAT,
            "experiment_sha256": self._sha256,
            "round": snapshot.round,
            "rounds_bytes": checkpoint.rounds_bytes,
            "report": snapshot.report,
            "ledger": checkpoint.ledger,
        }
        text = np.frombuffer(json.dumps(header).encode(), np.uint8)
        if not self._directory.exists():
            self._directory.mkdir()
            _sync_directory(self._directory.parent)
        path = self._directory / f"round-{snapshot.round:010}.npz"
        draft = path.with_suffix(".draft")
        try:
            _write(draft, {_HEADER: text, **snapshot.arrays})
            draft.replace(path)
        except OSError:
            with suppress(OSError):
                draft.unlink()  # it takes room that others need
            raise
        _sync_directory(self._directory)
        self._saved = snapshot.round
        for old in _present(self._directory)[_KEPT:]:
            old.unlink(missing_ok=True)
        return path


def find_checkpoint(
    directory: Path, experiment: Experiment, path: Path | None = None
) -> Checkpoint | None:
    """The checkpoint from which a run goes on; None if there is none yet.

    Args:
        directory: Of the run's results.
        experiment: What is to be run.
        path: A certain one; None: the newest in the directory.

    Raises:
        ConfigError: It is torn or another experiment's, in one line that names it and the
            one before it, if there is one.
    """
    if path is None:
        present = _present(directory / "checkpoints")
        if not present:
            return None
        path = present[0]
    try:
        return _read(path, experiment)
    except ConfigError as error:
        raise ConfigError(f"checkpoint {path}: {error}{offer_older(path, experiment)}") from error


def offer_older(path: Path, experiment: Experiment) -> str:
    """For the end of a complaint about a checkpoint: which one before it can be used."""
    for older in _present(path.parent):
        if older.name < path.name:
            with suppress(ConfigError):
                _read(older, experiment)
                return f"; the one before it can be used: --resume-from {older}"
    return ""


def drop_newer(directory: Path, rounds: int) -> None:
    """Remove the checkpoints after more rounds, and drafts: the run goes on and writes others."""
    for path in (directory / "checkpoints").glob("round-*"):
        match = _NAME.fullmatch(path.name)
        if path.suffix == ".draft" or (match and int(match[1]) > rounds):
            path.unlink()


def _write(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    with path.open("w+b") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        file.seek(0)
        digest = file_digest(file, "sha256").digest()
        file.write(digest)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path, experiment: Experiment) -> Checkpoint:
    try:
        with path.open("rb") as file:
            _check_digest(file)
            with np.load(file, allow_pickle=False) as members:
                arrays = {name: members[name] for name in members.files}
        header = json.loads(arrays.pop(_HEADER).tobytes())
        version, of = header["format"], header["experiment_sha256"]
    except FileNotFoundError as error:
        raise ConfigError("is not there") from error
    except (
        *(OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError),
        *(zipfile.BadZipFile, zlib.error, RuntimeError),
    ) as error:
        raise ConfigError(f"is torn, or no checkpoint ({error})") from error
    if version != _FORMAT:
        raise ConfigError(f"format {version!r}: must be {_FORMAT}; another comlad wrote it")
    if of != experiment_sha256(experiment):
        raise ConfigError(
            "is of another experiment: all but name, rounds, deadline_s, too_few, repeats and, "
            "unless it skips, quorum must be equal"
        )
    snapshot = Snapshot(header["round"], arrays, header["report"])
    if snapshot.round > experiment.rounds:
        raise ConfigError(
            f"is of {snapshot.round} rounds: the experiment must have as many at least, "
            f"found rounds = {experiment.rounds}"
        )
    return Checkpoint(snapshot, header["rounds_bytes"], header["ledger"], path)


def _check_digest(file: BinaryIO) -> None:
    """Raise ValueError unless a file ends with the SHA-256 of all before; back to its start."""
    left = os.fstat(file.fileno()).st_size - _DIGEST_BYTES
    digest = sha256()
    while left > 0 and (data := file.read(min(left, 2**20))):
        digest.update(data)
        left -= len(data)
    if file.read() != digest.digest():
        raise ValueError("its end is not the SHA-256 of the rest")
    file.seek(0)


def _present(directory: Path) -> list[Path]:
    """The newest first."""
    with suppress(OSError):
        return sorted((p for p in directory.iterdir() if _NAME.fullmatch(p.name)), reverse=True)
    return []


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
