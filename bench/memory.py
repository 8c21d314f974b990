"""The server's peak memory beside what it must hold, and that of its largest device process.

A server must hold the model and the messages of a round. Both are measured from when it
waits for its devices, with the program and the problem's own data in memory.

python -m bench.memory [--rounds 4] [--case NAME]...
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomli_w

_SPARSE = {"kind": "random-sparsification", "keep": 0.01}
# N, Q, devices in a process, and how vectors are compressed.
_CASES: dict[str, tuple[int, int, int, dict[str, Any]]] = {
    "sparse": (100, 10**6, 25, _SPARSE),
    "sparse, more processes": (100, 10**6, 5, _SPARSE),
    "large and sparse": (4, 10**7, 1, _SPARSE),
    "large and dense": (4, 10**7, 1, {"kind": "identity"}),
}


def _experiment(count: int, dimension: int, compressor: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "bench-memory",
        "devices": {"count": count, "deadline_s": 600.0},
        "problem": {"kind": "quadratic", "dimension": dimension},
        "compressor": compressor,
        "aggregator": {"kind": "trimmed-mean", "trim": 0.1 if count >= 10 else 1},
        "step": {"learning_rate": 0.1},
    }


def _measure(
    count: int, dimension: int, per_process: int, compressor: dict[str, Any], rounds: int
) -> dict[str, float]:
    """Bytes that are in memory, and that must be."""
    with tempfile.TemporaryDirectory() as directory:
        experiment = Path(directory, "experiment.toml")
        tables = {"rounds": rounds} | _experiment(count, dimension, compressor)
        experiment.write_text(tomli_w.dumps(tables))
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
            waiting = _memory(server, "VmRSS")
            devices = [
                subprocess.Popen(
                    [
                        *(sys.executable, "-m", "comlad_device", "--log-level", "error"),
                        *("--server", address, "--device", f"{first}-{first + per_process - 1}"),
                    ]
                )
                for first in range(0, count, per_process)
            ]
            peaks: dict[subprocess.Popen[Any], int] = dict.fromkeys([server, *devices], 0)
            try:
                while server.poll() is None:
                    for process, peak in peaks.items():
                        peaks[process] = max(peak, _memory(process, "VmHWM"))
                    time.sleep(0.02)
            finally:  # they would wait for a server for ever
                for device in devices:
                    device.terminate()
                    device.wait()
        summary = json.loads(Path(directory, "summary.json").read_text())
    messages = summary["bytes"]["up"]["message"] / rounds
    return {
        "model": 8.0 * dimension,
        "messages": messages,
        "waiting": waiting,
        "peak": peaks.pop(server),
        "device": max(peaks.values()),
        "seconds": summary["wall_seconds"] / rounds,
    }


def _memory(process: subprocess.Popen[Any], field: str) -> int:
    """A field of /proc/PID/status in bytes; 0 of a process that is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return 1024 * int(line.split()[1])
    return 0


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--case", action="append", choices=_CASES)
    options = parser.parse_args()
    print("MB of 10^6 bytes; ratio: (peak - waiting) / (model + messages)")
    print(
        f"{'':24}{'N':>4}{'Q':>9}{'model':>7}{'messages':>9}"
        f"{'waiting':>8}{'peak':>6}{'ratio':>6}{'device':>7}{'s/round':>8}"
    )
    for name in options.case or _CASES:
        count, dimension, *_ = _CASES[name]
        found = _measure(*_CASES[name], options.rounds)
        ratio = (found["peak"] - found["waiting"]) / (found["model"] + found["messages"])
        print(
            f"{name:24}{count:>4}{dimension:>9}{found['model'] / 1e6:>7.1f}"
            f"{found['messages'] / 1e6:>9.1f}{found['waiting'] / 1e6:>8.0f}"
            f"{found['peak'] / 1e6:>6.0f}{ratio:>6.2f}{found['device'] / 1e6:>7.0f}"
            f"{found['seconds']:>8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    _main()
