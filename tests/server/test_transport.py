"""What gRPC lets a peer do: the arithmetic; test_hostile_peers.py has the peers."""

import asyncio
import re
import resource
from importlib import import_module
from pathlib import Path

import pytest
from samples import small

from comlad.wire import transport_bound
from comlad_server._transport import connection_limit, transport_options
from comlad_server._turns import Turns

ROOT = Path(__file__).parent.parent.parent
OPTION = re.compile(r'\("(grpc\.[\w.]+)"')


class TestOptions:
    def test_let_a_stream_send_one_message_ahead(self) -> None:
        prepared = small()
        options = dict(transport_options(prepared))

        assert options["grpc.max_receive_message_length"] == transport_bound(prepared)
        assert options["grpc.http2.lookahead_bytes"] == transport_bound(prepared)

    def test_are_each_given_once(self) -> None:
        names = [name for name, _ in transport_options(small())]

        assert len(set(names)) == len(names)

    def test_have_names_that_grpc_knows(self) -> None:
        library = Path(str(import_module("grpc._cython.cygrpc").__file__)).read_bytes()
        sources = [path for root in ("server", "device") for path in (ROOT / root).rglob("*.py")]
        names = {name for path in sources for name in OPTION.findall(path.read_text())}

        # gRPC passes over others in silence.
        assert len(names) > 10
        assert {name for name in names if name.encode() not in library} == set()


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "files"),
    [
        (4096, 4096, 5 + 128, 4096),
        (100, 4096, 5 + 128, 2 * 133 + 128),
        (200, 200, 36, 200),
        (100, 100, 1, 100),
        (256, resource.RLIM_INFINITY, 5 + 128, 2 * 133 + 128),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 5 + 128, resource.RLIM_INFINITY),
    ],
)
def test_leaves_files_for_the_run_whatever_the_system_allows(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, connections: int, files: int
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))

    assert connection_limit(small()) == connections
    assert limits[-1] == (files, hard)


class TestTurns:
    def test_let_one_call_of_a_peer_at_a_time(self) -> None:
        order: list[str] = []

        async def call(turns: Turns, peer: str, name: str) -> None:
            async with turns.of(peer):
                order.append(f"{name} in")
                await asyncio.sleep(0)
                order.append(f"{name} out")

        async def scene() -> Turns:
            turns = Turns()
            await asyncio.gather(
                call(turns, "a", "1"), call(turns, "a", "2"), call(turns, "b", "3")
            )
            return turns

        turns = asyncio.run(scene())

        assert order == ["1 in", "3 in", "1 out", "3 out", "2 in", "2 out"]
        assert not turns._turns

    def test_go_to_the_next_when_one_is_given_up(self) -> None:
        async def scene() -> bool:
            turns, never = Turns(), asyncio.Event()

            async def hold() -> None:
                async with turns.of("a"):
                    await never.wait()

            holds = [asyncio.create_task(hold()) for _ in range(3)]
            await asyncio.sleep(0)
            for task in holds[:2]:  # one that has the turn, and one that waits for it
                task.cancel()
            await asyncio.wait(holds[:2])
            holds[2].cancel()
            await asyncio.wait(holds)
            return not turns._turns

        assert asyncio.run(scene())
