"""Server and devices as hosts of their own: links that are cut, programs that are killed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cluster import PATIENCE_S, run_summary, wait_until, write_experiment_file

from comlad.errors import ConfigError
from comlad_deploy.namespaces import check_means
from comlad_deploy.networks import Network, shaped_network

try:
    check_means()
    CANNOT = ""
except ConfigError as error:
    CANNOT = f"NOT TESTED HERE: {error}"

pytestmark = [pytest.mark.integration, pytest.mark.skipif(bool(CANNOT), reason=CANNOT)]

# Vectors of 8 kB take a link of 2 Mbit/s 30 ms: so many rounds pass while something happens.
UPLINK = "2mbit"
EXPERIMENT: dict[str, Any] = {
    "name": "hosts",
    "rounds": 10**6,  # the last server is told how many
    "devices": {"count": 5, "byzantine": [4], "deadline_s": 1.0},
    "problem": {"kind": "quadratic", "dimension": 2000},
    "compressor": {"kind": "identity"},
    "aggregator": {"kind": "centered-clipping"},
    "attack": {"kind": "sign-flip"},
    "step": {"learning_rate": 1e-3},
}


class Cluster:
    """A server and five devices, each in a network namespace.

    Args:
        stack: Ends what is started.
        network: Joins them.
        directory: Of everything.
        keys: Of everybody.
    """

    def __init__(self, stack: ExitStack, network: Network, directory: Path, keys: Path) -> None:
        self.file = write_experiment_file(directory, EXPERIMENT)
        self.out = directory / "out"
        self.network, self._stack, self._keys = network, stack, keys
        self._log = stack.enter_context((directory / "log").open("w"))

    def server(self, *options: object) -> subprocess.Popen[bytes]:
        words = ["--experiment", self.file, "--out", self.out, "--listen", "0.0.0.0:5757"]
        words += ["--resume", "--checkpoint-every", 10, *options]
        return self._start(self.network.on_server(self._program("comlad_server", *words)))

    def device(self, index: int) -> subprocess.Popen[bytes]:
        liar = ["--attack", "sign-flip"] if index == 4 else []
        program = "comlad_device.byzantine" if liar else "comlad_device"
        address = f"{self.network.server_host(index)}:5757"
        command = self._program(program, "--server", address, *liar, "--device", index)
        return self._start(self.network.on_device(index, command))

    def rounds(self) -> list[dict[str, Any]]:
        """Those that are closed and written wholly."""
        path = self.out / "rounds.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line[-1] == "\n"]

    def until_rounds(self, count: int) -> None:
        """Wait for so many rounds from now on."""
        goal = len(self.rounds()) + count
        wait_until(lambda: len(self.rounds()) >= goal, f"{count} rounds")

    def until_missed(self, device: int) -> None:
        wait_until(lambda: device in self.rounds()[-1]["missing"], f"device {device} to be missed")

    def until_back(self, device: int) -> None:
        wait_until(lambda: device not in self.rounds()[-1]["missing"], f"device {device} back")

    def log(self) -> str:
        return Path(self._log.name).read_text()

    def _program(self, module: str, *words: object) -> list[str]:
        return [sys.executable, "-m", module, "--keys", str(self._keys), *map(str, words)]

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self._log)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@pytest.fixture
def cluster(tmp_path: Path, keys: Path) -> Iterator[Cluster]:
    with shaped_network(5, uplink=UPLINK) as network, ExitStack() as stack:
        yield Cluster(stack, network, tmp_path, keys)


def test_a_run_survives_links_that_are_cut_and_hosts_that_die(cluster: Cluster) -> None:
    server = cluster.server()
    devices = {index: cluster.device(index) for index in range(5)}
    wait_until(lambda: len(cluster.rounds()) > 10, "some rounds")

    cluster.network.cut(0)
    cluster.until_missed(0)
    cluster.until_rounds(5)
    cluster.network.restore(0)
    cluster.until_back(0)

    devices[1].kill()
    cluster.until_missed(1)
    devices[1].wait()
    devices[1] = cluster.device(1)
    cluster.until_back(1)

    server.kill()
    server.wait()
    rounds = f"rounds={len(cluster.rounds()) + 20}"
    server = cluster.server("--set", rounds)
    statuses = [process.wait(PATIENCE_S) for process in (server, *devices.values())]

    assert statuses == [0] * 6, cluster.log()
    summary = json.loads((cluster.out / "summary.json").read_text())
    missing = [device for record in cluster.rounds() for device in record["missing"]]
    assert summary["transport"] == "mtls"
    assert len(summary["resumed"]) == 1
    assert {0, 1} <= set(missing)
    assert missing.count(0) > 5
    assert not any(record["refused"] for record in cluster.rounds())
    assert cluster.rounds()[-1]["missing"] == []
    replayed = run_summary(
        *(cluster.file, cluster.out.parent / "replayed", "--engine", "inprocess"),
        *("--attendance", cluster.out / "rounds.jsonl", "--set", rounds),
    )
    assert replayed["model_sha256"] == summary["model_sha256"]
