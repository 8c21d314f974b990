"""The command: where a state comes from, and how it is shown here."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from comlad.config import WATCHER, check_address, is_loopback, read_keys
from comlad.errors import ConfigError
from comlad_deploy.watch._follow import WatchError, follow
from comlad_deploy.watch._lines import Lines
from comlad_deploy.watch._state import Show, State

__all__ = ["Options", "watch"]


@dataclass(frozen=True, slots=True)
class Options:
    """What to watch, and how.

    Args:
        server: HOST:PORT.
        keys: A watcher's key, or the directory with all; None: without TLS.
        insecure: Whether that is wanted for a server on another machine.
        once: Whether to show one state and end.
        as_json: Whether each state is a JSON object on stdout.
    """

    server: str
    keys: Path | None = None
    insecure: bool = False
    once: bool = False
    as_json: bool = False


def watch(options: Options) -> None:
    """Show the state of a run until it is over; a server that went away is waited for.

    Raises:
        ConfigError: The options cannot be.
        WatchError: The server does not answer, or not to us; or the run failed.
    """
    check_address("watch", options.server)
    if options.keys is not None and options.insecure:
        raise ConfigError("--insecure: must be without --keys")
    if options.keys is None and not options.insecure and not is_loopback(options.server):
        raise ConfigError(
            f"{options.server}: must have --keys DIR, or --insecure for a network that "
            "can be trusted wholly; without is for this machine only"
        )
    keys = None if options.keys is None else read_keys(options.keys, WATCHER).directory
    with _display(options.as_json, options.once) as show:
        last = asyncio.run(follow(options.server, keys, show, once=options.once))
    if last["state"] == "failed" and not options.once:
        raise WatchError(f"the run failed: {last['reason']}")


@contextmanager
def _display(as_json: bool, once: bool) -> Iterator[Show]:
    """Gives what to call with each state, and with None when the server went away."""
    if as_json:
        yield _print_json
    elif sys.stdout.isatty() and find_spec("rich"):
        from comlad_deploy.watch._table import showing_tables

        with showing_tables(once) as show:
            yield show
    else:
        yield Lines().show


def _print_json(state: State | None) -> None:
    if state is not None:
        print(json.dumps(state), flush=True)
