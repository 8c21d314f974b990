"""Bytes, counted by direction, layer and device.

A stream belongs to a device process. If that hosts one device, all that crosses the
stream is charged to the device; if it hosts several, each is charged with its own
part of every message, and the stream with what they share.
"""

from enum import IntEnum
from typing import Any

__all__ = ["ByteCount", "Direction", "Layer"]


class Direction(IntEnum):
    """As the devices see it."""

    UP = 0
    DOWN = 1


class Layer(IntEnum):
    """Each counts what the one before it does, and its own framing."""

    PAYLOAD = 0  # encoded vectors: values, indices, permutations
    MESSAGE = 1  # serialised protobuf messages
    TCP = 2  # what the kernel counted on the connection


_Stream = tuple[int, ...]


class ByteCount:
    """A tally over one round or many.

    Args:
        devices: N.
    """

    def __init__(self, devices: int) -> None:
        # Lists, not arrays: what is added comes one by one.
        self._by_device = [[[0] * devices for _ in Layer] for _ in Direction]
        self._by_stream: dict[_Stream, list[list[int]]] = {}
        self._tcp_streams: set[_Stream] = set()
        self._unmetered = False

    def add(
        self,
        direction: Direction,
        layer: Layer,
        stream: _Stream,
        count: int,
        slot: int | None = None,
    ) -> None:
        """Charge bytes to the device in a slot of the stream, or to the stream as a whole."""
        if slot is not None or len(stream) == 1:
            self._by_device[direction][layer][stream[slot or 0]] += count
        else:
            self._shared(stream)[direction][layer] += count

    def add_tcp(self, stream: _Stream, counts: tuple[int, int] | None) -> None:
        """Charge what the kernel counted on a stream's connection, up and down.

        None if nobody counted: then there is no tcp layer, rather than a part of it.
        """
        if counts is None:
            self._unmetered = True
            return
        up, down = counts
        self._tcp_streams.add(stream)
        self.add(Direction.UP, Layer.TCP, stream, up)
        self.add(Direction.DOWN, Layer.TCP, stream, down)

    def include(self, other: "ByteCount") -> None:
        """Add another tally to this one."""
        for direction in Direction:
            for layer in Layer:
                ours, theirs = self._by_device[direction], other._by_device[direction][layer]
                ours[layer] = [a + b for a, b in zip(ours[layer], theirs, strict=True)]
                for stream, counts in other._by_stream.items():
                    self._shared(stream)[direction][layer] += counts[direction][layer]
        self._tcp_streams |= other._tcp_streams
        self._unmetered |= other._unmetered

    def total(self, direction: Direction, layer: Layer) -> int:
        """All bytes of a direction and layer."""
        shared = sum(counts[direction][layer] for counts in self._by_stream.values())
        return sum(self._by_device[direction][layer]) + shared

    def totals(self) -> dict[str, dict[str, int]]:
        """As {"up": {"payload": …, "message": …, "tcp": …}, "down": …}; tcp if it was counted."""
        layers = self._layers(bool(self._tcp_streams))
        return {
            direction.name.lower(): {
                layer.name.lower(): self.total(direction, layer) for layer in layers
            }
            for direction in Direction
        }

    def by_device(self) -> dict[str, dict[str, list[int]]]:
        """The same with a list by device in place of each number.

        No tcp if any connection was shared by several devices: it cannot be told apart.
        """
        single = bool(self._tcp_streams) and all(len(stream) == 1 for stream in self._tcp_streams)
        layers = self._layers(single)
        return {
            direction.name.lower(): {
                layer.name.lower(): list(self._by_device[direction][layer]) for layer in layers
            }
            for direction in Direction
        }

    def by_stream(self) -> list[dict[str, Any]]:
        """What each stream of several devices carried for all of them together."""
        result = []
        for stream in sorted(self._by_stream):
            counts = self._by_stream[stream]
            layers = self._layers(stream in self._tcp_streams)
            entry: dict[str, Any] = {"devices": list(stream)}
            for direction in Direction:
                entry[direction.name.lower()] = {
                    layer.name.lower(): counts[direction][layer] for layer in layers
                }
            result.append(entry)
        return result

    def _layers(self, tcp: bool) -> list[Layer]:
        return [layer for layer in Layer if layer is not Layer.TCP or (tcp and not self._unmetered)]

    def _shared(self, stream: _Stream) -> list[list[int]]:
        return self._by_stream.setdefault(stream, [[0 for _ in Layer] for _ in Direction])
