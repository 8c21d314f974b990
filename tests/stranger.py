"""A device that knows the .proto files and nothing else: it never imports comlad.

Run as a program it is a malicious device as an experiment's `[attack] command` starts
it: it asks for the address and its id in the environment, and answers every round with
the largest float32 in every coordinate.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTO = Path(__file__).parent.parent / "proto"


@cache
def messages() -> dict[str, Any]:
    """The message classes of the .proto files, by full name, compiled here and now."""
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory, "descriptors")
        sources = sorted(str(path) for path in PROTO.rglob("*.proto"))
        subprocess.run(
            [
                *(sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO}"),
                *(f"--descriptor_set_out={target}", "--include_imports", *sources),
            ],
            check=True,
        )
        files = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClassesForFiles([file.name for file in files.file], pool)


def request(**event: Any) -> Any:
    """A TrainRequest."""
    return messages()["comlad.v1.TrainRequest"](**event)


def open_channel(address: str, keys: Path | None = None) -> grpc.Channel:
    """A channel of its own to a server."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    if keys is None:
        return grpc.insecure_channel(address, options)
    ca, key, certificate = ((keys / f"{name}.pem").read_bytes() for name in ("ca", "key", "cert"))
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    name = ("grpc.ssl_target_name_override", "comlad-server")
    return grpc.secure_channel(address, credentials, [*options, name])


class Stranger:
    """One Train stream, driven by hand.

    Args:
        address: HOST:PORT of the server.
        ids: The devices to join as; none to join by hand.
        keys: The directory with its key, for TLS.
    """

    def __init__(self, address: str, ids: list[int] | None = None, keys: Path | None = None):
        self._outgoing: SimpleQueue[bytes | None] = SimpleQueue()
        self._channel = open_channel(address, keys)
        train: Any = self._channel.stream_stream("/comlad.v1.TrainingService/Train")
        self.call = train(self._sent(), wait_for_ready=True, timeout=120)
        if ids is not None:
            self.send(request(join={"device_ids": ids}))
            self.welcome = self.read().welcome
            self.send(request(ready={}))

    def send(self, message: Any) -> None:
        """Send a message, or bytes that may be none."""
        data = message if isinstance(message, bytes) else message.SerializeToString()
        self._outgoing.put(data)

    def read(self) -> Any:
        """The server's next message."""
        return messages()["comlad.v1.TrainResponse"].FromString(next(self.call))

    def read_round(self) -> Any:
        """The next Round, after any refusals of what came too late."""
        while (response := self.read()).WhichOneof("event") != "round":
            assert response.WhichOneof("event") == "refusal", response
        return response.round

    def close(self) -> None:
        self._outgoing.put(None)
        self.call.cancel()
        self._channel.close()

    def __enter__(self) -> "Stranger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sent(self) -> Iterator[bytes]:
        while (data := self._outgoing.get()) is not None:
            yield data


def _attack() -> None:
    import struct

    with Stranger(os.environ["COMLAD_SERVER"], [int(os.environ["COMLAD_DEVICE"])]) as device:
        values = struct.pack("<d", 3.4e38) * device.welcome.dimension
        while (response := device.read()).WhichOneof("event") != "finished":
            if response.WhichOneof("event") == "round":
                asked = response.round
                part = {"slot": 0, "dense": {"float64": values}}
                reply = {"round": asked.round, "plan": asked.plan, "parts": [part]}
                device.send(request(reply=reply))


if __name__ == "__main__":
    _attack()
