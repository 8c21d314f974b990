"""Peers that mean harm, of one kind each.

A process of one goes on until it is ended. Now and then it says how much it has done, in
messages, calls or connections.

    python tests/hostile.py KIND HOST:PORT [--device I] [--sha256 HEX] [--largest BYTES] [--nice]
"""

import argparse
import os
import random
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

from http2 import PREFACE, Connection, framed

from comlad.v1 import training_pb2 as pb
from comlad.wire import encode_join, encode_ready

__all__ = ["KINDS", "Target"]

_TRAIN = "/comlad.v1.TrainingService/Train"
_FETCH = "/comlad.v1.TrainingService/FetchDataset"
_TLS_HELLO = bytes.fromhex("160301020001000000030300")  # the first bytes of one


class Target:
    """What is attacked, and as whom.

    Args:
        address: HOST:PORT.
        device: The id that kinds which join take for their own.
        sha256: Of the dataset, for those that fetch it.
        largest: How many bytes a message may have before gRPC refuses it.
    """

    def __init__(
        self, address: str, device: int = 0, sha256: bytes = b"", largest: int = 2**16
    ) -> None:
        self.address, self.device, self.sha256 = address, device, sha256
        self.largest = largest
        host, _, port = address.rpartition(":")
        self.end = host, int(port)

    def joined(self, connection: Connection) -> tuple[int, pb.Round]:
        """Join, be ready, and take the first round; gives the stream and it."""
        stream = connection.call(_TRAIN)
        connection.write(stream, framed(encode_join([self.device])) + framed(encode_ready()))
        connection.message(stream)
        while True:
            response = pb.TrainResponse.FromString(connection.message(stream))
            if response.WhichOneof("event") == "round":
                return stream, response.round


# Gives how much it has done, as it goes on; 0 before it waits.
_Kind = Callable[[Target], Iterator[int]]


def burst(target: Target) -> Iterator[int]:
    """Empty messages, as fast as they are taken."""
    with Connection(target.address) as connection:
        stream, _ = target.joined(connection)
        while True:
            connection.write(stream, framed(b"") * 1000)
            yield 1000


def too_large(target: Target) -> Iterator[int]:
    """Messages larger than any reply, but not too large for gRPC."""
    with Connection(target.address) as connection:
        stream, _ = target.joined(connection)
        while True:
            connection.write(stream, framed(bytes(2**15)))
            yield 1


def too_large_for_grpc(target: Target) -> Iterator[int]:
    """A message that says that it has 2 GiB, and the beginning of it."""
    with Connection(target.address) as connection:
        stream, _ = target.joined(connection)
        connection.write(stream, b"\0" + (2**31 - 1).to_bytes(4, "big"))
        yield 1
        while True:
            connection.write(stream, bytes(2**16))


def endless_chunks(target: Target) -> Iterator[int]:
    """A reply in chunks that has no end."""
    with Connection(target.address) as connection:
        stream, asked = target.joined(connection)
        offset, data = 0, bytes(2**14)
        while True:
            chunk = pb.Chunk(plan=asked.plan, offset=offset, data=data)
            connection.write(stream, framed(pb.TrainRequest(chunk=chunk).SerializeToString()))
            offset += len(data)
            yield 1


def never_reads(target: Target) -> Iterator[int]:
    """A device that is ready, has all the window that there is, and leaves it all unread."""
    with Connection(target.address, receive_buffer=4096) as connection:
        target.joined(connection)
        yield 1
        yield 0
        signal.pause()


def half_open(target: Target) -> Iterator[int]:
    """Two hundred connections that say nothing, or half of how TLS or HTTP/2 begin."""
    with ExitStack() as stack:
        peers = [stack.enter_context(socket.create_connection(target.end)) for _ in range(200)]
        for peer, opening in zip(peers, (b"", PREFACE[:10], _TLS_HELLO, PREFACE) * 50, strict=True):
            with suppress(OSError):  # one too many
                peer.sendall(opening)
            yield 1
        yield 0
        for peer in peers:
            with suppress(OSError):
                while peer.recv(2**12):  # until the server has had enough
                    pass


def garbage(target: Target) -> Iterator[int]:
    """Bytes that mean nothing, and a proper beginning with such bytes behind it."""
    rng = random.Random(0)
    while True:
        for opening in (b"", PREFACE, PREFACE + bytes.fromhex("000000040000000000")):
            with socket.create_connection(target.end) as peer:
                _push(peer, opening + rng.randbytes(2**14))
                yield 1


def connects(target: Target) -> Iterator[int]:
    """Connections that are closed at once."""
    while True:
        socket.create_connection(target.end).close()
        yield 1


def never_joins(target: Target) -> Iterator[int]:
    """Ten connections with two hundred calls each, of which none ever says a word."""
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(target.address)) for _ in range(10)]
        for connection in connections:
            for _ in range(200):
                connection.call(_TRAIN)
                yield 1
        yield 0
        for connection in connections:
            _read_on(connection)


def half_messages(target: Target) -> Iterator[int]:
    """Calls whose first message, of the largest size that gRPC takes, lacks its last byte."""
    first = struct.pack(">BI", 0, target.largest) + bytes(target.largest - 1)
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(Connection(target.address, patience_s=0.02))
            for _ in range(4):
                with suppress(TimeoutError):  # as much as it is let
                    connection.write(connection.call(_TRAIN), first)
                yield 1
        yield 0
        signal.pause()


def many_streams(target: Target) -> Iterator[int]:
    """Calls on one connection, as many at a time as it takes, that join as no device there is."""
    join = framed(encode_join([10**6]))
    with Connection(target.address) as connection:
        while True:
            streams = [connection.call(_TRAIN) for _ in range(100)]
            for stream in streams:
                if connection.is_open(stream):
                    connection.write(stream, join)
            while any(map(connection.is_open, streams)):
                connection.read()
            yield len(streams)


def rapid_reset(target: Target) -> Iterator[int]:
    """Calls that are reset where they begin (CVE-2023-44487)."""
    with Connection(target.address) as connection:
        while True:
            connection.send(connection.calls_reset(_TRAIN, 100))
            yield 100


def pings(target: Target) -> Iterator[int]:
    """Pings."""
    with Connection(target.address) as connection:
        while True:
            connection.send(connection.pings(100))
            yield 100


def fetches(target: Target) -> Iterator[int]:
    """The dataset, over and over."""
    ask = framed(pb.FetchDatasetRequest(sha256=target.sha256).SerializeToString())
    with Connection(target.address) as connection:
        while True:
            stream = connection.call(_FETCH)
            connection.write(stream, ask)
            connection.end(stream)
            while connection.is_open(stream):
                connection.read()
            yield 1


def fetches_unread(target: Target) -> Iterator[int]:
    """The dataset eighty times at once, on connections that take nothing in."""
    ask = framed(pb.FetchDatasetRequest(sha256=target.sha256).SerializeToString())
    with ExitStack() as stack:
        for _ in range(10):
            connection = stack.enter_context(Connection(target.address, receive_buffer=4096))
            for _ in range(8):
                stream = connection.call(_FETCH)
                connection.write(stream, ask)
                connection.end(stream)
                yield 1
        yield 0
        signal.pause()


KINDS: dict[str, _Kind] = {
    "burst": burst,
    "too-large": too_large,
    "too-large-for-grpc": too_large_for_grpc,
    "endless-chunks": endless_chunks,
    "never-reads": never_reads,
    "half-open": half_open,
    "garbage": garbage,
    "connects": connects,
    "never-joins": never_joins,
    "half-messages": half_messages,
    "many-streams": many_streams,
    "rapid-reset": rapid_reset,
    "pings": pings,
    "fetches": fetches,
    "fetches-unread": fetches_unread,
}


def _push(peer: socket.socket, data: bytes) -> None:
    peer.settimeout(1.0)
    peer.sendall(data)
    while peer.recv(2**12):
        pass


def _read_on(connection: Connection) -> None:
    while True:
        connection.read()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("address")
    parser.add_argument("--device", type=int, default=0)
    parser.add_argument("--sha256", type=bytes.fromhex, default=b"")
    parser.add_argument("--largest", type=int, default=2**16)
    parser.add_argument(
        "--nice",
        action="store_true",
        help="on the lowest priority: as near as it comes to being on another host",
    )
    options = parser.parse_args()
    if options.nice:
        os.nice(19)
    target = Target(options.address, options.device, options.sha256, options.largest)
    done, said = 0, 0.0
    while True:
        try:
            for count in KINDS[options.kind](target):
                done += count
                if not count or time.monotonic() - said > 0.05:
                    said = time.monotonic()
                    print(done, flush=True)
        except OSError:  # turned away; another go
            print(done, flush=True)
            time.sleep(0.01)


if __name__ == "__main__":
    _main()
