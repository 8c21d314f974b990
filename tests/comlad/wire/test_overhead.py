"""How many bytes of a reply are neither values nor indices."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from samples import first_plan, small

from comlad.compression import Masked
from comlad.rounds import Plan
from comlad.wire import reply_messages

# The longest that these can be.
LAST = replace(first_plan(small()), round=2**32 - 1, number=2**32 - 1)


def reply_bytes(plan: Plan, payload: Masked) -> int:
    """The bytes of the messages that carry it."""
    return sum(map(len, reply_messages(plan, [payload])))


@pytest.mark.parametrize("kept", [0, 1, 30, 10_000, 2**20 - 50])
def test_of_a_masked_reply_is_at_most_32_bytes(kept: int) -> None:
    values: Any = np.ones(kept, np.float32)

    size = reply_bytes(LAST, Masked(2 * kept + 1, np.arange(kept), values))

    assert 0 < size - 4 * kept <= 32
