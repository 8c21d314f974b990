"""Every way to encode, over a real connection and in this process: the same model and bytes.

Server and devices are tasks of one event loop here, so that many pairs can be run; that
processes make no difference is shown by test_parity.
"""

import asyncio
import json
from collections.abc import Iterator
from itertools import cycle, product
from pathlib import Path
from typing import Any, get_args

import grpc.aio
import pytest
from cluster import PATIENCE_S
from samples import small

from comlad.compression import ValueType
from comlad.experiment import Command, Prepared, process_groups
from comlad.wire import transport_bound
from comlad_deploy.inprocess import run_inprocess
from comlad_device._client import Client
from comlad_server._service import TrainingService
from comlad_server._training import Training
from comlad_server.results import Results

pytestmark = pytest.mark.integration

INDICES = ("gaps", "bitmap", "rice", "auto", "seeded", "common")
CODES: list[dict[str, Any]] = [
    {"kind": "qsgd", "levels": 7},
    {"kind": "stochastic-quantization"},
    {"kind": "terngrad"},
    {"kind": "natural"},
    {"kind": "scaled-sign"},
]
DOWNLINKS: list[dict[str, Any]] = [
    {"model": model, "delta": delta, "permutation": permutation}
    for model, delta, permutation in product(
        ("float64", "float32"), (False, True), ("broadcast", "own")
    )
]


def compressors() -> Iterator[list[dict[str, Any]]]:
    """Every kind of index with every kind of value, and those that send no indices."""
    for index in INDICES:
        first = {"kind": "random-sparsification", "keep": 20, "index": index}
        for values in get_args(ValueType):
            yield [first | {"values": values}]
        for code in CODES:
            yield [first, code]
    for index in INDICES[:4]:
        yield [{"kind": "top-k", "keep": 20, "index": index}]
    for values in get_args(ValueType):
        yield [{"kind": "identity", "values": values}]
    for code in CODES:
        yield [code]


def combinations() -> list[Any]:
    """Each with one of the downlinks in turn, and each downlink with several."""
    return [
        pytest.param(
            links,
            downlink,
            id="-".join(
                [link.get("index", link["kind"]) + link.get("values", "") for link in links]
                + [downlink["model"], "delta" * downlink["delta"], downlink["permutation"]]
            ),
        )
        for links, downlink in zip(compressors(), cycle(DOWNLINKS), strict=False)
    ]


async def networked(prepared: Prepared, out: Path, per_process: int) -> dict[str, Any]:
    """Run an experiment with a server and devices on loopback; its summary."""
    experiment = prepared.experiment
    assert not isinstance(experiment.attack, Command)
    honest, liars = process_groups(experiment.devices, experiment.seed, per_process)
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", transport_bound(prepared))]
    )
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    clients = [Client(address, group) for group in honest]
    everyone = frozenset(range(experiment.devices.count))
    clients += [Client(address, group, experiment.attack, lambda _: everyone) for group in liars]
    with Results(out, experiment) as results:
        training = Training(prepared, results, lambda _: None)
        TrainingService(prepared, training.connections).add_to(server)
        await server.start()
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client.run())
            await training.run()
        await server.stop(None)
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text("utf-8"))
    return summary


@pytest.mark.parametrize(("links", "downlink"), combinations())
def test_gives_the_same_model_and_bytes(
    tmp_path: Path, links: list[dict[str, Any]], downlink: dict[str, Any]
) -> None:
    prepared = small(
        "devices.count=6",
        "devices.byzantine=2",
        "devices.deadline_s=60",
        "rounds=4",
        problem={"kind": "linear-regression", "dimension": 60},
        compressor=links,
        downlink=downlink,
        attack={"kind": "wrong-task"},
    )

    over_the_wire = asyncio.run(networked(prepared, tmp_path / "net", 3))
    with Results(tmp_path / "sim", prepared.experiment) as results:
        simulated = run_inprocess(prepared, results, 3)

    for key in ("model_sha256", "loss", "faults"):
        assert over_the_wire[key] == simulated[key]
    for direction, layer in product(("up", "down"), ("payload", "message")):
        for key in ("bytes", "devices"):
            assert over_the_wire[key][direction][layer] == simulated[key][direction][layer]
    assert over_the_wire["faults"]["refused"] == 0
