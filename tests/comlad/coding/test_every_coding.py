"""What every gradient code promises."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng, name_of

from comlad.coding import CODINGS, Coding, Decodes, Received
from comlad.errors import ConfigError

CODES: list[dict[str, Any]] = [
    {"kind": "cyclic"},
    {"kind": "cyclic", "load": 3},
    {"kind": "cyclic", "load": 9},
    {"kind": "cyclic", "load": 3, "tasks": "fixed"},
    {"kind": "draco-cyclic", "load": 4},
    {"kind": "draco-cyclic", "load": 9, "on_failure": "aggregate"},
    {"kind": "draco-cyclic", "load": 5, "values": "real", "tolerance": 1e-11},
    {"kind": "draco-repetition", "load": 3},
    {"kind": "draco-repetition", "load": 9},
]
# Devices and what the complaint is.
IMPOSSIBLE: list[tuple[dict[str, Any], int, str]] = [
    ({"kind": "cyclic", "load": 6}, 5, "load = 6: must be at most 5, the number of devices"),
    ({"kind": "draco-cyclic", "load": 6}, 5, "load = 6: must be at most 5, the number of devices"),
    (
        {"kind": "draco-cyclic", "load": 41, "values": "real"},
        100,
        "values = 'real': exists if 100 − load is even: load = 42; or \"complex\"",
    ),
    ({"kind": "draco-repetition", "load": 4}, 9, "load = 4: must divide 9, the number of devices"),
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

        assert len(drawn) == (1 if table.get("tasks") == "fixed" else 10)

    def test_means_existing_subsets_each_once(self, table: dict[str, Any]) -> None:
        coding = CODINGS.read(table)

        for row in coding.subsets(*coding.draw(N, fresh_rng())):
            assert len(set(row.tolist())) == len(row)
            assert set(row.tolist()) <= set(range(N))

    def test_codes_into_vectors_of_its_width(self, table: dict[str, Any]) -> None:
        coding, gradients = CODINGS.read(table), fresh_rng().normal(0, 1, (N, 50))
        tasks, permutation = coding.draw(N, fresh_rng())

        coded = coding.encode(gradients, coding.subsets(tasks, permutation), tasks, N)

        assert coded.shape == (N, coding.width(50))
        assert coded.dtype == np.float64

    def test_means_the_same_alone_and_with_others(self, table: dict[str, Any]) -> None:
        coding = CODINGS.read(table)
        tasks, permutation = coding.draw(N, fresh_rng())

        together = coding.subsets(tasks, permutation)

        for slot in range(N):
            alone = coding.subsets(tasks[slot : slot + 1], permutation)
            assert alone.tolist() == together[slot : slot + 1].tolist()

    @pytest.mark.parametrize("dimension", [1, 50])
    def test_encodes_the_same_bits_alone_and_with_others(
        self, table: dict[str, Any], dimension: int
    ) -> None:
        coding, gradients = CODINGS.read(table), fresh_rng().normal(0, 1, (N, dimension))
        tasks, permutation = coding.draw(N, fresh_rng())
        subsets = coding.subsets(tasks, permutation)

        together = coding.encode(gradients, subsets, tasks, N)

        for slot in range(N):
            own, row = gradients[subsets[slot]], np.arange(subsets.shape[1])[None]
            alone = coding.encode(own, row, tasks[slot : slot + 1], N)
            assert alone.tobytes() == together[slot].tobytes()

    def test_leaves_the_gradients_alone(self, table: dict[str, Any]) -> None:
        coding, gradients = CODINGS.read(table), fresh_rng().normal(0, 1, (N, 5))
        gradients.flags.writeable = False

        tasks, permutation = coding.draw(N, fresh_rng())

        coding.encode(gradients, coding.subsets(tasks, permutation), tasks, N)

        assert gradients.tobytes() == fresh_rng().normal(0, 1, (N, 5)).tobytes()

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        coding = CODINGS.read(table)

        assert CODINGS.read(CODINGS.write(coding)) == coding


DECODED = [table for table in CODES if isinstance(CODINGS.read(table), Decodes)]


@pytest.mark.parametrize("table", DECODED, ids=name_of)
class TestEveryDecodedCoding:
    def received(self, coding: Coding) -> tuple[Received, NDArray[np.float64]]:
        """What arrives of everybody, and the mean of all gradients."""
        gradients = fresh_rng(2).normal(1, 1, (N, 5))
        tasks, permutation = coding.draw(N, fresh_rng())
        vectors = coding.encode(gradients, coding.subsets(tasks, permutation), tasks, N)
        received = Received(vectors, tuple(range(N)), tasks, N, fresh_rng())
        return received, gradients.mean(axis=0)

    def test_gives_the_mean_where_nobody_lies(self, table: dict[str, Any]) -> None:
        coding = CODINGS.read(table)
        assert isinstance(coding, Decodes)
        received, mean = self.received(coding)

        decoded = coding.decode(received)

        assert decoded.mean == pytest.approx(mean, rel=1e-13)
        assert decoded.suspects == ()

    def test_gives_the_mean_where_as_many_lie_as_it_corrects(self, table: dict[str, Any]) -> None:
        coding = CODINGS.read(table)
        assert isinstance(coding, Decodes)
        received, mean = self.received(coding)
        count = coding.corrects(N)
        received.vectors[2 : 2 + count] *= -2

        decoded = coding.decode(received)

        assert decoded.mean == pytest.approx(mean, rel=1e-13)
        assert decoded.suspects == tuple(range(2, 2 + count))

    def test_says_so_if_nearly_everybody_is_absent(self, table: dict[str, Any]) -> None:
        coding = CODINGS.read(table)
        assert isinstance(coding, Decodes)
        received, _ = self.received(coding)
        alone = replace(
            received, vectors=received.vectors[:1], devices=(0,), tasks=received.tasks[:1]
        )

        decoded = coding.decode(alone)

        assert decoded.mean is None
        assert decoded.suspects == ()
        assert coding.estimates(alone).shape == (1, 5)


@pytest.mark.parametrize(("table", "devices", "message"), IMPOSSIBLE)
def test_refuses_numbers_that_mean_nothing(
    table: dict[str, Any], devices: int, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        CODINGS.read(table).check(devices)

    assert str(caught.value).startswith(message)
