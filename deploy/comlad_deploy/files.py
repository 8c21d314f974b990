"""Files of results: written whole or not at all, and tables of numbers."""

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from comlad.errors import ConfigError

__all__ = ["to_csv", "write_bytes", "write_text"]


def write_text(path: Path, text: str) -> None:
    """Write a file, and its directory, so that nobody ever sees half of it.

    Raises:
        ConfigError: It cannot be written there.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, "utf-8")
        draft.replace(path)
    except OSError as error:
        raise ConfigError(f"--out: {path} cannot be written ({error})") from error


def write_bytes(path: Path, data: bytes, mode: int) -> None:
    """Write a file that nobody ever sees half of, nor with another mode; OSError if it cannot be.

    A file with these bytes is left as it is.
    """
    if path.exists() and path.read_bytes() == data:
        return
    # With O_EXCL and mode 600.
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def to_csv(lines: Iterable[Mapping[str, Any]]) -> str:
    """Lines of the same columns as a CSV file, numbers with all their digits."""
    lines = list(lines)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
