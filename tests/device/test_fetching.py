"""What a device does that was told of an answer that it does not remember."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import grpc
import grpc.aio
import numpy as np
import pytest
from samples import small

from comlad.attacks import Attack, Replay
from comlad.estimators import Memory, fingerprint
from comlad.rounds import (
    Answered,
    DeviceMemory,
    Plan,
    Site,
    State,
    device_messages,
    initial_state,
    local_site,
    plan_round,
)
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    Broadcast,
    encode_dataset,
    encode_finished,
    encode_held,
    encode_reply,
    encode_welcome,
)
from comlad_device._client import Client
from comlad_device.connection import ServerRefusedError

PATIENCE_S = 60.0
PREPARED = small(
    "devices.byzantine=0",
    estimator={"kind": "ef21-sgdm"},
    compressor={"kind": "top-k", "keep": 2},
    attack=None,
)
HELD: Memory = {"estimate": np.arange(6.0)}
PRINT = fingerprint(HELD, PREPARED.experiment.estimator.mirrored) or 0
# Before round 1: the answers of devices 0 and 3 to round 0 have counted.
COUNTED = {0: Answered(1, PRINT), 3: Answered(1, PRINT)}
STATE = State(1, np.linspace(-1, 1, 6), answered=COUNTED)


class FakeServer:
    """Tells one process of some rounds, and what it asks for.

    Args:
        held: What is held of any device, or the status with which that is refused.
        states: The run's before each of the rounds.
    """

    def __init__(self, held: Memory | grpc.StatusCode, *states: State) -> None:
        self.plans = [plan_round(PREPARED, state) for state in states]
        self.held = held
        self.asked: list[tuple[int, int]] = []
        self.replies: list[bytes] = []
        self._data = encode_dataset(PREPARED.data.train)

    async def train(self, _: AsyncIterator[bytes], context: Any) -> None:
        join = pb.TrainRequest.FromString(await context.read()).join
        devices = tuple(join.device_ids)
        await context.write(encode_welcome(PREPARED, devices, self._data))
        await context.read()  # Ready
        for plan in self.plans:
            broadcast = Broadcast(plan, PREPARED.experiment.downlink)
            for message, _last in broadcast.messages(devices):
                await context.write(message)
            if isinstance(self.held, dict):
                self.replies.append(await context.read())
        await context.write(encode_finished(2))

    async def fetch_dataset(self, _: bytes, context: Any) -> AsyncIterator[bytes]:
        for chunk, _payload in self._data.chunks():
            yield chunk

    async def fetch_estimate(self, data: bytes, context: Any) -> AsyncIterator[bytes]:
        request = pb.FetchEstimateRequest.FromString(data)
        self.asked.append((request.device_id, request.plan))
        if isinstance(self.held, grpc.StatusCode):
            await context.abort(self.held, "the reason")
        else:
            for chunk, _payload in encode_held(self.held):
                yield chunk

    async def serve(self, devices: tuple[int, ...], attack: Attack | None) -> int:
        server = grpc.aio.server()
        stream = grpc.unary_stream_rpc_method_handler
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Train": grpc.stream_stream_rpc_method_handler(self.train),
            "FetchDataset": stream(self.fetch_dataset),
            "FetchEstimate": stream(self.fetch_estimate),
        }
        name = "comlad.v1.TrainingService"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            client = Client(f"127.0.0.1:{port}", devices, attack)
            return await asyncio.wait_for(client.run(), PATIENCE_S)
        finally:
            await server.stop(grace=None)

    def host(self, *devices: int, attack: Attack | None = None) -> int:
        """How many rounds there were, as the process of these devices has heard."""
        return asyncio.run(self.serve(devices, attack))


def site_of(*devices: int) -> Site:
    site = local_site(PREPARED)
    return replace(site, devices=devices, keys=tuple(site.keys[device] for device in devices))


def restarted(plan: Plan) -> Memory:
    """What an estimator remembers that goes on from what is held."""
    return PREPARED.experiment.estimator.restart(HELD, plan.model)


@pytest.mark.parametrize("devices", [(0,), (3, 1), (1, 3, 0)])
def test_goes_on_from_what_the_server_holds(devices: tuple[int, ...]) -> None:
    server = FakeServer(HELD, STATE)

    server.host(*devices)

    plan = server.plans[0].told(devices)
    counted = [device for device in devices if device in STATE.answered]
    memories = {device: DeviceMemory(restarted(plan), {}) for device in counted}
    payloads, _ = device_messages(site_of(*devices), plan, memories)
    assert server.asked == [(device, plan.number) for device in counted]
    assert server.replies == [encode_reply(plan, payloads)]


def test_asks_for_nothing_before_an_answer_has_counted() -> None:
    server = FakeServer(HELD, initial_state(PREPARED))

    server.host(0, 3)

    plan = server.plans[0].told([0, 3])
    payloads, _ = device_messages(site_of(0, 3), plan, {})
    assert server.asked == []
    assert server.replies == [encode_reply(plan, payloads)]


def test_goes_on_with_what_an_attack_has_learned() -> None:
    attack = Replay(delay=1)
    later = replace(STATE, round=2, answered={0: Answered(2, PRINT)})
    server = FakeServer(HELD, initial_state(PREPARED), later)

    server.host(0, attack=attack)

    liar = replace(site_of(0), attack=attack, liars=lambda _: frozenset({0}))
    first, second = (plan.told([0]) for plan in server.plans)
    _, memories = device_messages(liar, first, {})
    memories = {0: memories[0]._replace(estimator=restarted(second))}
    payloads, _ = device_messages(liar, second, memories)
    assert memories[0].attack
    assert server.asked == [(0, second.number)]
    assert server.replies[1] == encode_reply(second, payloads)


def test_says_nothing_in_a_round_that_was_closed_before_it_could_ask() -> None:
    server = FakeServer(grpc.StatusCode.FAILED_PRECONDITION, STATE)

    rounds = server.host(0)

    assert rounds == 2
    assert server.asked == [(0, server.plans[0].number)]


@pytest.mark.parametrize(
    ("held", "complaint"),
    [
        ({}, "what the server holds of a device is without 'estimate'"),
        ({"estimate": np.ones(5)}, "'estimate', held of a device: must be 6 finite float64"),
        ({"estimate": np.full(6, np.nan)}, "'estimate', held of a device: must be 6 finite"),
        ({"estimate": np.ones(60)}, "more than 304 bytes from FetchEstimate: must be no more"),
    ],
    ids=["nothing", "too short", "not finite", "too long"],
)
def test_gives_up_a_server_that_holds_something_else(held: Memory, complaint: str) -> None:
    with pytest.raises(ServerRefusedError, match=f"^not understood: {complaint}"):
        FakeServer(held, STATE).host(0)


@pytest.mark.parametrize(
    "status", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.RESOURCE_EXHAUSTED]
)
def test_gives_up_a_server_that_will_not_tell(status: grpc.StatusCode) -> None:
    server = FakeServer(status, STATE)

    with pytest.raises(ServerRefusedError, match=f"^{status.name}: the reason$"):
        server.host(0)

    assert len(server.asked) == 1
    assert server.replies == []


def test_asks_once_while_the_same_answer_is_the_last_that_counts() -> None:
    server = FakeServer(HELD, STATE, replace(STATE, round=2), replace(STATE, round=5))

    server.host(0)

    assert server.asked == [(0, server.plans[0].number)]
    begins = {0: DeviceMemory(restarted(server.plans[0]), {})}
    for plan, reply in zip(server.plans, server.replies, strict=True):
        payloads, _ = device_messages(site_of(0), plan.told([0]), begins)
        assert reply == encode_reply(plan, payloads)


def test_asks_again_where_another_process_was_the_device() -> None:
    others = replace(STATE, round=2, answered={0: Answered(2, PRINT ^ 1)})
    server = FakeServer(HELD, STATE, others)

    server.host(0)

    assert server.asked == [(0, plan.number) for plan in server.plans]


class Broken:
    """A stream that breaks as something is written to it."""

    async def write(self, _: bytes) -> None:
        raise ConnectionError("broken")


def test_remembers_an_answer_before_it_is_sent() -> None:
    client, site = Client("nowhere:0", (0,)), site_of(0)
    plan = plan_round(PREPARED, initial_state(PREPARED)).told([0])

    with pytest.raises(ConnectionError, match="broken"):
        asyncio.run(client._answer(cast("Any", Broken()), site, plan))

    _, left = device_messages(site, plan, {})
    held = fingerprint(left[0].estimator, site.estimator.mirrored)
    counted = replace(plan, round=1, answered=(Answered(1, held or 0),))
    memories, lost = client._recollection.before(counted, site)
    assert not lost
    assert memories[0].estimator["estimate"].tobytes() == left[0].estimator["estimate"].tobytes()
