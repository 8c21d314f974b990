"""Signals that end a run in this process, at a place where nothing is half done."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["heeded_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heeded_signals() -> Iterator[Callable[[], None]]:
    """Gives what raises KeyboardInterrupt, where it is called, once a signal has come.

    A second signal raises it wherever it finds the program. It is raised once: what a run
    writes when it is ended is not broken off.
    """
    came = raised = False

    def take(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            end()
        came = True

    def check() -> None:
        if came:
            end()

    def end() -> None:
        nonlocal raised
        if not raised:
            raised = True
            raise KeyboardInterrupt

    before = {number: signal.signal(number, take) for number in _SIGNALS}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
