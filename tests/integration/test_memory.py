"""What a server holds does not grow with the rounds; bench/soak.py has ten thousand."""

import pytest
from bench.soak import memory_by_round

pytestmark = pytest.mark.integration


def test_a_server_takes_no_more_memory_as_rounds_go_by() -> None:
    found = memory_by_round(600, every=200)

    # A round's messages have 6 kB: 2.4 MB if those of 400 were kept, and their records more.
    assert found[600] - found[200] < 1.5 * 10**6
