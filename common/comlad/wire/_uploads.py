"""Replies that come in chunks, while a round is open."""

from collections import Counter

from comlad.errors import MessageError, Status
from comlad.v1 import training_pb2 as pb
from comlad.wire._chunks import LEAST_CHUNK_BYTES, Assembly

__all__ = ["StrayError", "Uploads"]

_Stream = tuple[int, ...]


class StrayError(MessageError):
    """An answer to something else than the open plan, to which one may still come."""


class Uploads:
    """The replies that are coming: at most one of each stream.

    All halves together are never more bytes than the replies of all devices can have.

    Args:
        plan: What they must answer.
    """

    def __init__(self, plan: int) -> None:
        self.dropped: Counter[_Stream] = Counter()  # bytes, by stream
        self._plan = plan
        self._assemblies: dict[_Stream, Assembly] = {}
        self._broken: set[_Stream] = set()

    def add(self, stream: _Stream, chunk: pb.Chunk, cap: int) -> bytearray | None:
        """Take a stream's next chunk; gives the message after the last one.

        What follows a chunk that was refused is dropped without another word: a device
        that is merely late, or has miscounted once, sends the rest of its reply first.

        Args:
            stream: The devices whose it is.
            chunk: As it came.
            cap: How many bytes their message may have at most.

        Raises:
            StrayError: It begins an answer to another plan.
            MessageError: The reply is spoilt.
        """
        late = chunk.plan != self._plan
        if chunk.offset and (late or stream in self._broken):
            # All of it, and never nothing: a flood of empty chunks must come to an end, too.
            self.dropped[stream] += max(chunk.ByteSize(), LEAST_CHUNK_BYTES)
            return None
        if late:
            raise StrayError(
                f"a reply to plan {chunk.plan}: plan {self._plan} is open",
                Status.FAILED_PRECONDITION,
            )
        assembly = self._assemblies.pop(stream, None) or Assembly(self._plan, cap)
        self._broken.add(stream)
        whole = assembly.add(chunk)
        self._broken.remove(stream)
        if whole is None:
            self._assemblies[stream] = assembly
        return whole

    def spoil(self, stream: _Stream) -> None:
        """Drop the rest of what a stream has begun."""
        self._assemblies.pop(stream, None)
        self._broken.add(stream)

    def forget(self, stream: _Stream) -> None:
        """The stream has ended; its devices may come back and begin anew."""
        self._assemblies.pop(stream, None)
        self._broken.discard(stream)
