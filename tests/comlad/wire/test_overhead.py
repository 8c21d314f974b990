"""How many bytes of a reply are neither values nor indices."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from samples import first_plan, fresh_rng, small
from vector_samples import FORMS, values_of

from comlad.compression import Masked
from comlad.rounds import Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire import reply_messages
from comlad.wire._vectors import RawVector

FIRST = first_plan(small())
# The longest that these can be.
LAST = replace(FIRST, round=2**32 - 1, number=2**32 - 1)


def reply_bytes(plan: Plan, payload: Masked) -> int:
    """The bytes of the messages that carry it."""
    return sum(map(len, reply_messages(plan, [payload])))


@pytest.mark.parametrize("kept", [0, 1, 30, 10_000, 2**20 - 50])
def test_of_a_masked_reply_of_floats_is_at_most_32_bytes(kept: int) -> None:
    values: Any = np.ones(kept, np.float32)

    size = reply_bytes(LAST, Masked(2 * kept + 1, np.arange(kept), values))

    assert 0 < size - 4 * kept <= 32


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("plan", "most"), [(FIRST, 32), (LAST, 41)])
def test_of_any_other_form_is_a_few_bytes_more_at_most(form: str, plan: Plan, most: int) -> None:
    values = values_of(form, fresh_rng().normal(0, 1, 10_000))
    payload = Masked(20_001, np.arange(10_000), values)

    size = reply_bytes(plan, payload)

    part = pb.TrainRequest.FromString(next(reply_messages(plan, [payload]))).reply.parts[0]
    assert 0 < size - RawVector.of(part).payload_bytes <= most
