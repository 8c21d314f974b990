import asyncio

import pytest

from comlad_device import _lateness
from comlad_device._lateness import Lateness


async def overtaken(*, by_something: bool, times: int = 1) -> bool:
    """Whether the last of so many rounds was overtaken."""
    lateness, result = Lateness(), False
    for _ in range(times):
        never = asyncio.get_running_loop().create_future()
        if by_something:
            never.set_result(b"a newer round")
        result = await lateness.overtaken(asyncio.ensure_future(_wait(never)))
    return result


async def _wait(future: "asyncio.Future[bytes]") -> bytes:
    return await future


def test_a_device_that_keeps_up_answers_every_round() -> None:
    """It does not even look."""
    assert not asyncio.run(overtaken(by_something=True))


def test_a_device_that_fell_behind_answers_the_last_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lateness, "_LONG_S", -1.0)

    assert asyncio.run(overtaken(by_something=True))
    assert not asyncio.run(overtaken(by_something=False))


def test_a_device_looks_until_it_has_caught_up(monkeypatch: pytest.MonkeyPatch) -> None:
    lateness = Lateness()

    async def looks() -> list[bool]:
        done = asyncio.get_running_loop().create_future()
        done.set_result(b"")
        waiting = asyncio.get_running_loop().create_future()
        seen = []
        for limit, coming in [(-1, done), (9, done), (9, done), (9, waiting), (9, done)]:
            monkeypatch.setattr(_lateness, "_LONG_S", limit)
            seen.append(await lateness.overtaken(asyncio.ensure_future(_wait(coming))))
        return seen

    assert asyncio.run(looks()) == [True, True, True, False, False]
