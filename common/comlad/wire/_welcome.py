"""What a process is told when it has joined, and what it makes of that."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from comlad.attacks import Attack, ChecksDevices
from comlad.coding import CODINGS, Coding
from comlad.compression import COMPRESSORS, Compressor, chained, links_of
from comlad.errors import ConfigError, MessageError
from comlad.estimators import ESTIMATORS, Estimator
from comlad.experiment import Prepared
from comlad.parts import Table
from comlad.problems import PROBLEMS, Arrays, Data, Problem, Samples
from comlad.rng import device_key
from comlad.rounds import Secrets, Site, nobody
from comlad.v1 import training_pb2 as pb
from comlad.wire._dataset import EncodedDataset

__all__ = ["Welcome", "decode_welcome", "encode_welcome"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the server said of the run."""

    device_count: int
    dimension: int
    rounds: int
    problem: Problem
    coding: Coding
    estimator: Estimator
    compressor: Compressor
    dataset_bytes: int
    dataset_sha256: bytes
    devices: tuple[int, ...]
    keys: tuple[bytes, ...]
    batch: int | None = None

    def site(
        self,
        arrays: Arrays,
        attack: Attack | None = None,
        liars: Callable[[int], frozenset[int]] = nobody,
        secrets: Secrets | None = None,
    ) -> Site:
        """All that the process of the devices knows, once it has the dataset.

        What an attack needs beside, such as everybody's secrets, no server tells.

        Raises:
            ConfigError: The attack means nothing among that many devices, or the secrets are
                of another number.
            MessageError: The dataset is not what the server said of it.
        """
        if isinstance(attack, ChecksDevices):
            attack.check(self.device_count)
        if secrets is not None and (known := len(secrets.keys)) != self.device_count:
            raise ConfigError(f"secrets of {known} devices: must be of {self.device_count}")
        try:
            objective = self.problem.objective(Data(arrays))
        except ConfigError as error:
            raise MessageError(f"a dataset that does not fit the problem: {error}") from error
        if objective.dimension != self.dimension:
            raise MessageError(
                f"a dataset for dimension {objective.dimension}: must be {self.dimension}"
            )
        if self.batch is not None and not (
            isinstance(objective, Samples) and objective.sizes.min() > 0
        ):
            raise MessageError(f"batch {self.batch} of a problem without samples in each subset")
        return Site(
            objective=objective,
            coding=self.coding,
            estimator=self.estimator,
            compressor=self.compressor,
            devices=self.devices,
            keys=self.keys,
            count=self.device_count,
            attack=attack,
            liars=liars,
            batch=self.batch,
            secrets=secrets,
        )


def encode_welcome(prepared: Prepared, devices: Sequence[int], dataset: EncodedDataset) -> bytes:
    """The Welcome for the process of these devices, serialised."""
    experiment = prepared.experiment
    welcome = pb.Welcome(
        device_count=experiment.devices.count,
        dimension=prepared.objective.dimension,
        rounds=experiment.rounds,
        problem=_component(PROBLEMS, experiment.problem),
        coding=_component(CODINGS, experiment.coding),
        estimator=_component(ESTIMATORS, experiment.estimator),
        compressors=[_component(COMPRESSORS, link) for link in links_of(experiment.compressor)],
        dataset_bytes=len(dataset.data),
        dataset_sha256=dataset.sha256,
        device_ids=devices,
        batch=experiment.sampling.batch or 0,
        device_keys=[device_key(experiment.seed, device) for device in devices],
    )
    return pb.TrainResponse(welcome=welcome).SerializeToString()


def decode_welcome(message: pb.Welcome, asked: tuple[int, ...] = ()) -> Welcome:
    """What the server said to a process.

    Args:
        message: What it said.
        asked: The devices that the process has asked to be; none if it left that to the server.

    Raises:
        MessageError: A part is not known here, or the numbers do not fit.
    """
    devices, keys = tuple(message.device_ids), tuple(message.device_keys)
    if asked and devices != asked:
        raise MessageError("a Welcome for other devices: must be for those that have joined")
    if not devices or len(set(devices)) != len(devices) or max(devices) >= message.device_count:
        raise MessageError(f"a Welcome for {len(devices)} devices: must be one or more, each once")
    if [len(key) for key in keys] != [16] * len(devices):
        raise MessageError(f"{len(keys)} device keys: must be {len(devices)} of 16 bytes")
    return Welcome(
        device_count=message.device_count,
        dimension=message.dimension,
        rounds=message.rounds,
        problem=_part(PROBLEMS, message.problem),
        coding=_part(CODINGS, message.coding),
        estimator=_part(ESTIMATORS, message.estimator),
        compressor=_compressor(message),
        dataset_bytes=message.dataset_bytes,
        dataset_sha256=message.dataset_sha256,
        devices=devices,
        keys=keys,
        batch=message.batch or None,
    )


def _compressor(message: pb.Welcome) -> Compressor:
    links = [_part(COMPRESSORS, component) for component in message.compressors]
    try:
        return chained(links)
    except ConfigError as error:
        raise MessageError(f"the server's compressors: {error}") from error


def _component(family: Table[T], part: T) -> pb.Component:
    table = family.write(part)
    kind = table.pop("kind")
    return pb.Component(kind=kind, parameters=json.dumps(table))


def _part(family: Table[T], component: pb.Component) -> T:
    try:
        table: Any = json.loads(component.parameters)
        if not isinstance(table, dict):
            raise MessageError(f"parameters {component.parameters!r}: must be a JSON object")
        return family.read({**table, "kind": component.kind})
    except (ValueError, RecursionError, ConfigError) as error:
        raise MessageError(f"the server's {family.family}, {component.kind!r}: {error}") from error
