"""A hundred devices in two processes: one stream for each process, or one for each device.

python -m bench.per_process [--repeat 3]
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tomli_w
import uvloop
from threadpoolctl import threadpool_limits

from comlad_device._client import Client

_DEVICES, _ROUNDS = 100, 300
_EXPERIMENT: dict[str, Any] = {
    "name": "bench-streams",
    "rounds": _ROUNDS,
    "devices": {"count": _DEVICES, "tolerate": 30},
    "problem": {"kind": "linear-regression", "dimension": 100},
    "coding": {"kind": "cyclic", "load": 3},
    "compressor": {"kind": "random-sparsification", "keep": 30},
    "aggregator": {"kind": "trimmed-mean", "trim": 0.1, "before": [{"kind": "nnm"}]},
    "step": {"learning_rate": 3e-7},
}


def _rounds_per_second(command: list[str]) -> float:
    """Of a server with two device processes, started by the command with their ids appended."""
    with tempfile.TemporaryDirectory() as directory:
        experiment = Path(directory, "experiment.toml")
        experiment.write_text(tomli_w.dumps(_EXPERIMENT))
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "comlad_server", "--experiment", str(experiment)),
                *("--out", directory, "--listen", "127.0.0.1:0", "--json"),
                *("--log-level", "error"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["address"]
            halves = (f"0-{_DEVICES // 2 - 1}", f"{_DEVICES // 2}-{_DEVICES - 1}")
            devices = [
                subprocess.Popen([*command, "--server", address, "--device", ids]) for ids in halves
            ]
            for _ in server.stdout:
                pass
            for device in devices:
                device.wait()
        summary = json.loads(Path(directory, "summary.json").read_text())
    return float(_ROUNDS / summary["wall_seconds"])


async def _stream_each(server: str, first: int, last: int) -> None:
    """Serve each of these devices with a stream of its own."""
    clients = [Client(server, (device,)) for device in range(first, last + 1)]
    await asyncio.gather(*(client.run() for client in clients))


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3, help="pairs of runs; medians are shown")
    parser.add_argument("--server", help=argparse.SUPPRESS)
    parser.add_argument("--device", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.server:
        threadpool_limits(1)
        first, last = map(int, options.device.split("-"))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_stream_each(options.server, first, last))
        return
    shared, single = [], []
    for _ in range(options.repeat):  # in turns, so that a busy moment hits both
        program = [sys.executable, "-m", "comlad_device", "--log-level", "error"]
        shared.append(_rounds_per_second(program))
        single.append(_rounds_per_second([sys.executable, "-m", "bench.per_process"]))
    fast, slow = statistics.median(shared), statistics.median(single)
    print(f"{_DEVICES} devices in 2 processes, Q = 100, Com-LAD with nnm and trimmed mean")
    print(f"  a stream for each process  {fast:8.1f} rounds/s")
    print(f"  a stream for each device   {slow:8.1f} rounds/s")
    print(f"  ratio                      {fast / slow:8.2f}")


if __name__ == "__main__":
    _main()
