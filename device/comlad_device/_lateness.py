"""Falling behind, and catching up."""

import asyncio
import time
from typing import Any

__all__ = ["Lateness"]

# After so long without a round there may be several to be read at once, and for so long
# it is worth to see whether there are.
_LONG_S, _LOOK_S = 0.5, 0.02


class Lateness:
    """Whether the round that was read has others behind it.

    A process that was stopped, or a link that was cut, leaves the rounds of that time in
    the connection. All but the last are closed, and answers to them are refused.
    """

    def __init__(self) -> None:
        self._read = time.monotonic()
        self._late = False

    async def overtaken(self, coming: "asyncio.Task[Any]") -> bool:
        """Whether what comes after the round that was just read has come already."""
        self._late = self._late or time.monotonic() - self._read > _LONG_S
        if self._late:
            await asyncio.wait([coming], timeout=_LOOK_S)
            self._late = coming.done()
        self._read = time.monotonic()
        return self._late
