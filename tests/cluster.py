"""Servers and devices as processes, for tests that need the real thing."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import tomli_w

# How long a test waits for anything before it gives up: far more than anything takes.
PATIENCE_S = 60.0

DIGITS: dict[str, Any] = {
    "name": "digits",
    "rounds": 25,
    "devices": {"count": 10, "byzantine": 3},
    "problem": {"kind": "softmax-regression"},
    "coding": {"kind": "cyclic", "load": 3},
    "compressor": {"kind": "random-sparsification", "keep": 0.3},
    "aggregator": {"kind": "trimmed-mean", "trim": 0.2, "before": [{"kind": "nnm"}]},
    "attack": {"kind": "sign-flip", "factor": -2.0},
    "step": {"learning_rate": 0.5},
}

SMALL: dict[str, Any] = {
    "name": "small",
    "rounds": 10,
    "devices": {"count": 4, "deadline_s": PATIENCE_S},
    "problem": {"kind": "linear-regression", "dimension": 20},
    "step": {"learning_rate": 1e-6},
}


def write_experiment_file(directory: Path, tables: dict[str, Any]) -> Path:
    """An experiment file in a directory."""
    path = directory / f"{tables['name']}.toml"
    path.write_text(tomli_w.dumps(tables))
    return path


def comlad(*arguments: object) -> list[str]:
    """The comlad command's words."""
    return [sys.executable, "-m", "comlad_deploy.cli", *map(str, arguments)]


def run_comlad(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the comlad command to its end."""
    return subprocess.run(
        comlad(*arguments), capture_output=True, text=True, check=False, timeout=200, **options
    )


def run_summary(experiment: Path, out: Path, *arguments: object) -> dict[str, Any]:
    """Run an experiment file to its end; its summary."""
    done = run_comlad("run", experiment, "--out", out, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def read_rounds(out: Path) -> list[dict[str, Any]]:
    """The lines of rounds.jsonl."""
    return [json.loads(line) for line in (out / "rounds.jsonl").read_text().splitlines()]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition that nothing announces."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


class Server:
    """A comlad-server process.

    Args:
        experiment: A file.
        out: Where it writes.
        listen: HOST:PORT.
        options: More words of its command.
        keys: For TLS, as --keys takes them.
    """

    def __init__(
        self,
        experiment: Path,
        out: Path,
        listen: str = "127.0.0.1:0",
        options: Sequence[object] = (),
        keys: Path | None = None,
    ) -> None:
        self.out = out
        if keys is not None:
            options = ["--keys", keys, *options]
        self._log = out.parent / "server.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "comlad_server", "--experiment", str(experiment)),
                    *("--out", str(out), "--listen", listen, "--json", "--log-level", "warning"),
                    *map(str, options),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.address: str = json.loads(line)["address"] if line else ""

    def finish(self) -> dict[str, Any]:
        """Wait for the end of the run; the summary."""
        status, errors = self.end()
        assert status == 0, errors
        summary: dict[str, Any] = json.loads((self.out / "summary.json").read_text())
        return summary

    def end(self) -> tuple[int, str]:
        """Wait for the end of the process; its status and what it wrote to stderr."""
        self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, self._log.read_text()

    def says(self, text: str) -> bool:
        """Whether the server has written this to stderr."""
        return text in self._log.read_text()

    def rounds_closed(self) -> int:
        path = self.out / "rounds.jsonl"
        return path.read_text().count("\n") if path.exists() else 0


@contextmanager
def serving(
    tables: dict[str, Any],
    directory: Path,
    *options: object,
    listen: str = "127.0.0.1:0",
    keys: Path | None = None,
) -> Iterator[Server]:
    """A server for an experiment, which is ended with the block."""
    file = write_experiment_file(directory, tables)
    server = Server(file, directory / "out", listen, options, keys)
    try:
        yield server
    finally:
        _end(server.process)


@contextmanager
def devices(
    address: str,
    *ids: object,
    options: Sequence[object] = (),
    keys: Path | None = None,
    program: str = "comlad_device",
) -> Iterator[list[subprocess.Popen[str]]]:
    """A comlad-device process for each of the given --device options; None: without it."""
    if keys is not None:
        options = ["--keys", keys, *options]
    with ExitStack() as stack:
        processes = []
        for device in ids:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", program, "--server", address),
                    *(() if device is None else ("--device", str(device))),
                    *map(str, options),
                ],
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(_end, process)
            processes.append(process)
        yield processes


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate()
