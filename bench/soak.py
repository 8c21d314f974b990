"""Whether a server's memory stays what it is: twenty devices, ten thousand rounds.

Everything that a server does beside training is on: checkpoints, metrics, the table.

python -m bench.soak [--rounds 10000]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import tomli_w

__all__ = ["memory_by_round"]

_TABLES: dict[str, Any] = {
    "name": "bench-soak",
    "devices": {"count": 20, "byzantine": 4, "deadline_s": 60.0},
    "problem": {"kind": "linear-regression", "dimension": 100},
    "coding": {"kind": "cyclic", "load": 2},
    "compressor": {"kind": "random-sparsification", "keep": 0.3},
    "aggregator": {"kind": "trimmed-mean", "trim": 4, "before": [{"kind": "nnm"}]},
    "attack": {"kind": "sign-flip"},
    "step": {"learning_rate": 3e-7},
}
_BESIDE = ("--checkpoint-every", "50", "--metrics", "127.0.0.1:0", "--table", "5")


def memory_by_round(rounds: int, every: int) -> dict[int, int]:
    """The server's resident bytes after every so many rounds of so many, but the last ones.

    The devices are honest, five to a process.
    """
    with tempfile.TemporaryDirectory() as directory:
        experiment = Path(directory, "experiment.toml")
        experiment.write_text(tomli_w.dumps(_TABLES | {"rounds": rounds}))
        command = [sys.executable, "-m", "comlad_server", "--experiment", str(experiment)]
        command += ["--out", directory, "--listen", "127.0.0.1:0", "--json"]
        with subprocess.Popen(
            [*command, *_BESIDE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["address"]
            devices: list[subprocess.Popen[Any]] = [
                subprocess.Popen(
                    [
                        *(sys.executable, "-m", "comlad_device", "--server", address),
                        *("--device", f"{first}-{first + 4}", "--log-level", "error"),
                    ]
                )
                for first in range(0, 20, 5)
            ]
            try:
                return _watch(psutil.Process(server.pid), Path(directory, "rounds.jsonl"), every)
            finally:
                for process in [server, *devices]:
                    process.kill()
                    process.wait()


def _watch(server: psutil.Process, file: Path, every: int) -> dict[int, int]:
    """Memory by how many rounds had been closed when it was read."""
    found: dict[int, int] = {}
    read = closed = 0
    while server.status() != psutil.STATUS_ZOMBIE:
        memory = server.memory_info().rss
        if file.exists():
            with file.open("rb") as lines:
                lines.seek(read)
                came = lines.read()
            read += len(came)
            closed += came.count(b"\n")
        due = every * (len(found) + 1)
        if closed >= due and memory:
            found[due] = memory
        time.sleep(0.02)
    return found


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10_000)
    options = parser.parse_args()
    started = time.perf_counter()
    found = memory_by_round(options.rounds, options.rounds // 10)
    print(f"{'rounds':>8}{'MB':>8}{'ratio':>8}")
    first = next(iter(found.values()))
    for closed, memory in found.items():
        print(f"{closed:>8}{memory / 1e6:>8.2f}{memory / first:>8.4f}")
    print(f"{options.rounds} rounds in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    _main()
