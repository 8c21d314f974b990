"""What the server keeps of a run besides its rounds."""

import time
from collections.abc import Mapping
from typing import Any

from comlad.rounds import ByteCount
from comlad_server.checkpoints import Checkpoint

__all__ = ["Ledger"]


class Ledger:
    """Seconds, bytes outside of rounds and restarts, over all parts of a run.

    Args:
        devices: N.
        transport: How devices are connected, for the summary.
    """

    def __init__(self, devices: int, transport: str) -> None:
        self.setup = ByteCount(devices)
        self._transport = transport
        self._resumed: list[Mapping[str, int]] = []
        self._before = 0.0
        self._began: float | None = None

    def begin(self) -> None:
        """The rounds begin now."""
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long the rounds have taken."""
        since = 0.0 if self._began is None else time.perf_counter() - self._began
        return self._before + since

    def to_table(self, strangers: int) -> dict[str, Any]:
        """All of it, in what JSON has, with how many strangers were turned away."""
        return {
            "seconds": self.seconds,
            "setup": self.setup.to_table(),
            "strangers": strangers,
            "resumed": list(self._resumed),
        }

    def restore(self, checkpoint: Checkpoint, again: int) -> int:
        """Go on with what a run kept; gives how many strangers it had turned away.

        Args:
            checkpoint: Where it stopped.
            again: How many rounds it had closed since, which are now run again.
        """
        table = checkpoint.ledger
        self._before = table["seconds"]
        # An in-process run has none of the rest.
        if "setup" in table:
            self.setup.restore(table["setup"])
        self._resumed = [
            *table.get("resumed", ()),
            {"round": checkpoint.snapshot.round, "again": again},
        ]
        strangers: int = table.get("strangers", 0)
        return strangers

    def summary(self) -> dict[str, Any]:
        """The part of summary.json that is known here alone."""
        result: dict[str, Any] = {"transport": self._transport}
        if self._resumed:
            result["resumed"] = self._resumed
        result["setup"] = {
            way: {"tcp": layers.get("tcp")} | {k: n for k, n in layers.items() if k == "link"}
            for way, layers in self.setup.totals().items()
        }
        return result
