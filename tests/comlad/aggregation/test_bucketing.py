import numpy as np
import pytest
from samples import context, fresh_rng

from comlad.aggregation import Aggregation, Bucketing, TrimmedMean
from comlad.errors import ConfigError


@pytest.mark.parametrize(("n", "size"), [(6, 2), (7, 2), (7, 3), (5, 5), (5, 9), (100, 4)])
def test_averages_consecutive_vectors_of_a_drawn_order(n: int, size: int) -> None:
    vectors = fresh_rng(n).normal(0, 1, (n, 3))

    means = Bucketing(size)(vectors, context(0, seed=4))

    drawn = vectors[fresh_rng(4).permutation(n)]
    buckets = [drawn[start : start + size] for start in range(0, n, size)]
    assert means == pytest.approx(np.array([bucket.mean(axis=0) for bucket in buckets]))


def test_averages_in_the_last_bucket_what_it_has() -> None:
    # Released code divides by s all the same.
    vectors = np.ones((7, 2))

    assert (Bucketing(3)(vectors, context(0)) == 1).all()


def test_puts_each_vector_with_every_other_at_some_time() -> None:
    vectors = np.diag([1.0, 2, 4, 8])

    partners = set()
    for seed in range(60):
        for mean in Bucketing(2)(vectors, context(0, seed)):
            partners.add(float(2 * mean.sum()))

    assert partners == {3.0, 5.0, 9.0, 6.0, 10.0, 12.0}


def test_leaves_buckets_of_one_to_their_devices() -> None:
    vectors = fresh_rng().normal(0, 1, (5, 3))

    assert Bucketing(1)(vectors, context(1)).tobytes() == vectors.tobytes()


@pytest.mark.parametrize(
    ("size", "n", "f", "after"),
    [(2, 10, 2, (5, 2)), (3, 10, 1, (4, 1)), (2, 9, 7, (5, 5)), (1, 9, 4, (9, 4))],
)
def test_lets_every_liar_spoil_a_bucket(size: int, n: int, f: int, after: tuple[int, int]) -> None:
    assert Bucketing(size).gives(n, f) == after


@pytest.mark.parametrize(("size", "n", "f"), [(2, 8, 2), (3, 12, 2), (2, 0, 0), (5, 5, 1)])
def test_refuses_buckets_of_which_half_may_be_bad(size: int, n: int, f: int) -> None:
    with pytest.raises(ConfigError, match=f"^size = {size}: of "):
        Bucketing(size).check(n, f)


def test_refuses_empty_buckets() -> None:
    with pytest.raises(ConfigError, match=r"^size = 0: must be at least 1$"):
        Bucketing(0)


def test_tells_the_rule_how_many_buckets_may_be_bad() -> None:
    # Whichever two buckets the liars are in, trimming drops them.
    vectors = np.vstack([np.ones((8, 2)), np.full((2, 2), 1e9)])

    for seed in range(20):
        aggregate = Aggregation(TrimmedMean(), (Bucketing(2),))(vectors, context(2, seed))
        assert aggregate.tolist() == [1, 1]
