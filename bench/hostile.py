"""What peers that mean harm cost the honest: rounds a second, and the server's memory.

Eight honest devices in two processes run with and without each kind of tests/hostile.py,
each against a server of its own. A peer has the lowest priority, but shares the cores with
everybody, and rounds wait for one that is a device and answers: "a busy loop" is a process
that only computes, "an honest device" a ninth one, for comparison.

python -m bench.hostile [--seconds 5] [--kind KIND]...
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import tomli_w

from comlad.experiment import prepare, read_experiment
from comlad.wire import encode_dataset, transport_bound

_HONEST, _HOSTILE = 8, 8  # how many, and the id of the other one
_TABLES: dict[str, Any] = {
    "name": "bench-hostile",
    "rounds": 10**7,
    "devices": {"count": 9, "byzantine": [_HOSTILE], "quorum": _HONEST, "deadline_s": 0.5},
    "problem": {"kind": "linear-regression", "dimension": 100},
    "attack": {"kind": "sign-flip"},
    "step": {"learning_rate": 1e-9},
}
_BUSY = "import os; os.nice(19)\nwhile True: pass"
_HONEST_TOO = "import os; os.nice(19)\nfrom comlad_device.cli import main\nmain()"
_CONTROLS = {"a busy loop": _BUSY, "an honest device": _HONEST_TOO}
_PROGRAM = Path(__file__).parent.parent / "tests" / "hostile.py"
_KINDS = (
    "burst",
    "too-large",
    "too-large-for-grpc",
    "endless-chunks",
    "never-reads",
    "half-open",
    "garbage",
    "connects",
    "never-joins",
    "half-messages",
    "many-streams",
    "rapid-reset",
    "pings",
    "fetches",
    "fetches-unread",
)


class _Cluster:
    """A server with its honest devices."""

    def __init__(self, directory: Path) -> None:
        experiment = directory / "experiment.toml"
        experiment.write_text(tomli_w.dumps(_TABLES))
        command = [sys.executable, "-m", "comlad_server", "--experiment", str(experiment)]
        command += ["--out", str(directory), "--listen", "127.0.0.1:0", "--json"]
        with (directory / "server.log").open("w") as log:
            self._server = subprocess.Popen(
                [*command, "--log-level", "warning"], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._server.stdout is not None
        self.address = json.loads(self._server.stdout.readline())["address"]
        self._devices: list[subprocess.Popen[Any]] = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "comlad_device", "--server", self.address),
                    *("--device", ids, "--log-level", "error"),
                ]
            )
            for ids in ("0-3", "4-7")
        ]
        self._process = psutil.Process(self._server.pid)
        self._file = directory / "rounds.jsonl"
        self._read = self._closed = 0
        while self.closed() < 100:
            time.sleep(0.05)

    def closed(self) -> int:
        """Rounds so far."""
        with self._file.open("rb") as file:
            file.seek(self._read)
            came = file.read()
        self._read += len(came)
        self._closed += came.count(b"\n")
        return self._closed

    def watch(self, seconds: float) -> tuple[float, int]:
        """Rounds a second from now on, and the most memory meanwhile."""
        most, closed, started = 0, self.closed(), time.monotonic()
        while time.monotonic() - started < seconds:
            most = max(most, self._process.memory_info().rss)
            time.sleep(0.01)
        return (self.closed() - closed) / (time.monotonic() - started), most

    def end(self) -> None:
        for process in [self._server, *self._devices]:
            process.kill()
            process.communicate()


@contextmanager
def _peer(kind: str, cluster: _Cluster, options: list[str]) -> Iterator[None]:
    if kind in _CONTROLS:
        command = [sys.executable, "-c", _CONTROLS[kind], "--server", cluster.address]
        command += ["--device", str(_HOSTILE), "--log-level", "error"]
    else:
        command = [sys.executable, str(_PROGRAM), kind, cluster.address, "--nice", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        time.sleep(1.0)  # it starts
        try:
            yield
        finally:
            process.kill()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="for each of the two")
    parser.add_argument("--kind", action="append", choices=(*_CONTROLS, *_KINDS))
    arguments = parser.parse_args()
    prepared = prepare(read_experiment(_TABLES))
    options = ["--device", str(_HOSTILE), "--largest", str(transport_bound(prepared))]
    options += ["--sha256", encode_dataset(prepared.data.train).sha256.hex()]
    print(f"{_HONEST} honest devices in 2 processes, {os.cpu_count()} cores; rounds a second, MB")
    print(f"{'':20}{'without':>9}{'with':>7}{'ratio':>7}{'memory':>8}{'most':>7}{'log lines':>11}")
    for kind in arguments.kind or (*_CONTROLS, *_KINDS):
        with tempfile.TemporaryDirectory() as directory:
            cluster = _Cluster(Path(directory))
            try:
                alone, memory = cluster.watch(arguments.seconds)
                with _peer(kind, cluster, options):
                    beside, most = cluster.watch(arguments.seconds)
            finally:
                cluster.end()
            lines = Path(directory, "server.log").read_text().count("\n")
        numbers = f"{alone:>9.0f}{beside:>7.0f}{beside / alone:>7.2f}"
        print(f"{kind:20}{numbers}{memory / 1e6:>8.0f}{most / 1e6:>7.0f}{lines:>11}", flush=True)


if __name__ == "__main__":
    _main()
