"""What every rule and pre-aggregation promises, whatever it computes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng, name_of

from comlad.aggregation import AGGREGATORS, PREAGGREGATORS
from comlad.config import with_assignments
from comlad.errors import ConfigError

RULES: list[dict[str, Any]] = [
    {"kind": "mean"},
    {"kind": "trimmed-mean"},
    {"kind": "trimmed-mean", "trim": 1},
    {"kind": "trimmed-mean", "trim": 0.25},
]
LINKS: list[dict[str, Any]] = [
    {"kind": "nnm"},
]
# n, f and what the complaint begins with.
IMPOSSIBLE: list[tuple[dict[str, Any], int, int, str]] = [
    ({"kind": "mean"}, 0, 0, "devices = 0: "),
    ({"kind": "trimmed-mean"}, 4, 2, "trim = None: drops 2 at each end and leaves none of 4"),
    ({"kind": "trimmed-mean", "trim": 3}, 6, 0, "trim = 3: drops 3 at each end"),
    ({"kind": "trimmed-mean", "trim": 0.25}, 0, 0, "trim = 0.25: "),
    ({"kind": "nnm"}, 3, 3, "tolerate = 3: nearest-neighbour mixing of 3 vectors"),
    ({"kind": "nnm"}, 3, -1, "tolerate = -1: "),
]


def cloud(n: int = 9, dimension: int = 5) -> NDArray[np.float64]:
    return fresh_rng().normal(3, 2, (n, dimension))


def test_has_a_sample_of_every_kind() -> None:
    assert {rule["kind"] for rule in RULES} == set(AGGREGATORS.own)
    assert {link["kind"] for link in LINKS} == set(PREAGGREGATORS.own)
    assert {table["kind"] for table, *_ in IMPOSSIBLE} == {*AGGREGATORS.own, *PREAGGREGATORS.own}


@pytest.mark.parametrize("table", RULES, ids=name_of)
class TestEveryAggregator:
    def test_gives_one_vector_of_float64(self, table: dict[str, Any]) -> None:
        aggregate = AGGREGATORS.read(table)(cloud(), 2, fresh_rng())

        assert aggregate.shape == (5,)
        assert aggregate.dtype == np.float64

    @pytest.mark.parametrize("dimension", [1, 7, 1500, 5000])
    def test_agrees_with_vectors_that_agree(self, table: dict[str, Any], dimension: int) -> None:
        vector = fresh_rng().normal(0, 10, dimension)

        aggregate = AGGREGATORS.read(table)(np.tile(vector, (9, 1)), 2, fresh_rng())

        assert aggregate == pytest.approx(vector, rel=1e-15)

    def test_stays_among_the_vectors(self, table: dict[str, Any]) -> None:
        vectors = cloud()

        aggregate = AGGREGATORS.read(table)(vectors, 2, fresh_rng())

        assert (vectors.min(axis=0) <= aggregate).all()
        assert (aggregate <= vectors.max(axis=0)).all()

    def test_does_not_care_who_sent_what(self, table: dict[str, Any]) -> None:
        rule, vectors = AGGREGATORS.read(table), cloud()

        shuffled = rule(fresh_rng().permutation(vectors), 2, fresh_rng())

        assert shuffled == pytest.approx(rule(vectors, 2, fresh_rng()), rel=1e-12)

    @pytest.mark.parametrize("dimension", [5, 5000])
    def test_leaves_its_input_alone(self, table: dict[str, Any], dimension: int) -> None:
        vectors = cloud(dimension=dimension)
        vectors.flags.writeable = False

        AGGREGATORS.read(table)(vectors, 2, fresh_rng())

        assert vectors.tobytes() == cloud(dimension=dimension).tobytes()

    def test_repeats_itself_to_the_last_bit(self, table: dict[str, Any]) -> None:
        rule = AGGREGATORS.read(table)

        first, second = (rule(cloud(30, 1500), 2, fresh_rng()) for _ in range(2))

        assert first.tobytes() == second.tobytes()

    def test_takes_one_vector_where_nobody_lies(self, table: dict[str, Any]) -> None:
        rule = AGGREGATORS.read(with_assignments(table, ["trim=0"] if "trim" in table else []))
        rule.check(1, 0)

        assert rule(cloud(1), 0, fresh_rng()) == pytest.approx(cloud(1)[0])

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        rule = AGGREGATORS.read(table)

        assert AGGREGATORS.read(AGGREGATORS.write(rule)) == rule


@pytest.mark.parametrize("table", LINKS, ids=name_of)
class TestEveryPreAggregator:
    def test_gives_vectors_of_float64(self, table: dict[str, Any]) -> None:
        vectors = PREAGGREGATORS.read(table)(cloud(), 2, fresh_rng())

        assert vectors.shape[1] == 5
        assert vectors.dtype == np.float64

    def test_agrees_with_vectors_that_agree(self, table: dict[str, Any]) -> None:
        vector = fresh_rng().normal(0, 10, 7)

        vectors = PREAGGREGATORS.read(table)(np.tile(vector, (9, 1)), 2, fresh_rng())

        for row in vectors:
            assert row == pytest.approx(vector, rel=1e-15)

    def test_does_not_care_who_sent_what(self, table: dict[str, Any]) -> None:
        link, vectors = PREAGGREGATORS.read(table), cloud()
        order = fresh_rng().permutation(len(vectors))

        shuffled = link(vectors[order], 2, fresh_rng())

        mixed = link(vectors, 2, fresh_rng())
        assert np.sort(shuffled, axis=0) == pytest.approx(np.sort(mixed, axis=0), rel=1e-12)

    def test_leaves_its_input_alone(self, table: dict[str, Any]) -> None:
        vectors = cloud()
        vectors.flags.writeable = False

        PREAGGREGATORS.read(table)(vectors, 2, fresh_rng())

        assert vectors.tobytes() == cloud().tobytes()

    def test_repeats_itself_to_the_last_bit(self, table: dict[str, Any]) -> None:
        link = PREAGGREGATORS.read(table)

        first, second = (link(cloud(30, 1500), 2, fresh_rng()) for _ in range(2))

        assert first.tobytes() == second.tobytes()

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        link = PREAGGREGATORS.read(table)

        assert PREAGGREGATORS.read(PREAGGREGATORS.write(link)) == link


@pytest.mark.parametrize(("table", "n", "f", "message"), IMPOSSIBLE)
def test_refuses_numbers_that_mean_nothing(
    table: dict[str, Any], n: int, f: int, message: str
) -> None:
    family = AGGREGATORS if table["kind"] in AGGREGATORS.own else PREAGGREGATORS
    rule = family.read(table)

    with pytest.raises(ConfigError) as caught:
        rule.check(n, f)

    assert str(caught.value).startswith(message)
