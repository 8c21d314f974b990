"""What happens in a run, told to whoever looks on.

An event is a dict with an `event` and what goes with it:

    listening     address
    metrics       address
    resumed       round, file, again      it goes on from there; `again`: rounds closed since
    waiting       devices                 without which no round is opened
    started       round                   that is opened first
    ready         devices, peer           a process has the data and takes part
    gone          devices                 its stream has ended
    replaced      devices                 a newer stream of theirs took its place
    recovered     round, device           it had lost its memory, and was told what is held
    late          round, devices          that had not answered at a deadline
    refused       round, device, reason   a message or a part of one did not count
    cut_off       devices, reason         a stream was ended for what it sent
    stranger      reason                  a peer was turned away before it was any device
    repeated      round, reason, left     it stays open; for so many deadlines at most
    round         a line of rounds.jsonl, and `phases`: seconds by name
    checkpoint    round, file, seconds
    no_checkpoint round, reason           it could not be written
    stopping      reason                  no further round is closed
    stopped       reason, resumable       the run has ended before its last round
    finished      directory               all rounds are closed
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

__all__ = ["Event", "Observer", "fan_out", "listed", "printable"]

logger = logging.getLogger(__name__)

Event = dict[str, Any]
Observer = Callable[[Event], None]

_LONGEST = 200


def fan_out(observers: Iterable[Observer]) -> Observer:
    """One observer that tells all of these.

    One that raises is told no more, and the run goes on.
    """
    told = list(observers)

    def observe(event: Event) -> None:
        for observer in list(told):
            try:
                observer(event)
            except Exception:
                told.remove(observer)
                logger.exception("an observer of the run failed; it is told no more")

    return observe


def listed(devices: Sequence[int]) -> str:
    """Ids for a line of text, a few of many."""
    shown = ", ".join(map(str, devices[:10]))
    return shown if len(devices) <= 10 else f"{shown} and {len(devices) - 10} more"


def printable(text: str) -> str:
    """At most 200 characters, none of which moves the cursor: what a peer sent may be in it."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)
