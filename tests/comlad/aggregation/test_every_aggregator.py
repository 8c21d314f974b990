"""What every rule and pre-aggregation promises, whatever it computes."""

from typing import Any

import numpy as np
import pytest
from rule_samples import LINKS, RULES, apply, cloud
from samples import context, fresh_rng, name_of

from comlad.aggregation import AGGREGATORS, PREAGGREGATORS, Aggregation, Context
from comlad.config import with_assignments
from comlad.errors import ConfigError

# n, f and what the complaint begins with.
IMPOSSIBLE: list[tuple[dict[str, Any], int, int, str]] = [
    ({"kind": "mean"}, 0, 0, "devices = 0: "),
    ({"kind": "trimmed-mean"}, 4, 2, "tolerate = 2: drops 2 at each end and leaves none of 4"),
    ({"kind": "trimmed-mean", "trim": 3}, 6, 0, "trim = 3: drops 3 at each end"),
    ({"kind": "trimmed-mean", "trim": 0.25}, 0, 0, "trim = 0.25: "),
    ({"kind": "median"}, 4, 2, "tolerate = 2: the median of 4 vectors"),
    ({"kind": "meamed"}, 4, 2, "tolerate = 2: the mean around the median of 4 vectors"),
    ({"kind": "phocas"}, 4, 2, "tolerate = 2: drops 2 at each end and leaves none of 4"),
    ({"kind": "geometric-median"}, 4, 2, "tolerate = 2: the geometric median needs"),
    ({"kind": "krum"}, 6, 2, "tolerate = 2: Krum with n − f − 2 neighbours needs"),
    ({"kind": "krum", "neighbors": "n-f-1"}, 4, 2, "tolerate = 2: Krum needs f ≥ 0 and 2f < 4"),
    ({"kind": "multi-krum"}, 6, 2, "tolerate = 2: Multi-Krum with n − f − 2 neighbours needs"),
    ({"kind": "bulyan"}, 10, 2, "tolerate = 2: Bulyan needs f ≥ 0 and 4f + 3 ≤ 10"),
    ({"kind": "mda"}, 4, 2, "tolerate = 2: MDA needs"),
    ({"kind": "mda"}, 200, 51, "tolerate = 51: an exact MDA can do f ≤ 50"),
    ({"kind": "smea"}, 4, 2, "tolerate = 2: SMEA needs"),
    ({"kind": "smea"}, 100, 20, "tolerate = 20: too many subsets of 100 vectors"),
    ({"kind": "monna", "trusted": 0}, 4, 2, "tolerate = 2: MoNNA needs"),
    ({"kind": "faba"}, 4, 2, "tolerate = 2: FABA needs"),
    ({"kind": "caf"}, 4, 2, "tolerate = 2: CAF needs"),
    ({"kind": "caf"}, 4, -1, "tolerate = -1: CAF needs"),
    ({"kind": "centered-clipping"}, 4, 2, "tolerate = 2: centred clipping needs"),
    ({"kind": "maximum-correntropy"}, 4, 2, "tolerate = 2: maximum correntropy needs"),
    ({"kind": "norm-thresholding"}, 3, 3, "tolerate = 3: norm thresholding of 3 vectors"),
    ({"kind": "norm-thresholding", "beta": 0.2}, 0, 0, "devices = 0: "),
    ({"kind": "bucketing"}, 8, 2, "size = 2: of 4 buckets of 8 vectors 2 may be bad"),
    ({"kind": "clipping", "limit": 1.0}, 0, 0, "devices = 0: "),
    ({"kind": "arc"}, 4, 2, "tolerate = 2: adaptive robust clipping of 4 vectors"),
    ({"kind": "nnm"}, 3, 3, "tolerate = 3: nearest-neighbour mixing of 3 vectors"),
    ({"kind": "nnm"}, 3, -1, "tolerate = -1: "),
]

# Rules that compare each vector with several others.
COMPARING = {"krum", "multi-krum", "bulyan"}


def test_has_a_sample_of_every_kind() -> None:
    assert {rule["kind"] for rule in RULES} == set(AGGREGATORS.own)
    assert {link["kind"] for link in LINKS} == set(PREAGGREGATORS.own)
    assert {table["kind"] for table, *_ in IMPOSSIBLE} == {*AGGREGATORS.own, *PREAGGREGATORS.own}


@pytest.mark.parametrize("table", RULES, ids=name_of)
class TestEveryAggregator:
    def test_gives_one_vector_of_float64(self, table: dict[str, Any]) -> None:
        aggregate = apply(AGGREGATORS.read(table), cloud(), 2)

        assert aggregate.shape == (5,)
        assert aggregate.dtype == np.float64

    @pytest.mark.parametrize("dimension", [1, 7, 1500, 5000])
    def test_agrees_with_vectors_that_agree(self, table: dict[str, Any], dimension: int) -> None:
        vector = fresh_rng().normal(0, 10, dimension)

        aggregate = apply(AGGREGATORS.read(table), np.tile(vector, (11, 1)), 2)

        assert aggregate == pytest.approx(vector, rel=1e-15)

    def test_stays_among_the_vectors(self, table: dict[str, Any]) -> None:
        vectors = cloud()

        aggregate = apply(AGGREGATORS.read(table), vectors, 2)

        assert (vectors.min(axis=0) <= aggregate).all()
        assert (aggregate <= vectors.max(axis=0)).all()

    def test_does_not_care_who_sent_what(self, table: dict[str, Any]) -> None:
        if table["kind"] == "bulyan":
            return  # chooses by a draw between the two that are nearest to each other
        rule, vectors = AGGREGATORS.read(table), cloud()
        order = fresh_rng().permutation(len(vectors))

        shuffled = rule(vectors[order], Context(2, fresh_rng(), devices=tuple(order)))

        assert shuffled == pytest.approx(apply(rule, vectors, 2), rel=1e-12)

    @pytest.mark.parametrize("dimension", [5, 5000])
    def test_leaves_its_input_alone(self, table: dict[str, Any], dimension: int) -> None:
        vectors = cloud(dimension=dimension)
        vectors.flags.writeable = False

        apply(AGGREGATORS.read(table), vectors, 2)

        assert vectors.tobytes() == cloud(dimension=dimension).tobytes()

    def test_repeats_itself_to_the_last_bit(self, table: dict[str, Any]) -> None:
        rule = AGGREGATORS.read(table)

        first, second = (apply(rule, cloud(30, 1500), 2) for _ in range(2))

        assert first.tobytes() == second.tobytes()

    def test_takes_one_vector_where_nobody_lies(self, table: dict[str, Any]) -> None:
        if table["kind"] in COMPARING:
            return
        zeros = [f"{key}=0" for key in ("trim", "trusted") if key in table]
        rule = AGGREGATORS.read(with_assignments(table, zeros))
        rule.check(1, 0)

        assert apply(rule, cloud(1), 0) == pytest.approx(cloud(1)[0])

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        rule = AGGREGATORS.read(table)

        assert AGGREGATORS.read(AGGREGATORS.write(rule)) == rule


@pytest.mark.parametrize("table", LINKS, ids=name_of)
class TestEveryPreAggregator:
    def test_gives_vectors_of_float64(self, table: dict[str, Any]) -> None:
        vectors = PREAGGREGATORS.read(table)(cloud(), context(2))

        assert vectors.shape[1] == 5
        assert vectors.dtype == np.float64

    def test_agrees_with_vectors_that_agree(self, table: dict[str, Any]) -> None:
        vector = fresh_rng().normal(0, 10, 7)

        vectors = PREAGGREGATORS.read(table)(np.tile(vector, (9, 1)), context(2))

        for row in vectors:
            assert row == pytest.approx(vector, rel=1e-15)

    def test_does_not_care_who_sent_what(self, table: dict[str, Any]) -> None:
        if table["kind"] == "bucketing":
            return  # who shares a bucket is drawn by place
        link, vectors = PREAGGREGATORS.read(table), cloud()
        order = fresh_rng().permutation(len(vectors))

        shuffled = link(vectors[order], context(2))

        mixed = link(vectors, context(2))
        assert np.sort(shuffled, axis=0) == pytest.approx(np.sort(mixed, axis=0), rel=1e-12)

    def test_leaves_its_input_alone(self, table: dict[str, Any]) -> None:
        vectors = cloud()
        vectors.flags.writeable = False

        PREAGGREGATORS.read(table)(vectors, context(2))

        assert vectors.tobytes() == cloud().tobytes()

    def test_repeats_itself_to_the_last_bit(self, table: dict[str, Any]) -> None:
        link = PREAGGREGATORS.read(table)

        first, second = (link(cloud(30, 1500), context(2)) for _ in range(2))

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


@pytest.mark.parametrize("table", RULES, ids=name_of)
def test_never_sees_a_row_that_is_not_finite(table: dict[str, Any]) -> None:
    rule = AGGREGATORS.read(table)
    bad = np.array([[np.nan] * 5, [1, 2, np.inf, 4, 5], [-np.inf, np.nan, 0, 0, 0]])
    vectors = np.vstack([bad[:1], cloud(6), bad[1:], cloud()[6:]])

    aggregate = apply(Aggregation(rule), vectors, 4)

    # Each is one liar less to expect.
    kept = Context(1, fresh_rng(), devices=(1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13))
    assert aggregate.tobytes() == rule(cloud(), kept).tobytes()
