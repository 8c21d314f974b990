"""Bytes, counted by direction, layer and device.

A stream belongs to a device process. If that hosts one device, all that crosses the
stream is charged to the device; if it hosts several, each is charged with its own
part of every message, and the stream with what they share.
"""

from collections.abc import Mapping
from dataclasses import astuple
from enum import IntEnum
from typing import Any

from comlad.rounds._framing import Framing, Traffic

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
    LINK = 3  # what the network interface counted: headers of Ethernet, IP and TCP too


_Stream = tuple[int, ...]

# Layers that are counted only where the system can.
_METERED = (Layer.TCP, Layer.LINK)


class ByteCount:
    """A tally over one round or many.

    Args:
        devices: N.
    """

    def __init__(self, devices: int) -> None:
        # Lists, not arrays: what is added comes one by one.
        self._by_device = [[[0] * devices for _ in Layer] for _ in Direction]
        self._by_stream: dict[_Stream, list[list[int]]] = {}
        self._metered: dict[Layer, set[_Stream]] = {layer: set() for layer in _METERED}  # whose
        self._unmetered: set[Layer] = set()
        self._framing = [Framing() for _ in Direction]

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
        self._add_metered(Layer.TCP, stream, counts)

    def add_link(self, devices: _Stream, traffic: Traffic | None) -> None:
        """Charge what an interface carried to all devices that it carried it for.

        Args:
            devices: Of one stream, or of all that share the interface.
            traffic: None if nobody counted, as for tcp.
        """
        self._add_metered(Layer.LINK, devices, None if traffic is None else traffic[:2])
        if traffic is not None:
            self._framing[Direction.UP].packets += traffic.up_packets
            self._framing[Direction.DOWN].packets += traffic.down_packets

    def count_message(self, direction: Direction, size: int) -> None:
        """Count a message handed to gRPC or taken from it; its bytes are charged with `add`."""
        self._framing[direction].add_message(size)

    def include(self, other: "ByteCount") -> None:
        """Add another tally to this one.

        What was metered in one of them and not in the other, as when a run that was in one
        process goes on over the network, was not counted.
        """
        for layer in _METERED:
            alike = bool(self._metered[layer]) == bool(other._metered[layer])
            if not alike and self._carried_any and other._carried_any:
                self._unmetered.add(layer)
        for direction in Direction:
            for layer in Layer:
                ours, theirs = self._by_device[direction], other._by_device[direction][layer]
                ours[layer] = [a + b for a, b in zip(ours[layer], theirs, strict=True)]
                for stream, counts in other._by_stream.items():
                    self._shared(stream)[direction][layer] += counts[direction][layer]
            self._framing[direction].include(other._framing[direction])
        for layer, streams in other._metered.items():
            self._metered[layer] |= streams
        self._unmetered |= other._unmetered

    def to_table(self) -> dict[str, Any]:
        """All that was counted, in what JSON has; `restore` takes it.

        A copy: it is written to a file while more is counted.
        """
        return {
            "by_device": [[list(counts) for counts in layers] for layers in self._by_device],
            "by_stream": [
                [list(stream), [list(counts) for counts in ways]]
                for stream, ways in self._by_stream.items()
            ],
            "metered": [sorted(map(list, self._metered[layer])) for layer in _METERED],
            "unmetered": sorted(self._unmetered),
            "framing": [astuple(framing) for framing in self._framing],
        }

    def restore(self, table: Mapping[str, Any]) -> None:
        """Take what another tally, as large as this one, gave as its table."""
        self._by_device = [[list(counts) for counts in layers] for layers in table["by_device"]]
        self._by_stream = {
            tuple(stream): [list(counts) for counts in ways] for stream, ways in table["by_stream"]
        }
        self._metered = {
            layer: set(map(tuple, streams))
            for layer, streams in zip(_METERED, table["metered"], strict=True)
        }
        self._unmetered = {Layer(layer) for layer in table["unmetered"]}
        self._framing = [Framing(*pieces) for pieces in table["framing"]]

    def total(self, direction: Direction, layer: Layer) -> int:
        """All bytes of a direction and layer."""
        shared = sum(counts[direction][layer] for counts in self._by_stream.values())
        return sum(self._by_device[direction][layer]) + shared

    def totals(self) -> dict[str, dict[str, int]]:
        """As {"up": {"payload": …, "message": …, "tcp": …, "link": …}, "down": …}.

        tcp and link if they were counted.
        """
        layers = [layer for layer in Layer if self._counted(layer)]
        return {
            direction.name.lower(): {
                layer.name.lower(): self.total(direction, layer) for layer in layers
            }
            for direction in Direction
        }

    def by_device(self) -> dict[str, dict[str, list[int]]]:
        """The same with a list by device in place of each number.

        No tcp if any connection was shared by several devices, no link if any interface
        was: it cannot be told apart.
        """
        layers = [layer for layer in Layer if self._counted(layer) and self._told_apart(layer)]
        return {
            direction.name.lower(): {
                layer.name.lower(): list(self._by_device[direction][layer]) for layer in layers
            }
            for direction in Direction
        }

    def by_stream(self) -> list[dict[str, Any]]:
        """What devices that share a stream, or an interface, were charged with together."""
        result = []
        for stream in sorted(self._by_stream):
            counts = self._by_stream[stream]
            layers = [layer for layer in Layer if self._concerns(stream, layer)]
            entry: dict[str, Any] = {"devices": list(stream)}
            for direction in Direction:
                entry[direction.name.lower()] = {
                    layer.name.lower(): counts[direction][layer] for layer in layers
                }
            result.append(entry)
        return result

    def overhead(self) -> dict[str, dict[str, Any]]:
        """How each layer from message to tcp, and to link, came to be larger than the one before.

        As {"up": …, "down": …}, each as `Framing.overhead` gives it. Without a direction
        whose tcp was not counted, or of whose messages some were handed over and not yet sent.
        """
        if not self._counted(Layer.TCP):
            return {}
        return {
            direction.name.lower(): self._framing[direction].overhead(
                self.total(direction, Layer.MESSAGE),
                self.total(direction, Layer.TCP),
                self.total(direction, Layer.LINK) if self._counted(Layer.LINK) else None,
            )
            for direction in Direction
            if self.total(direction, Layer.TCP) >= self.total(direction, Layer.MESSAGE)
        }

    def _add_metered(self, layer: Layer, stream: _Stream, counts: tuple[int, ...] | None) -> None:
        if counts is None:
            self._unmetered.add(layer)
            return
        self._metered[layer].add(stream)
        for direction in Direction:
            self.add(direction, layer, stream, counts[direction])

    @property
    def _carried_any(self) -> bool:
        return any(self.total(direction, Layer.MESSAGE) for direction in Direction)

    def _counted(self, layer: Layer) -> bool:
        """Whether all of a layer was counted."""
        if layer not in self._metered:
            return True
        return bool(self._metered[layer]) and layer not in self._unmetered

    def _told_apart(self, layer: Layer) -> bool:
        return all(len(stream) == 1 for stream in self._metered.get(layer, ()))

    def _concerns(self, stream: _Stream, layer: Layer) -> bool:
        """Whether a number of this layer can be the stream's."""
        if layer in self._metered:
            return self._counted(layer) and stream in self._metered[layer]
        # Devices that share no stream but an interface send no messages together.
        metered = self._metered
        return stream not in metered[Layer.LINK] or stream in metered[Layer.TCP]

    def _shared(self, stream: _Stream) -> list[list[int]]:
        return self._by_stream.setdefault(stream, [[0 for _ in Layer] for _ in Direction])
