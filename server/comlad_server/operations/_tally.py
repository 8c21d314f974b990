"""Sums of the bytes that the records of rounds name."""

from collections.abc import Iterable, Iterator

from comlad.rounds import Layer
from comlad_server._events import Event
from comlad_server.operations._status import WAYS

__all__ = ["Tally"]

_LAYERS = tuple(layer.name.lower() for layer in Layer)


class Tally:
    """All bytes, and each device's own, by way and layer.

    As in the summary, a layer that was not counted in one round is not there at all:
    a part of it would look like the whole.

    Args:
        devices: N.
    """

    def __init__(self, devices: int) -> None:
        self._totals = {way: dict.fromkeys(_LAYERS, 0) for way in WAYS}
        self._own = {way: {layer: [0] * devices for layer in _LAYERS} for way in WAYS}
        self._counted, self._told_apart = _Layers(), _Layers()

    def add(self, record: Event) -> None:
        """Add those of a line of rounds.jsonl."""
        totals, own = record["bytes"], record["devices"]
        # Where nobody was connected there was nothing to count either.
        if totals["up"]["message"] or totals["down"]["message"]:
            self._counted.saw(totals["up"])
            self._told_apart.saw(own["up"])
        for way in WAYS:
            for layer, count in totals[way].items():
                self._totals[way][layer] += count
            sums = self._own[way]
            for layer, counts in own[way].items():
                if layer not in self._told_apart.lost:
                    sums[layer] = [a + b for a, b in zip(sums[layer], counts, strict=True)]

    def totals(self) -> dict[str, dict[str, int]]:
        """Of all devices together."""
        return {way: {layer: self._totals[way][layer] for layer in self._counted} for way in WAYS}

    def of(self, device: int, way: str) -> dict[str, int]:
        """A device's own."""
        return {layer: self._own[way][layer][device] for layer in self._told_apart}


class _Layers:
    """Those that were counted in every round so far, the innermost first."""

    def __init__(self) -> None:
        self._seen = {"payload", "message"}
        self.lost: set[str] = set()

    def saw(self, layers: Iterable[str]) -> None:
        self._seen.update(layers)
        self.lost.update(layer for layer in _LAYERS if layer not in layers)

    def __iter__(self) -> Iterator[str]:
        return (layer for layer in _LAYERS if layer in self._seen and layer not in self.lost)
