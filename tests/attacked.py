"""A real server with honest devices, and hostile peers beside them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from cluster import Server, devices, serving, wait_until

from comlad.experiment import prepare, read_experiment
from comlad.wire import encode_dataset, transport_bound

__all__ = ["Attacked", "attacked", "done", "peer"]


class Attacked:
    """A server with its honest devices, and the rounds it has closed.

    Args:
        server: The server.
        options: What a hostile peer is told of it.
    """

    def __init__(self, server: Server, options: tuple[str, ...]) -> None:
        self.server, self.options = server, options
        self._process = psutil.Process(server.process.pid)
        self._read = 0

    def rounds(self) -> list[dict[str, Any]]:
        """Those since the last call."""
        with (self.server.out / "rounds.jsonl").open("rb") as file:
            file.seek(self._read)
            *whole, _ = file.read().split(b"\n")
        self._read += sum(len(line) + 1 for line in whole)
        return [json.loads(line) for line in whole]

    def memory(self) -> int:
        """The server's resident bytes."""
        return int(self._process.memory_info().rss)


@contextmanager
def attacked(tables: dict[str, Any], directory: Path, *honest: object) -> Iterator[Attacked]:
    """A server whose honest devices have gone some rounds."""
    prepared = prepare(read_experiment(tables))
    sha256 = encode_dataset(prepared.data.train).sha256.hex()
    options = ("--sha256", sha256, "--largest", str(transport_bound(prepared)))
    with serving(tables, directory) as server, devices(server.address, *honest):
        wait_until(lambda: server.rounds_closed() > 0, "the first round")
        yield Attacked(server, options)


@contextmanager
def peer(target: Attacked, kind: str, device: int | None) -> Iterator[Path]:
    """A hostile process; the file in which it says how much it has done."""
    log = target.server.out.parent / f"{kind}.log"
    command = [sys.executable, str(Path(__file__).parent / "hostile.py"), kind]
    command += [target.server.address, "--device", str(device or 0), *target.options]
    with log.open("w") as output, subprocess.Popen(command, stdout=output) as process:
        try:
            yield log
        finally:
            process.kill()


def done(log: Path) -> int:
    """How much it has done, as it says."""
    return max(map(int, log.read_text().split()), default=0)
