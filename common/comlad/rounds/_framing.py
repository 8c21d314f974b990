"""What lies between two layers: the framing of gRPC, HTTP/2 and packets, of one direction."""

from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Framing", "Traffic"]

# Before every message: a flag for compression and the length (gRPC over HTTP/2, "Requests").
_GRPC_PREFIX = 5
# RFC 9113, section 4.1: a frame's header. A frame has as much payload as the peer said that
# it takes. That is 16 kB unless it says otherwise (4.2), but gRPC's peers said 4 MiB in every
# connection that was looked into, and less than that only when short of memory. What flow
# control held back begins a new frame: the number of frames is an estimate, and rather low.
_FRAME_HEADER = 9
_FRAME_SIZE = 2**22


class Traffic(NamedTuple):
    """What an interface carried, headers included, as the devices see it."""

    up_bytes: int
    down_bytes: int
    up_packets: int
    down_packets: int


@dataclass(slots=True)
class Framing:
    """How many pieces a direction's bytes came in.

    Args:
        messages: gRPC messages.
        frames: HTTP/2 DATA frames, as few as these messages fit into.
        packets: Of every kind, acknowledgements included; where interfaces were read.
    """

    messages: int = 0
    frames: int = 0
    packets: int = 0

    def add_message(self, size: int) -> None:
        """Count a gRPC message of so many bytes."""
        self.messages += 1
        self.frames += -(-(size + _GRPC_PREFIX) // _FRAME_SIZE)

    def include(self, other: "Framing") -> None:
        """Add another direction's or time's pieces to these."""
        self.messages += other.messages
        self.frames += other.frames
        self.packets += other.packets

    def overhead(self, message: int, tcp: int, link: int | None) -> dict[str, Any]:
        """How tcp − message and link − tcp come about, in bytes.

        `rest` is what remains: headers of calls, acknowledgements and settings of HTTP/2,
        pings, retransmissions, TLS where it is on.

        Args:
            message: Bytes of the messages that were counted.
            tcp: Bytes on their connections.
            link: Bytes on their interfaces; None if nobody counted.
        """
        prefix, headers = _GRPC_PREFIX * self.messages, _FRAME_HEADER * self.frames
        result: dict[str, Any] = {
            "messages": self.messages,
            "grpc_prefix": prefix,
            "http2_frames": headers,
            "rest": tcp - message - prefix - headers,
            "estimated": ["http2_frames", "rest"],
        }
        if link is not None:
            result |= {"packets": self.packets, "packet_headers": link - tcp}
        return result
