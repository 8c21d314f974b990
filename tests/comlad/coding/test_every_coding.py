"""What every gradient code promises."""

from typing import Any

import numpy as np
import pytest
from samples import fresh_rng, name_of

from comlad.coding import CODINGS
from comlad.errors import ConfigError

CODES: list[dict[str, Any]] = [
    {"kind": "cyclic"},
    {"kind": "cyclic", "load": 3},
    {"kind": "cyclic", "load": 9},
]
# Devices and what the complaint is.
IMPOSSIBLE: list[tuple[dict[str, Any], int, str]] = [
    ({"kind": "cyclic", "load": 6}, 5, "load = 6: must be at most 5, the number of devices"),
]
N = 9


def test_has_a_sample_of_every_kind() -> None:
    assert {code["kind"] for code in CODES} == set(CODINGS.own)
    assert {code["kind"] for code, *_ in IMPOSSIBLE} == set(CODINGS.own)


@pytest.mark.parametrize("table", CODES, ids=name_of)
class TestEveryCoding:
    def test_gives_every_device_a_task_of_its_own(self, table: dict[str, Any]) -> None:
        tasks, permutation = CODINGS.read(table).draw(N, fresh_rng())

        assert sorted(tasks.tolist()) == list(range(N))
        assert sorted(permutation.tolist()) == list(range(N))

    def test_draws_tasks_anew_every_time(self, table: dict[str, Any]) -> None:
        coding, rng = CODINGS.read(table), fresh_rng()

        drawn = {coding.draw(N, rng)[0].tobytes() for _ in range(10)}

        assert len(drawn) == 10

    def test_means_existing_subsets_in_ascending_order(self, table: dict[str, Any]) -> None:
        coding = CODINGS.read(table)

        for row in coding.subsets(*coding.draw(N, fresh_rng())):
            assert row.tolist() == sorted(set(row.tolist()))
            assert set(row.tolist()) <= set(range(N))

    def test_means_the_same_alone_and_with_others(self, table: dict[str, Any]) -> None:
        coding = CODINGS.read(table)
        tasks, permutation = coding.draw(N, fresh_rng())

        together = coding.subsets(tasks, permutation)

        for slot in range(N):
            alone = coding.subsets(tasks[slot : slot + 1], permutation)
            assert alone.tolist() == together[slot : slot + 1].tolist()

    def test_encodes_the_same_bits_alone_and_with_others(self, table: dict[str, Any]) -> None:
        coding, gradients = CODINGS.read(table), fresh_rng().normal(0, 1, (N, 50))
        subsets = coding.subsets(*coding.draw(N, fresh_rng()))

        together = coding.encode(gradients, subsets)

        for slot in range(N):
            alone = coding.encode(gradients[subsets[slot]], np.arange(subsets.shape[1])[None])
            assert alone.tobytes() == together[slot].tobytes()

    def test_leaves_the_gradients_alone(self, table: dict[str, Any]) -> None:
        coding, gradients = CODINGS.read(table), fresh_rng().normal(0, 1, (N, 5))
        gradients.flags.writeable = False

        coding.encode(gradients, coding.subsets(*coding.draw(N, fresh_rng())))

        assert gradients.tobytes() == fresh_rng().normal(0, 1, (N, 5)).tobytes()

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        coding = CODINGS.read(table)

        assert CODINGS.read(CODINGS.write(coding)) == coding


@pytest.mark.parametrize(("table", "devices", "message"), IMPOSSIBLE)
def test_refuses_numbers_that_mean_nothing(
    table: dict[str, Any], devices: int, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        CODINGS.read(table).check(devices)

    assert str(caught.value).startswith(message)
