"""The link layer, where every program has a network namespace of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cluster import PATIENCE_S, read_rounds, wait_until

from comlad.config import with_assignments
from comlad.errors import ConfigError
from comlad.experiment import Prepared, prepare, read_experiment
from comlad_deploy.inprocess import run_inprocess
from comlad_deploy.namespaces import check_means
from comlad_deploy.networks import shaped_network
from comlad_deploy.processes import process_count, run_processes
from comlad_server.results import Results

try:
    check_means()
    CANNOT = ""
except ConfigError as error:
    CANNOT = f"NOT TESTED HERE: {error}"

pytestmark = [pytest.mark.integration, pytest.mark.skipif(bool(CANNOT), reason=CANNOT)]

RATE = 20_000_000
DENSE: dict[str, Any] = {
    "name": "dense",
    "rounds": 8,
    "devices": {"count": 3, "deadline_s": PATIENCE_S},
    "problem": {"kind": "linear-regression", "dimension": 10_000},
    "compressor": {"kind": "identity"},
    "step": {"learning_rate": 1e-9},
}
LAYERS = ("payload", "message", "tcp", "link")

# Ethernet, IPv4, and TCP with timestamps.
HEADERS = 14 + 20 + 32


class Run(NamedTuple):
    prepared: Prepared
    summary: dict[str, Any]
    rounds: list[dict[str, Any]]
    counters: dict[str, dict[str, int]]


def experiment(*assignments: str) -> Prepared:
    return prepare(read_experiment(with_assignments(DENSE, assignments)))


def counters(holder: int) -> dict[str, dict[str, int]]:
    """What all interfaces in a namespace have carried; up is what they received."""
    result = {"up": {"bytes": 0, "packets": 0}, "down": {"bytes": 0, "packets": 0}}
    for line in Path(f"/proc/{holder}/net/dev").read_text().splitlines()[2:]:
        name, _, numbers = line.partition(":")
        if name.strip() != "lo":
            for direction, column in (("up", 0), ("down", 8)):
                for offset, key in enumerate(("bytes", "packets")):
                    result[direction][key] += int(numbers.split()[column + offset])
    return result


def in_namespaces(prepared: Prepared, out: Path, per_process: int = 1, **rates: str) -> Run:
    with shaped_network(process_count(prepared.experiment, per_process), **rates) as network:
        work = run_processes(prepared, out, per_process, network=network)
        summary = asyncio.run(work)
        return Run(prepared, summary, read_rounds(out), counters(network.server))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("shaped")
    return in_namespaces(experiment(), out, uplink="20mbit", downlink="20mbit")


def test_says_that_nothing_is_encrypted(run: Run) -> None:
    assert run.summary["transport"] == "insecure"


@pytest.mark.parametrize("direction", ["up", "down"])
class TestEveryLayer:
    def test_is_at_least_the_one_before_in_every_round(self, run: Run, direction: str) -> None:
        for record in [*run.rounds, run.summary]:
            totals = [record["bytes"][direction][layer] for layer in LAYERS]
            assert totals == sorted(totals)
            devices = record["devices"][direction]
            for layers in zip(*(devices[layer] for layer in LAYERS), strict=True):
                assert layers == tuple(sorted(layers))

    def test_agrees_with_what_the_namespace_says(self, run: Run, direction: str) -> None:
        said = run.counters[direction]
        outside = run.summary["setup"][direction]
        counted = {
            layer: sum(run.summary["devices"][direction][layer]) + outside[layer]
            for layer in ("tcp", "link")
        }

        assert counted["link"] <= said["bytes"]
        assert counted["link"] == pytest.approx(said["bytes"], rel=0.01)
        without_headers = said["bytes"] - HEADERS * said["packets"]
        assert counted["tcp"] == pytest.approx(without_headers, rel=0.01)

    def test_carries_packets_as_long_as_those_of_a_wire(self, run: Run, direction: str) -> None:
        overhead, link = run.summary["overhead"][direction], run.summary["bytes"][direction]["link"]

        assert link / 1514 <= overhead["packets"] <= 2.5 * link / 1514
        assert overhead["packet_headers"] == pytest.approx(HEADERS * overhead["packets"], rel=0.05)

    def test_knows_where_the_bytes_around_messages_went(self, run: Run, direction: str) -> None:
        overhead, total = run.summary["overhead"][direction], run.summary["bytes"][direction]

        assert overhead["messages"] == 8 * 3
        assert overhead["grpc_prefix"] == 5 * 8 * 3
        assert 0 <= overhead["rest"] <= 0.01 * total["tcp"]

    def test_takes_at_least_the_time_that_its_rate_allows(self, run: Run, direction: str) -> None:
        bucket = RATE / 8 * 0.002
        seconds = sum(
            8 * max(0.0, max(record["devices"][direction]["link"]) - bucket) / RATE
            for record in run.rounds
        )

        assert run.summary["wall_seconds"] >= seconds > 0.2


def test_reaches_the_model_of_one_process(run: Run, tmp_path: Path) -> None:
    with Results(tmp_path, run.prepared.experiment) as results:
        alone = run_inprocess(run.prepared, results)

    assert run.summary["model_sha256"] == alone["model_sha256"]
    for direction in ("up", "down"):
        for layer in ("payload", "message"):
            assert run.summary["bytes"][direction][layer] == alone["bytes"][direction][layer]


def test_has_one_cpu_take_in_what_an_interface_receives() -> None:
    file = "/sys/class/net/eth0/queues/rx-0/rps_cpus"
    command = ["unshare", "--mount", "sh", "-c", f"mount -t sysfs sysfs /sys && cat {file}"]

    with shaped_network(1) as network:
        read = subprocess.run(
            network.on_device(0, command), capture_output=True, text=True, check=False
        )

    if read.returncode:
        pytest.skip(f"NOT TESTED HERE: {read.stderr}")
    assert int(read.stdout, 16) == 1


def test_belongs_to_the_devices_that_share_a_link(tmp_path: Path) -> None:
    summary = in_namespaces(experiment("rounds=2"), tmp_path, per_process=3).summary

    (stream,) = summary["streams"]
    assert "link" not in summary["devices"]["up"]
    assert stream["up"]["link"] == summary["bytes"]["up"]["link"] > stream["up"]["tcp"]


HOLD = """
import sys
from comlad_deploy.networks import shaped_network
with shaped_network(2, "10mbit") as network:
    print(network.server, *network.devices, flush=True)
    {what}
"""


def inhabitants(namespace: str) -> list[str]:
    """The processes in a network namespace."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns" / "net") == namespace:
                found.append(process.name)
        except OSError:
            pass  # it has ended
    return found


def interfaces() -> list[str]:
    return [entry["ifname"] for entry in json.loads(subprocess.check_output(["ip", "-j", "link"]))]


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("sys.stdin.read()", signal.SIGINT),
        ("sys.stdin.read()", signal.SIGTERM),
        ("sys.stdin.read()", signal.SIGKILL),
        ("raise OSError", None),
        ("pass", None),
    ],
)
def test_leaves_no_namespace_behind(what: str, number: signal.Signals | None) -> None:
    before = interfaces()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD.replace("{what}", f"sys.stdin.readline(); {what}")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as launcher:  # fmt: skip
        assert launcher.stdin is not None
        assert launcher.stdout is not None
        holders = launcher.stdout.readline().split()
        namespaces = [os.readlink(f"/proc/{holder}/ns/net") for holder in holders]
        assert len({*namespaces, os.readlink("/proc/self/ns/net")}) == 4
        assert interfaces() == before

        launcher.stdin.write("\n")
        launcher.stdin.flush()
        if number is not None:
            launcher.send_signal(number)
        launcher.wait(PATIENCE_S)

    wait_until(lambda: not any(map(inhabitants, namespaces)), "the namespaces to go")
    assert interfaces() == before
