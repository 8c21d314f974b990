"""Running methods, on links as fast as the machine is or of a rate."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from comlad_deploy.bandwidth._links import FAST, Course, Link, course_of
from comlad_deploy.bandwidth._methods import Method, shortened
from comlad_deploy.bandwidth._results import Run
from comlad_deploy.networks import Network, shaped_network
from comlad_deploy.processes import ProcessError, process_count
from comlad_deploy.run import run_prepared
from comlad_deploy.traces import read_trace, rounds_to

__all__ = ["Watch", "check_links", "run_method", "time_method"]

logger = logging.getLogger(__name__)

Watch = Callable[[str], Callable[[dict[str, Any]], None]]


def check_links(methods: list[Method], links: list[Link]) -> None:
    """Make every kind of link that will be needed, once.

    Raises:
        ConfigError: A rate is none, or this system or user cannot do it.
    """
    count = max(process_count(method.prepared.experiment) for method in methods)
    for link in links:
        with shaped_network(count, link.uplink, link.downlink):
            pass


def run_method(method: Method, directory: Path, link: Link | None, watch: Watch) -> Run:
    """Run a method with a server process and a process for each device.

    Args:
        method: Which.
        directory: For its results.
        link: Of each device; None: loopback, where links cannot be counted.
        watch: Starts its line of progress.

    Raises:
        ProcessError: The run failed, for instance because it diverged.
    """
    prepared = method.prepared
    name = method.name if link in (None, FAST) else f"{method.name}, {link.name}"
    network: AbstractContextManager[Network | None] = nullcontext()
    if link is not None:
        network = shaped_network(process_count(prepared.experiment), link.uplink, link.downlink)
    try:
        with network as joined:
            summary = run_prepared(prepared, directory, "processes", 1, watch(name), network=joined)
    except ProcessError as error:
        raise ProcessError(f"{name}: {error}", error.status) from error
    faults = summary["faults"]
    if faults["missing"] or faults["refused"]:
        text = "%s: %d answers were missing and %d refused; see %s"
        logger.warning(text, name, faults["missing"], faults["refused"], directory)
    return Run(method, directory, summary, read_trace(directory, summary))


def time_method(
    run: Run, target: float, directory: Path, link: Link, watch: Watch
) -> dict[str, Any]:
    """Run a method on slow links to the target; gives its entry in links.json.

    Args:
        run: Of the method on fast links, which says how many rounds it takes: the same
            experiment gives the same models, however long its messages take.
        target: The loss.
        directory: For results.
        link: Of each device.
        watch: Starts its line of progress.
    """
    course = course_of(run.trace, target)
    if course is None:
        return _entry(run.method.name, None, None, link)
    if course.rounds == 0:
        return _entry(run.method.name, course, 0.0, link)
    again = run_method(shortened(run.method, course.rounds), directory, link, watch)
    rounds = rounds_to(again.trace.losses, target)
    if rounds != course.rounds:  # for instance because a deadline was missed
        found = "not at the target" if rounds is None else f"at the target after {rounds}"
        text = "%s, %s: %s, on fast links after %d rounds"
        logger.warning(text, run.method.name, link.name, found, course.rounds)
    seconds = None if rounds is None else again.trace.seconds[rounds]
    return _entry(run.method.name, course, seconds, link)


def _entry(name: str, course: Course | None, seconds: float | None, link: Link) -> dict[str, Any]:
    return {
        "name": name,
        "rounds": course and course.rounds,
        "seconds": seconds,
        "predicted": course and course.predicted(link),
        "fast_seconds": course and course.seconds,
        "round_bytes": course and {"up": course.up, "down": course.down},
    }
