import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comlad.config import parse_ids, write_ids
from comlad.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("3", (3,)),
        ("0,4-6", (0, 4, 5, 6)),
        ("4-6,0", (4, 5, 6, 0)),
        ("2, 1", (2, 1)),
        ("7-7", (7,)),
        ("2147483647", (2**31 - 1,)),
    ],
)
def test_reads_ids_in_their_order(text: str, ids: tuple[int, ...]) -> None:
    assert parse_ids("--device", text) == ids


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("", "must be ids such as 3 or 0,4-6"),
        ("x", "must be ids such as 3 or 0,4-6"),
        ("1-", "must be ids such as 3 or 0,4-6"),
        ("-1", "must be ids such as 3 or 0,4-6"),
        ("1-2-3", "must be ids such as 3 or 0,4-6"),
        ("²", "must be ids such as 3 or 0,4-6"),
        ("2147483648", "must be ids such as 3 or 0,4-6"),
        ("9" * 5000, "must be ids such as 3 or 0,4-6"),
        ("5-3", "must have the smaller id of a range first"),
        ("3,3", "must name each id once"),
        ("0-4,2", "must name each id once"),
        ("0-1000000", "must be at most a million ids"),
        ("0-999999,1000000", "must be at most a million ids"),
    ],
)
def test_refuses_what_are_no_ids(text: str, right: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_ids("--group", text)

    assert str(caught.value) == f"--group {text}: {right}"


def test_takes_no_memory_for_more_ids_than_there_may_be() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError):
            parse_ids("--device", "0-2147483647")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 100_000


@pytest.mark.parametrize(
    ("ids", "text"), [([3], "3"), ([6, 4, 5, 0], "0,4-6"), ([1, 2], "1-2"), ([], "")]
)
def test_writes_ids_in_few_characters(ids: list[int], text: str) -> None:
    assert write_ids(ids) == text


@given(st.sets(st.integers(0, 50), min_size=1))
def test_reads_what_it_writes(ids: set[int]) -> None:
    assert parse_ids("--device", write_ids(ids)) == tuple(sorted(ids))
