import json
from typing import Any, ClassVar

import numpy as np
import pytest
from samples import answers, dense, first_plan, small

from comlad.errors import ConfigError, MessageError
from comlad.estimators import ESTIMATORS
from comlad.experiment import Prepared
from comlad.problems import LinearRegression
from comlad.rng import device_key
from comlad.rounds import Secrets, device_messages, local_site
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    Welcome,
    decode_dataset,
    decode_welcome,
    encode_dataset,
    encode_welcome,
)


def message(prepared: Prepared, devices: tuple[int, ...]) -> pb.Welcome:
    data = encode_welcome(prepared, devices, encode_dataset(prepared.data.train))
    return pb.TrainResponse.FromString(data).welcome


def refusal(change: Any, asked: tuple[int, ...] = ()) -> str:
    welcome = message(small(), (4, 1))
    change(welcome)
    with pytest.raises(MessageError) as caught:
        decode_welcome(welcome, asked)
    return str(caught.value)


def test_tells_a_process_all_it_needs() -> None:
    prepared = small()
    dataset = encode_dataset(prepared.data.train)

    welcome = decode_welcome(message(prepared, (4, 1)), (4, 1))

    experiment = prepared.experiment
    assert welcome == Welcome(
        device_count=5,
        dimension=6,
        rounds=3,
        problem=experiment.problem,
        coding=experiment.coding,
        estimator=experiment.estimator,
        compressor=experiment.compressor,
        dataset_bytes=len(dataset.data),
        dataset_sha256=dataset.sha256,
        devices=(4, 1),
        keys=(device_key(1, 4), device_key(1, 1)),
    )


def test_tells_nobody_the_seed() -> None:
    prepared = small("seed=123456789123456789")

    data = encode_welcome(prepared, [4], encode_dataset(prepared.data.train))

    assert b"123456789123456789" not in data
    assert (123456789123456789).to_bytes(8, "little") not in data
    assert device_key(123456789123456789, 1) not in data


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"problem": {"kind": "softmax-regression"}},
        {"problem": {"kind": "linear-regression", "dimension": 6, "heterogeneity": 0.1}},
        {"compressor": {"kind": "identity", "values": "float32"}},
        {"compressor": {"kind": "stochastic-quantization", "range": [-0.1, 1 / 3]}},
        {"compressor": {"kind": "random-sparsification", "keep": 3, "index": "common"}},
        {"compressor": [{"kind": "top-k", "keep": 3}, {"kind": "qsgd", "levels": 4}]},
    ],
)
def test_lets_a_process_answer_as_the_server_would_itself(changes: dict[str, Any]) -> None:
    prepared, devices = small("devices.byzantine=0", **changes), (4, 1)
    welcome = decode_welcome(message(prepared, devices), devices)
    encoded = encode_dataset(prepared.data.train)
    plan = first_plan(prepared)

    site = welcome.site(decode_dataset(encoded.data, encoded.sha256))

    payloads, _ = device_messages(site, plan.told(devices), {})
    here = answers(prepared, plan)
    assert welcome.compressor == prepared.experiment.compressor
    for device, payload in zip(devices, payloads, strict=True):
        assert payload is not None
        assert dense(payload).tobytes() == dense(here[device]).tobytes()


def test_leaves_lying_to_the_process() -> None:
    prepared, honest = small("devices.byzantine=[1]"), small("devices.byzantine=0")
    welcome = decode_welcome(message(prepared, (1,)))
    plan = first_plan(prepared)

    site = welcome.site(prepared.data.train, local_site(prepared).attack, lambda _: frozenset({1}))

    (payload,), _ = device_messages(site, plan.told([1]), {})
    truth = answers(honest, plan)[1]
    assert payload is not None
    assert dense(payload).tolist() == (-2 * dense(truth)).tolist()


class TestRefuses:
    @pytest.mark.parametrize("asked", [(1, 4), (4,), (4, 1, 0)])
    def test_other_devices_than_were_asked_for(self, asked: tuple[int, ...]) -> None:
        message = refusal(lambda _: None, asked)

        assert message == "a Welcome for other devices: must be for those that have joined"

    @pytest.mark.parametrize("devices", [[], [4, 4], [4, 5]])
    def test_devices_that_cannot_be(self, devices: list[int]) -> None:
        def change(welcome: pb.Welcome) -> None:
            welcome.device_ids[:] = devices

        message = refusal(change)

        assert message == f"a Welcome for {len(devices)} devices: must be one or more, each once"

    @pytest.mark.parametrize("devices", [[4], [4, 1, 0]])
    def test_keys_for_another_number_of_devices(self, devices: list[int]) -> None:
        def change(welcome: pb.Welcome) -> None:
            welcome.device_ids[:] = devices

        message = refusal(change)

        assert message == f"2 device keys: must be {len(devices)} of 16 bytes"

    def test_short_keys(self) -> None:
        def shorten(welcome: pb.Welcome) -> None:
            welcome.device_keys[1] = bytes(15)

        assert refusal(shorten) == "2 device keys: must be 2 of 16 bytes"

    @pytest.mark.parametrize("part", ["problem", "coding", "estimator"])
    def test_a_part_that_is_not_known_here(self, part: str) -> None:
        message = refusal(lambda welcome: setattr(getattr(welcome, part), "kind", "newer"))

        assert message.startswith(f"the server's {part}s, 'newer': unknown kind of {part}s 'newer'")

    def test_a_compressor_that_is_not_known_here(self) -> None:
        message = refusal(lambda welcome: setattr(welcome.compressors[0], "kind", "newer"))

        assert message.startswith("the server's compressors, 'newer': unknown kind of compressors")

    @pytest.mark.parametrize("kinds", [[], ["terngrad", "terngrad"], ["top-k"] * 3])
    def test_compressors_that_do_not_go_together(self, kinds: list[str]) -> None:
        def change(welcome: pb.Welcome) -> None:
            del welcome.compressors[:]
            for kind in kinds:
                parameters = '{"keep": 2}' if kind == "top-k" else "{}"
                welcome.compressors.add(kind=kind, parameters=parameters)

        assert refusal(change).startswith("the server's compressors: [[compressor]] ")

    @pytest.mark.parametrize(
        ("parameters", "reason"),
        [
            ("", "Expecting value"),
            ("{", "Expecting property name"),
            ("[]", "parameters '[]': must be a JSON object"),
            ("3", "parameters '3': must be a JSON object"),
            ('{"load": 0}', "(kind 'cyclic') load = 0: must be at least 1"),
            ('{"load": true}', "(kind 'cyclic') load = True: must be a whole number"),
            ('{"lod": 1}', "(kind 'cyclic') unknown key 'lod'"),
            ("[" * 10**5, "maximum recursion depth exceeded"),
            ('{"load": ' + "9" * 5000 + "}", "Exceeds the limit"),
        ],
    )
    def test_parameters_that_cannot_be(self, parameters: str, reason: str) -> None:
        message = refusal(lambda welcome: setattr(welcome.coding, "parameters", parameters))

        assert reason in message
        assert len(message) < 500

    @pytest.mark.parametrize(
        "arrays",
        [{}, {"features": np.ones((5, 6))}, {"features": np.ones(5), "targets": np.ones(5)}],
    )
    def test_a_dataset_that_does_not_fit_the_problem(self, arrays: dict[str, Any]) -> None:
        welcome = decode_welcome(message(small(), (1,)))

        with pytest.raises(MessageError, match=r"^a dataset that does not fit the problem: "):
            welcome.site(arrays)

    def test_a_dataset_of_another_dimension(self) -> None:
        welcome = decode_welcome(message(small(), (1,)))
        wider = LinearRegression(dimension=7).load(5, 0).train

        with pytest.raises(MessageError, match=r"^a dataset for dimension 7: must be 6$"):
            welcome.site(wider)


def test_writes_parameters_as_json() -> None:
    component = message(small(), (1,)).coding

    assert component.kind == "cyclic"
    assert json.loads(component.parameters) == {"load": 2, "tasks": "redrawn"}


class TestBatch:
    PROBLEM: ClassVar[dict[str, Any]] = {"kind": "least-squares", "samples": 20, "dimension": 30}

    def test_travels(self) -> None:
        prepared = small("sampling.batch=3", problem=self.PROBLEM)

        welcome = decode_welcome(message(prepared, (4,)))

        assert welcome.batch == 3
        assert welcome.site(prepared.data.train).batch == 3

    def test_is_none_where_devices_take_all_samples(self) -> None:
        welcome = decode_welcome(message(small(), (4,)))

        assert welcome.batch is None
        assert welcome.site(small().data.train).batch is None

    def test_is_refused_where_there_are_no_samples(self) -> None:
        prepared = small(problem={"kind": "quadratic", "dimension": 6})
        told = message(prepared, (4,))
        told.batch = 3

        with pytest.raises(MessageError, match=r"^batch 3 of a problem without samples in each"):
            decode_welcome(told).site(prepared.data.train)

    def test_is_refused_where_a_subset_has_no_samples(self) -> None:
        prepared = small("sampling.batch=3", problem=self.PROBLEM)
        train = {**prepared.data.train, "sizes": np.array([8, 0, 4, 4, 4])}
        welcome = decode_welcome(message(prepared, (4,)))

        with pytest.raises(MessageError, match=r"^batch 3 of a problem without samples in each"):
            welcome.site(train)


@pytest.mark.parametrize(
    "estimator",
    [
        {"kind": "byz-vr-dm21", "momentum": 0.3, "start": "warm"},
        {"kind": "byz-vr-marina"},
        {"kind": "byz-dasha-page"},
    ],
)
def test_tells_what_the_estimators_parameters_have_become(estimator: dict[str, Any]) -> None:
    compressor = {"kind": "random-sparsification", "keep": 4}
    prepared = small(estimator=estimator, compressor=compressor)

    welcome = decode_welcome(message(prepared, (4,)))

    assert welcome.estimator == prepared.experiment.estimator
    assert None not in ESTIMATORS.write(welcome.estimator).values()


def test_leaves_to_the_process_what_its_liars_know() -> None:
    prepared = small()
    welcome = decode_welcome(message(prepared, (4,)))
    secrets = Secrets.of(1, 5)

    assert welcome.site(prepared.data.train).secrets is None
    assert welcome.site(prepared.data.train, secrets=secrets).secrets is secrets


@pytest.mark.parametrize("devices", [4, 6])
def test_takes_no_secrets_of_another_run(devices: int) -> None:
    prepared = small()
    welcome = decode_welcome(message(prepared, (4,)))

    with pytest.raises(ConfigError, match=rf"^secrets of {devices} devices: must be of 5$"):
        welcome.site(prepared.data.train, secrets=Secrets.of(1, devices))
