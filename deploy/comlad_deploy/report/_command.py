"""The command: wait for a run's end if asked to, and say what it came to."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from comlad.config import require
from comlad.errors import ComladError, ConfigError
from comlad_deploy.files import write_text
from comlad_deploy.report._own_word import read_own_words
from comlad_deploy.report._replay import replay
from comlad_deploy.report._results import Run, describe, read_run
from comlad_deploy.report._tables import (
    bytes_sheet,
    describe_own_link,
    describe_run,
    devices_sheet,
    reasons_sheet,
)

__all__ = ["Options", "report"]

logger = logging.getLogger(__name__)

# Seconds between two looks, and for devices to write their last word after the run's end.
_LOOK_S, _LAST_WORD_S = 0.2, 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """What is reported on, and where to.

    Args:
        directory: Of the run.
        link_bytes: With the files of `comlad-device --link-bytes`, if there are any.
        out: For report.png, report.txt and report.json; None: the run's directory.
        wait: Seconds to wait for the run to end.
        replay: Whether to run it once more in this process and compare the model.
        as_json: The report as JSON on stdout, nothing else.
    """

    directory: Path
    link_bytes: Path | None = None
    out: Path | None = None
    wait: float = 0.0
    replay: bool = False
    as_json: bool = False


class AnotherModelError(ComladError):
    """The run in one process gave another model."""


def report(options: Options) -> None:
    """Write report.png, report.txt and report.json, and print one of the latter.

    Raises:
        ConfigError: The run has left nothing to report on, an option cannot be, a package is
            missing, or `out` cannot be written to.
        AnotherModelError: The replay's.
    """
    require(options.wait >= 0, "--wait", options.wait, "must be a number of seconds from 0")
    missing = [name for name in ("matplotlib", "rich") if find_spec(name) is None]
    if missing:
        need = f"comlad report needs {' and '.join(missing)}, not installed here"
        raise ConfigError(f"{need}; pip install 'comlad[lab]'")
    run = _ended(options)
    words = None
    if options.link_bytes is not None:
        words = read_own_words(options.link_bytes, run.count)
    results = describe(run, words)
    if options.replay:
        results["replay"] = replay(run.directory, run.summary, run.records)
    _write(options, run, results)
    if options.replay and not results["replay"]["equal"]:
        raise AnotherModelError(f"{run.directory}: in one process the run gives another model")


def _ended(options: Options) -> Run:
    """The run, when it has ended and its devices have had time for their last word."""
    summary = options.directory / "summary.json"
    _wait_until(summary.exists, options.wait)
    run = read_run(options.directory)
    if options.wait and (own := options.link_bytes) is not None:
        _wait_until(lambda: len(list(own.glob("*.json"))) >= run.count, _LAST_WORD_S)
    return run


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(_LOOK_S)


def _write(options: Options, run: Run, results: dict[str, Any]) -> None:
    from comlad_deploy.report._draw import draw_run

    out = options.out or options.directory
    figure = out / "report.png"
    results["figure"] = str(figure)
    text, encoded = _text(results), json.dumps(results, indent=2)
    write_text(out / "report.txt", text)
    draw_run(figure, run, results)
    write_text(out / "report.json", encoded + "\n")
    print(encoded if options.as_json else text + f"\n{figure}")


def _text(results: dict[str, Any]) -> str:
    """As a terminal of 100 columns shows it."""
    from rich.console import Console

    stream = StringIO()
    console = Console(file=stream, width=100, highlight=False, no_color=True, markup=False)
    console.print(describe_run(results), soft_wrap=True)
    for sheet in (bytes_sheet(results), devices_sheet(results)):
        console.print()
        console.print(sheet.table())
    if "own_link" in results:
        console.print("\n" + describe_own_link(results), soft_wrap=True)
    faults = results["faults"]
    console.print(
        f"\nfaults: {faults['missing']} missing, {faults['refused']} refused, "
        f"{faults['strangers']} strangers"
    )
    if results["reasons"]:
        console.print(reasons_sheet(results).table())
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"
