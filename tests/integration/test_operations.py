"""What a running server shows: health, reflection, metrics, comlad watch, JSON logs."""

import json
import signal
import subprocess
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import pytest
from cluster import PATIENCE_S, SMALL, Server, comlad, devices, read_rounds, serving, wait_until
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from comlad_deploy.watch import Options, WatchError, _follow, watch

pytestmark = pytest.mark.integration

TRAINING, WATCH = "comlad.v1.TrainingService", "comlad.v1.WatchService"


@dataclass(frozen=True)
class Observed:
    """What a server showed of a short run, from before its first round to its end."""

    health: list[int]  # "", the training and the watch service, before; then as it was watched
    services: set[str]
    described: list[bytes]
    states: list[dict[str, Any]]
    watch_status: int
    summary: dict[str, Any]
    log: list[dict[str, Any]]
    device_log: list[dict[str, Any]]
    address: str


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    options = ("--log-format", "json", "--log-level", "info")
    directory = tmp_path_factory.mktemp("observed")
    request = health_pb2.HealthCheckRequest
    with ExitStack() as stack:
        server = stack.enter_context(serving(SMALL, directory, *options, "--table", "3600"))
        watcher = subprocess.Popen(
            comlad("watch", server.address, "--json"), stdout=subprocess.PIPE, text=True
        )
        stack.callback(watcher.communicate, timeout=PATIENCE_S)
        assert watcher.stdout is not None
        first = watcher.stdout.readline()
        channel = stack.enter_context(grpc.insecure_channel(server.address))
        health: Any = health_pb2_grpc.HealthStub(channel)
        checked = [health.Check(request(service=name)).status for name in ("", TRAINING, WATCH)]
        statuses = health.Watch(request(service=TRAINING))
        checked.append(next(statuses).status)
        services, described = reflected(channel)
        with devices(server.address, "0-3", options=options) as (process,):
            checked += [status.status for status in statuses]
            summary = server.finish()
            rest, _ = watcher.communicate(timeout=PATIENCE_S)
            _, device_log = process.communicate(timeout=PATIENCE_S)
        return Observed(
            checked,
            services,
            described,
            list(map(json.loads, [first, *rest.splitlines()])),
            watcher.returncode,
            summary,
            list(map(json.loads, server.end()[1].splitlines())),
            list(map(json.loads, device_log.splitlines())),
            server.address,
        )


def reflected(channel: grpc.Channel) -> tuple[set[str], list[bytes]]:
    """The services that a server lists, and the file that each of ours is in."""
    ask = reflection_pb2.ServerReflectionRequest
    requests = [ask(list_services=""), *(ask(file_containing_symbol=s) for s in (TRAINING, WATCH))]
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    listed, *found = reflection.ServerReflectionInfo(iter(requests))
    names = {service.name for service in listed.list_services_response.service}
    files = [answer.file_descriptor_response.file_descriptor_proto for answer in found]
    return names, [file for some in files for file in some]


def next_event(server: Server) -> dict[str, Any]:
    assert server.process.stdout is not None
    event: dict[str, Any] = json.loads(server.process.stdout.readline())
    return event


def watched_once(server: Server, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    watch(Options(server.address, once=True, as_json=True))
    state: dict[str, Any] = json.loads(capsys.readouterr().out)
    return state


def scraped(address: str) -> dict[tuple[str, ...], float]:
    with urlopen(f"http://{address}/metrics") as response:
        text = response.read().decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_answers_health_checks_until_the_run_is_over(observed: Observed) -> None:
    up, down = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING

    assert observed.health == [up, up, up, up, down]


def test_lists_its_services_and_describes_them(observed: Observed) -> None:
    files = [FileDescriptorProto.FromString(data) for data in observed.described]

    assert {TRAINING, WATCH, "grpc.health.v1.Health"} < observed.services
    assert {"comlad/v1/training.proto", "comlad/v1/watch.proto"} <= {file.name for file in files}


def test_is_watched_to_its_end(observed: Observed) -> None:
    first, last = observed.states[0], observed.states[-1]

    assert observed.watch_status == 0
    assert (first["state"], first["closed_rounds"], first["loss"]) == ("waiting", 0, None)
    assert (last["state"], last["closed_rounds"]) == ("finished", SMALL["rounds"])
    assert last["loss"] == observed.summary["loss"]["final"]
    assert last["bytes"] == observed.summary["bytes"]
    assert [device["answered"] for device in last["devices"]] == [SMALL["rounds"]] * 4


def test_is_said_not_to_be_there_when_it_has_gone(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_follow, "_ONCE_S", 0.2)

    with pytest.raises(WatchError, match=f"no server at {observed.address}"):
        watch(Options(observed.address, once=True))


def test_logs_json_that_says_what_happened(observed: Observed) -> None:
    log, device_log = observed.log, observed.device_log

    assert all({"time", "level", "logger", "message", "event"} <= set(line) for line in log)
    events = Counter(line["event"] for line in log)
    assert events["round"] == SMALL["rounds"]
    assert events["ready"] == events["finished"] == events["table"] == 1
    (ready,) = [line for line in log if line["event"] == "ready"]
    assert ready["devices"] == [0, 1, 2, 3]
    assert ready["peer"].startswith("ipv4:127.0.0.1:")
    assert [line["round"] for line in log if line["event"] == "round"] == list(range(10))
    assert device_log[-1]["message"] == "the run is over after 10 rounds"
    assert device_log[-1]["rounds"] == 10


def test_counts_for_metrics_and_watchers_what_the_summary_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = SMALL | {"rounds": 10**6, "devices": {"count": 2, "deadline_s": 0.5}}

    with serving(tables, tmp_path, "--metrics", "127.0.0.1:0") as server:
        announced = next_event(server)
        before = watched_once(server, capsys)
        with devices(server.address, 0, 1):
            wait_until(lambda: server.rounds_closed() > 20, "some rounds")
            during = watched_once(server, capsys)
        waits = lambda: watched_once(server, capsys)["state"] == "waiting"  # noqa: E731
        wait_until(waits, "the server to notice")
        after = watched_once(server, capsys)
        samples = scraped(announced["address"])
        server.process.send_signal(signal.SIGTERM)
        server.end()

    summary = json.loads((server.out / "summary.json").read_text())
    assert announced["event"] == "metrics"
    assert (before["state"], before["closed_rounds"], before["loss"]) == ("waiting", 0, None)
    assert during["state"] == "training"
    assert [device["connected"] for device in during["devices"]] == [True, True]
    assert (after["state"], after["closed_rounds"]) == ("waiting", summary["rounds"])
    assert after["bytes"] == summary["bytes"]
    assert after["loss"] == samples["comlad_loss",] == summary["loss"]["final"]
    assert samples["comlad_rounds_total",] == summary["rounds"]
    for way, layers in summary["bytes"].items():
        for layer, count in layers.items():
            assert samples["comlad_bytes_total", way, layer] == count
    assert samples["comlad_faults_total", "missing"] == summary["faults"]["missing"]
    assert samples["comlad_devices", "connected"] == 0
    for device in range(2):
        answered = sum(device not in record["missing"] for record in read_rounds(server.out))
        assert samples["comlad_attendance_total", str(device)] == answered


def test_shows_itself_to_watchers_and_not_to_devices(
    tmp_path: Path, keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(SMALL, tmp_path, keys=keys) as server:
        watch(Options(server.address, keys=keys, once=True))
        with pytest.raises(
            WatchError, match=r"PERMISSION_DENIED: .* device 3: must be a watcher's"
        ):
            watch(Options(server.address, keys=keys / "device-3", once=True))

    assert capsys.readouterr().out.startswith("small: waiting, round 0 of 10; up 0 B, down 0 B")
