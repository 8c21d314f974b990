"""The server's end of a stream to a device that reads slowly."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from comlad.experiment import Downlink
from comlad.rounds import ByteCount, Direction, Layer, Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire import MAX_MESSAGE_BYTES, Broadcast
from comlad_server._stream import Stream

Q = MAX_MESSAGE_BYTES // 8 + 1


class Peer:
    """Takes one message at a time, when it is let to."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self._turns = asyncio.Semaphore(0)

    async def write(self, message: bytes) -> None:
        await self._turns.acquire()
        self.taken.append(message)

    async def take(self, count: int) -> list[bytes]:
        """The next messages."""
        for _ in range(count):
            self._turns.release()
        while len(self.taken) < count:
            await asyncio.sleep(0)
        taken, self.taken = self.taken[:count], self.taken[count:]
        await asyncio.sleep(0)  # lets the stream go on to what it sends next
        return taken


def broadcast(number: int, dimension: int = Q, base: Plan | None = None) -> Broadcast:
    return Broadcast(plan(number, dimension), Downlink(delta=base is not None), base)


def plan(number: int, dimension: int = Q) -> Plan:
    return Plan(0, number, np.zeros(dimension), np.arange(1), np.arange(1))


def responses(messages: list[bytes]) -> list[pb.TrainResponse]:
    return [pb.TrainResponse.FromString(message) for message in messages]


def run(scene: Callable[[Stream, Peer], Awaitable[None]]) -> None:
    async def play() -> None:
        peer = Peer()
        stream = Stream((0,), peer.write)
        await scene(stream, peer)
        stream.close()

    asyncio.run(play())


MESSAGES = len(list(broadcast(1).messages((0,))))
counted = ByteCount(1)


def test_gives_up_a_half_sent_round_when_a_newer_one_waits() -> None:
    first, second = ByteCount(1), ByteCount(1)

    async def scene(stream: Stream, peer: Peer) -> None:
        stream.broadcast(broadcast(1), lambda: first)
        half = await peer.take(2)
        stream.broadcast(broadcast(2), lambda: second)
        rest = responses(await peer.take(MESSAGES + 1))

        assert [response.chunk.plan for response in rest] == [1] + [2] * MESSAGES
        assert rest[1].chunk.offset == 0
        # One more was on its way when the newer one came.
        sent = sum(map(len, half)) + rest[0].ByteSize()
        assert first.total(Direction.DOWN, Layer.MESSAGE) == sent

    run(scene)

    whole = ByteCount(1)
    broadcast(2).charge(whole, (0,))
    assert second.totals() == whole.totals()


def test_sends_small_messages_between_chunks() -> None:
    async def scene(stream: Stream, peer: Peer) -> None:
        stream.broadcast(broadcast(1), lambda: counted)
        await peer.take(1)
        stream.tell(pb.TrainResponse(refusal=pb.Refusal(round=5)).SerializeToString())
        chunk, refusal, *rest = responses(await peer.take(MESSAGES))

        assert refusal.refusal.round == 5
        assert [one.chunk.plan for one in (chunk, *rest)] == [1] * (MESSAGES - 1)

    run(scene)


def test_tells_a_change_only_of_a_round_that_was_sent_wholly() -> None:
    small = 100

    async def scene(stream: Stream, peer: Peer) -> None:
        stream.broadcast(broadcast(1), lambda: counted)
        await peer.take(1)
        stream.broadcast(broadcast(2, small, base=plan(1, small)), lambda: counted)
        _, second = responses(await peer.take(2))
        stream.broadcast(broadcast(3, small, base=plan(2, small)), lambda: counted)
        (third,) = responses(await peer.take(1))

        assert second.round.WhichOneof("model") == "model_float64"
        assert third.round.model_change.base == 2

    run(scene)


def test_ends_without_the_rest_of_a_round() -> None:
    async def scene(stream: Stream, peer: Peer) -> None:
        stream.broadcast(broadcast(1), lambda: counted)
        await peer.take(1)
        end = asyncio.ensure_future(stream.finish(b"the end"))
        _, last = await peer.take(2)
        await end

        assert last == b"the end"
        assert peer.taken == []

    run(scene)
