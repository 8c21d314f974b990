"""What becomes of a run's files when another begins in its directory."""

import json
import logging
import shutil
from contextlib import suppress
from pathlib import Path

__all__ = ["put_aside"]

logger = logging.getLogger(__name__)


def put_aside(directory: Path) -> None:
    """Clear the way for a new run; what could be gone on with is kept, of one run."""
    checkpoints = directory / "checkpoints"
    if _unfinished(directory):
        earlier = directory / "earlier"
        shutil.rmtree(earlier, ignore_errors=True)
        earlier.mkdir()
        for name in ("rounds.jsonl", "experiment.toml"):
            with suppress(FileNotFoundError):
                shutil.copy(directory / name, earlier)
        checkpoints.rename(earlier / checkpoints.name)
        logger.warning("an unfinished run was there; --resume --out %s goes on with it", earlier)
    shutil.rmtree(checkpoints, ignore_errors=True)


def _unfinished(directory: Path) -> bool:
    if not any((directory / "checkpoints").glob("*.npz")):
        return False
    try:
        return "stopped" in json.loads((directory / "summary.json").read_text("utf-8"))
    except (OSError, ValueError):  # it was killed before it wrote one
        return True
