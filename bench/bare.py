"""A bare grpc.aio stream loop: moves given numbers of bytes each round and does nothing else.

The bar for the whole system. A server writes `down` bytes to each of N streams, waits
for `up` bytes from each, and goes on with the next round; each client is a process.

    python -m bench.bare server --clients 10 --rounds 300 --down 1000 --up 1000
    python -m bench.bare client HOST:PORT --up 1000
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from typing import Any

import grpc
import grpc.aio
import uvloop

__all__ = ["bare_rounds_per_second"]

_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_METHOD = "/bench.Bare/Loop"


def bare_rounds_per_second(clients: int, rounds: int, down: int, up: int) -> float:
    """Rounds a second of the loop with these many client processes and bytes per message."""
    arguments = [f"--clients={clients}", f"--rounds={rounds}", f"--down={down}", f"--up={up}"]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.bare", "server", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        command = [sys.executable, "-m", "bench.bare", "client", address, f"--up={up}"]
        devices = [subprocess.Popen(command) for _ in range(clients)]
        seconds: float = json.loads(server.stdout.readline())
        for device in devices:
            device.wait()
    return rounds / seconds


async def _serve(clients: int, rounds: int, down: int, up: int) -> None:
    contexts: list[grpc.aio.ServicerContext[bytes, bytes]] = []
    all_here, all_answered = asyncio.Event(), asyncio.Event()
    answers = 0

    async def loop(_: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        nonlocal answers
        await context.read()
        contexts.append(context)
        if len(contexts) == clients:
            all_here.set()
        while isinstance(data := await context.read(), bytes):
            assert len(data) == up
            answers += 1
            if answers == clients:
                all_answered.set()

    server = grpc.aio.server(options=_OPTIONS)
    handler: Any = grpc.stream_stream_rpc_method_handler(loop)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bench.Bare", {"Loop": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await all_here.wait()
    message = bytes(down)
    started = time.perf_counter()
    for _ in range(rounds):
        answers = 0
        await asyncio.gather(*(context.write(message) for context in contexts))
        await all_answered.wait()
        all_answered.clear()
    print(json.dumps(time.perf_counter() - started), flush=True)
    await asyncio.gather(*(context.write(b"") for context in contexts))  # the end
    await server.stop(5)


async def _answer(address: str, up: int) -> None:
    message = bytes(up)
    async with grpc.aio.insecure_channel(address, _OPTIONS) as channel:
        stream: Any = channel.stream_stream(_METHOD)()
        await stream.write(b"here")
        while await stream.read():
            await stream.write(message)
        await stream.done_writing()
        await stream.code()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("address", nargs="?", default="")
    for name in ("clients", "rounds", "down", "up"):
        parser.add_argument(f"--{name}", type=int, default=0)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.role == "server":
            runner.run(_serve(options.clients, options.rounds, options.down, options.up))
        else:
            runner.run(_answer(options.address, options.up))


if __name__ == "__main__":
    _main()
